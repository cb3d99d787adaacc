# Draws mlp3_corrup_curves.svg, .png and .pdf from mlp3_corrup_curves.csv: run `gnuplot mlp3_corrup_curves.gp` in this folder.
data = 'mlp3_corrup_curves.csv'
do for [type in 'svg png pdf'] {
    reset
    if (type eq 'svg') {
        set terminal svg size 1280,920 dynamic background rgb 'white' font 'DejaVu Sans,26' linewidth 1.3
        mark = 0.45; lift = 0.8; small = ',20' # its units are pixels, those below points
    }
    if (type eq 'pdf') {
        set terminal pdfcairo size 8.53in,6.13in background rgb 'white' font 'DejaVu Sans,13'
        mark = 0.6; lift = 0.4; small = ',9.7'
    }
    if (type eq 'png') {
        set terminal pngcairo size 1280,920 background rgb 'white' font 'DejaVu Sans,20'
        mark = 1; lift = 0.4; small = ',15'
    }
    set output 'mlp3_corrup_curves.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25 title 'labels corrupted'
set bmargin at screen 0.180
set label 1 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'Smoothed (Savitzky-Golay, order 3, 21 points) within the log.'
    set title 'MLP3 learning curves per corruption level' noenhanced
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Training accuracy' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1.02]
    plot \
        data index 2 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#500d0887' notitle, \
        data index 4 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50380599' notitle, \
        data index 6 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#505c01a4' notitle, \
        data index 8 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#507c06a6' notitle, \
        data index 10 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#509a169e' notitle, \
        data index 12 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50b52e8c' notitle, \
        data index 14 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50cb4678' notitle, \
        data index 16 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50dd5e66' notitle, \
        data index 18 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50ec7853' notitle, \
        data index 20 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50f79441' notitle, \
        data index 22 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50fcb231' notitle, \
        data index 1 using 4:5 with lines lw 2.5 lc rgb '#000d0887' title 'p=0.0', \
        data index 3 using 4:5 with lines lw 2.5 lc rgb '#00380599' title 'p=0.1', \
        data index 5 using 4:5 with lines lw 2.5 lc rgb '#005c01a4' title 'p=0.2', \
        data index 7 using 4:5 with lines lw 2.5 lc rgb '#007c06a6' title 'p=0.3', \
        data index 9 using 4:5 with lines lw 2.5 lc rgb '#009a169e' title 'p=0.4', \
        data index 11 using 4:5 with lines lw 2.5 lc rgb '#00b52e8c' title 'p=0.5', \
        data index 13 using 4:5 with lines lw 2.5 lc rgb '#00cb4678' title 'p=0.6', \
        data index 15 using 4:5 with lines lw 2.5 lc rgb '#00dd5e66' title 'p=0.7', \
        data index 17 using 4:5 with lines lw 2.5 lc rgb '#00ec7853' title 'p=0.8', \
        data index 19 using 4:5 with lines lw 2.5 lc rgb '#00f79441' title 'p=0.9', \
        data index 21 using 4:5 with lines lw 2.5 lc rgb '#00fcb231' title 'p=1.0', \
        keyentry with lines lw 1.6 dt (18,9) lc rgb '#606060' title 'published'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

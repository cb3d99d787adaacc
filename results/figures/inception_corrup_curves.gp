# Draws inception_corrup_curves.svg, .png and .pdf from inception_corrup_curves.csv: run `gnuplot inception_corrup_curves.gp` in this folder.
data = 'inception_corrup_curves.csv'
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
    set output 'inception_corrup_curves.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25 title 'labels corrupted'
set bmargin at screen 0.180
set label 1 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'Smoothed (Savitzky-Golay, order 3, 21 points) within the log.'
    set title 'Inception learning curves per corruption level' noenhanced
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Training accuracy' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1.02]
    plot \
        data index 2 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#500d0887' notitle, \
        data index 1 using 4:5 with lines lw 2.5 lc rgb '#000d0887' title 'p=0.0', \
        keyentry with lines lw 1.6 dt (18,9) lc rgb '#606060' title 'published'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

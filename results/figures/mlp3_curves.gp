# Draws mlp3_curves.svg, .png and .pdf from mlp3_curves.csv: run `gnuplot mlp3_curves.gp` in this folder.
data = 'mlp3_curves.csv'
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
    set output 'mlp3_curves.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25
set bmargin at screen 0.180
set label 1 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'The published axis counts log points, 7 or 11 an epoch. Smoothed (Savitzky-Golay, order 3, 21 points) within the log.'
    set title 'MLP3 learning curves' noenhanced
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Training loss (cross-entropy)' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 3 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#501b4f9c' notitle, \
        data index 6 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50c8442a' notitle, \
        data index 9 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50389a7e' notitle, \
        data index 12 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50e6ab2b' notitle, \
        data index 15 using 4:5 with lines lw 1.6 dt (18,9) lc rgb '#50000000' notitle, \
        data index 1 using 4:5 with lines lw 1 lc rgb '#C81b4f9c' notitle, \
        data index 4 using 4:5 with lines lw 1 lc rgb '#C8c8442a' notitle, \
        data index 7 using 4:5 with lines lw 1 lc rgb '#C8389a7e' notitle, \
        data index 10 using 4:5 with lines lw 1 lc rgb '#C8e6ab2b' notitle, \
        data index 13 using 4:5 with lines lw 1 lc rgb '#C8000000' notitle, \
        data index 2 using 4:5 with linespoints lw 2.5 pt 7 ps 1.7*mark pn 7 lc rgb '#001b4f9c' title 'true labels', \
        data index 5 using 4:5 with linespoints lw 2.5 pt 9 ps 1.7*mark pn 7 lc rgb '#00c8442a' title 'random labels', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 5 ps 1.7*mark pn 7 lc rgb '#00389a7e' title 'shuffled pixels', \
        data index 11 using 4:5 with linespoints lw 2.5 pt 11 ps 1.7*mark pn 7 lc rgb '#00e6ab2b' title 'random pixels', \
        data index 14 using 4:5 with linespoints lw 2.5 pt 13 ps 1.7*mark pn 7 lc rgb '#00000000' title 'gaussian', \
        keyentry with lines lw 1.6 dt (18,9) lc rgb '#606060' title 'published', \
        keyentry with lines lw 1 lc rgb '#A0606060' title 'as logged'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

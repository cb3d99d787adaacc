# Draws learnt_levels.svg, .png and .pdf from learnt_levels.csv: run `gnuplot learnt_levels.gp` in this folder.
data = 'learnt_levels.csv'
do for [type in 'svg png pdf'] {
    reset
    if (type eq 'svg') {
        set terminal svg size 1920,820 dynamic background rgb 'white' font 'DejaVu Sans,26' linewidth 1.3
        mark = 0.45; lift = 0.8; small = ',20' # its units are pixels, those below points
    }
    if (type eq 'pdf') {
        set terminal pdfcairo size 12.80in,5.47in background rgb 'white' font 'DejaVu Sans,13'
        mark = 0.6; lift = 0.4; small = ',9.7'
    }
    if (type eq 'png') {
        set terminal pngcairo size 1920,820 background rgb 'white' font 'DejaVu Sans,20'
        mark = 1; lift = 0.4; small = ',15'
    }
    set output 'learnt_levels.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key at screen 0.5, 0.120 center horizontal Left reverse noenhanced samplen 2 maxrows 3
set bmargin at screen 0.300
set label 1 at screen 0.015, 0.043 left noenhanced font small tc rgb '#404040' 'Solid, left and right: the epoch of the best test accuracy, which early stopping would have kept (evaluate_every). Dotted: wrong labels then; test accuracy at the end. Middle:'
set label 2 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'the most wrong labels predicted as true.'
    set multiplot layout 1,3 title 'Right and wrong labels against label corruption' noenhanced
    unset key
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Training accuracy, best epoch' noenhanced
    unset logscale x
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 1 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, right labels', \
        data index 2 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark dt (5,4) lc rgb '#00389a7e' title 'AlexNet, wrong labels', \
        data index 6 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN, right labels', \
        data index 7 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark dt (5,4) lc rgb '#00000000' title 'WRN, wrong labels'
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Early-learning peak' noenhanced
    unset logscale x
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 3 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' notitle, \
        data index 8 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' notitle
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Test accuracy on true labels' noenhanced
    unset logscale x
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 4 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' notitle, \
        data index 5 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark dt (5,4) lc rgb '#00389a7e' notitle, \
        data index 9 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' notitle, \
        data index 10 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark dt (5,4) lc rgb '#00000000' notitle
    # the legend
    set origin 0, 0; set size 1, 1; set key
    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale
    plot [0:1] [0:1] NaN notitle, \
        keyentry with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, right labels', \
        keyentry with linespoints lw 2.5 pt 5 ps 2*mark dt (5,4) lc rgb '#00389a7e' title 'AlexNet, wrong labels', \
        keyentry with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN, right labels', \
        keyentry with linespoints lw 2.5 pt 13 ps 2*mark dt (5,4) lc rgb '#00000000' title 'WRN, wrong labels'
    unset multiplot
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

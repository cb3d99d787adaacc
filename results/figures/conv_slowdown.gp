# Draws conv_slowdown.svg, .png and .pdf from conv_slowdown.csv: run `gnuplot conv_slowdown.gp` in this folder.
data = 'conv_slowdown.csv'
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
    set output 'conv_slowdown.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key at screen 0.5, 0.145 center horizontal Left reverse noenhanced samplen 2 maxrows 3
set bmargin at screen 0.325
set label 1 at screen 0.015, 0.068 left noenhanced font small tc rgb '#404040' 'Minutes depend on the machine and its other load (the published ones too, by up to fourfold): compare epochs and FLOPs. Published points only beside runs of the published config'
set label 2 at screen 0.015, 0.043 left noenhanced font small tc rgb '#404040' 'on CIFAR-10. 4 runs left out: AlexNet_1.0_none (finished at epoch 200 without reaching the threshold); AlexNet_0.5_none_lr_decay0.98 (finished at epoch 40 without reaching the'
set label 3 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'threshold); AlexNet_0.5_none_lr_decay0.99 (finished at epoch 40 without reaching the threshold); and 1 more.'
    set multiplot layout 1,3 title 'Convergence slowdown: what it takes to fit the training set' noenhanced
    unset key
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Epochs' noenhanced
    unset logscale x
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 4 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 9 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 17 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' notitle, \
        data index 22 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 1 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 6 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 11 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, lr_decay=0.97', \
        data index 14 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'Inception', \
        data index 19 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Training FLOPs' noenhanced
    unset logscale x
    set xrange [0:1]
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 2 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 7 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 12 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, lr_decay=0.97', \
        data index 15 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'Inception', \
        data index 20 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN'
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Minutes' noenhanced
    unset logscale x
    set xrange [0:1]
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 5 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 10 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 18 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' notitle, \
        data index 23 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 3 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 13 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, lr_decay=0.97', \
        data index 16 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'Inception', \
        data index 21 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    # the legend
    set origin 0, 0; set size 1, 1; set key
    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale
    plot [0:1] [0:1] NaN notitle, \
        keyentry with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        keyentry with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        keyentry with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, lr_decay=0.97', \
        keyentry with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'Inception', \
        keyentry with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    unset multiplot
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

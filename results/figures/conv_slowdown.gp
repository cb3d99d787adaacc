# Draws conv_slowdown.svg and conv_slowdown.png from conv_slowdown.csv: run `gnuplot conv_slowdown.gp` in this folder.
data = 'conv_slowdown.csv'
do for [type in 'svg png'] {
    reset
    if (type eq 'svg') {
        set terminal svg size 1920,820 dynamic background rgb 'white' font 'DejaVu Sans,26' linewidth 1.3
        mark = 0.45; lift = 0.8; small = ',20' # its units are pixels, those below points
    } else {
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
set key at screen 0.5, 0.12 center horizontal Left reverse noenhanced samplen 2 maxrows 3
set bmargin at screen 0.30
set label 1 at screen 0.015, 0.025 left noenhanced font small tc rgb '#404040' 'Minutes depend on the machine and its other load (the published ones too, by up to fourfold): compare epochs and FLOPs.'
    set multiplot layout 1,3 title 'Convergence slowdown: what it takes to fit the training set' noenhanced
    unset key
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Epochs' noenhanced
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 4 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 9 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 11 using 4:5 with linespoints lw 1.2 dt (18,9) pt 4 ps 2.2*mark lc rgb '#50389a7e' title 'AlexNet, published', \
        data index 13 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' title 'Inception, published', \
        data index 18 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 1 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 6 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 15 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Training FLOPs' noenhanced
    set xrange [0:1]
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 2 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 7 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 16 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN'
    unset label
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Minutes' noenhanced
    set xrange [0:1]
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 5 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 10 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 12 using 4:5 with linespoints lw 1.2 dt (18,9) pt 4 ps 2.2*mark lc rgb '#50389a7e' notitle, \
        data index 14 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' notitle, \
        data index 19 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 3 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 17 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    # the legend
    set origin 0, 0; set size 1, 1; set key
    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale
    plot [0:1] [0:1] NaN notitle, \
        keyentry with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        keyentry with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 4 ps 2.2*mark lc rgb '#50389a7e' title 'AlexNet, published', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' title 'Inception, published', \
        keyentry with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    unset multiplot
    unset output
}

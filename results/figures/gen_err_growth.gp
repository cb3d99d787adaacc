# Draws gen_err_growth.svg and gen_err_growth.png from gen_err_growth.csv: run `gnuplot gen_err_growth.gp` in this folder.
data = 'gen_err_growth.csv'
do for [type in 'svg png'] {
    reset
    if (type eq 'svg') {
        set terminal svg size 1280,920 dynamic background rgb 'white' font 'DejaVu Sans,26' linewidth 1.3
        mark = 0.45; lift = 0.8; small = ',20' # its units are pixels, those below points
    } else {
        set terminal pngcairo size 1280,920 background rgb 'white' font 'DejaVu Sans,20'
        mark = 1; lift = 0.4; small = ',15'
    }
    set output 'gen_err_growth.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25
set bmargin at screen 0.18
set label 1 at screen 0.015, 0.025 left noenhanced font small tc rgb '#404040' 'Training error is about 0 at the threshold, so this is the generalization error.'
    set title 'Generalization error growth' noenhanced
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Test error at the interpolation threshold' noenhanced
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1]
    plot \
        data index 1 using 4:5 with lines lw 2 dt 3 lc rgb '#40c8442a' title 'chance (0.9)', \
        data index 3 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 5 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 6 using 4:5 with linespoints lw 1.2 dt (18,9) pt 4 ps 2.2*mark lc rgb '#50389a7e' title 'AlexNet, published', \
        data index 7 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' title 'Inception, published', \
        data index 9 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 2 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 4 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    unset output
}

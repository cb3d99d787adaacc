# Draws relative_slowdown.svg, .png and .pdf from relative_slowdown.csv: run `gnuplot relative_slowdown.gp` in this folder.
data = 'relative_slowdown.csv'
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
    set output 'relative_slowdown.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25
set bmargin at screen 0.230
set label 1 at screen 0.015, 0.093 left noenhanced font small tc rgb '#404040' 'Epochs to the interpolation threshold, divided by those of the run on true labels with the same seed. Published points'
set label 2 at screen 0.015, 0.068 left noenhanced font small tc rgb '#404040' 'only beside runs of the published config on CIFAR-10. 4 runs left out: AlexNet_1.0_none (finished at epoch 200 without'
set label 3 at screen 0.015, 0.043 left noenhanced font small tc rgb '#404040' 'reaching the threshold); AlexNet_0.5_none_lr_decay0.98 (finished at epoch 40 without reaching the threshold);'
set label 4 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'AlexNet_0.5_none_lr_decay0.99 (finished at epoch 40 without reaching the threshold); and 1 more.'
    set title 'Convergence slowdown, relative to true labels' noenhanced
    set xlabel 'Label corruption probability' noenhanced offset 0, lift
    set ylabel 'Epochs to fit, relative to true labels' noenhanced
    unset logscale x
    set xrange [0:1]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 2 using 4:5 with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#501b4f9c' notitle, \
        data index 4 using 4:5 with linespoints lw 1.2 dt (18,9) pt 8 ps 2.2*mark lc rgb '#50c8442a' notitle, \
        data index 7 using 4:5 with linespoints lw 1.2 dt (18,9) pt 10 ps 2.2*mark lc rgb '#50e6ab2b' notitle, \
        data index 9 using 4:5 with linespoints lw 1.2 dt (18,9) pt 12 ps 2.2*mark lc rgb '#50000000' notitle, \
        data index 1 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 3 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 5 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'AlexNet, lr_decay=0.97', \
        data index 6 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'Inception', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'WRN', \
        keyentry with linespoints lw 1.2 dt (18,9) pt 6 ps 2.2*mark lc rgb '#606060' title 'published'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

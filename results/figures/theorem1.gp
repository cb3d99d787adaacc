# Draws theorem1.svg, .png and .pdf from theorem1.csv: run `gnuplot theorem1.gp` in this folder.
data = 'theorem1.csv'
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
    set output 'theorem1.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key at screen 0.5, 0.120 center horizontal Left reverse noenhanced samplen 2 maxrows 3
set bmargin at screen 0.300
    set multiplot layout 1,2 title 'Theorem 1 on cifar10, 45052 of 50000 labels wrong, seed 42' noenhanced
    unset key
    set xlabel 'Images n' noenhanced offset 0, lift
    set ylabel 'Largest residual |c(x) - y|' noenhanced
    set logscale x
    set xrange [7.69230769:65000]; unset mxtics; set xtics (10, 100, 1000, 10000, 50000)
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 1 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'substitution, double', \
        data index 2 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'differences, double', \
        data index 3 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'differences, double-double'
    unset label
    set xlabel 'Images n' noenhanced offset 0, lift
    set ylabel 'Largest weight |w|' noenhanced
    set logscale x
    set xrange [7.69230769:65000]; unset mxtics; set xtics (10, 100, 1000, 10000, 50000)
    set logscale y; set yrange [*:*]; set format y '10^{%L}'
    plot \
        data index 4 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'weights'
    # the legend
    set origin 0, 0; set size 1, 1; set key
    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale
    plot [0:1] [0:1] NaN notitle, \
        keyentry with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'substitution, double', \
        keyentry with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'differences, double', \
        keyentry with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'differences, double-double'
    unset multiplot
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

# Draws rademacher.svg, .png and .pdf from rademacher.csv: run `gnuplot rademacher.gp` in this folder.
data = 'rademacher.csv'
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
    set output 'rademacher.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25
set bmargin at screen 0.180
    set title 'Random signs of n images' noenhanced
    set xlabel 'Images n' noenhanced offset 0, lift
    set ylabel 'Correlation with the signs' noenhanced
    set logscale x
    set xrange [153.846154:1300]; unset mxtics; set xtics (200, 1000)
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1.05]
    plot \
        data index 1 using 4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2 lc rgb '#001b4f9c' notitle, \
        data index 3 using 4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2 lc rgb '#00c8442a' notitle, \
        data index 5 using 4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2 lc rgb '#00389a7e' notitle, \
        data index 7 using 4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2 lc rgb '#00e6ab2b' notitle, \
        data index 9 using 4:(($6+$7)/2):6:7 with yerrorbars pt 0 lw 2 lc rgb '#00000000' notitle, \
        data index 2 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#001b4f9c' title 'MLP1', \
        data index 4 using 4:5 with linespoints lw 2.5 pt 9 ps 2*mark lc rgb '#00c8442a' title 'MLP3', \
        data index 6 using 4:5 with linespoints lw 2.5 pt 5 ps 2*mark lc rgb '#00389a7e' title 'linear, 10 features', \
        data index 8 using 4:5 with linespoints lw 2.5 pt 11 ps 2*mark lc rgb '#00e6ab2b' title 'linear, 100 features', \
        data index 10 using 4:5 with linespoints lw 2.5 pt 13 ps 2*mark lc rgb '#00000000' title 'linear, 1000 features', \
        keyentry with yerrorbars pt 0 lw 2 lc rgb '#606060' title '95 % interval'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

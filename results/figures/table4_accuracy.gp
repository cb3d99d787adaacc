# Draws table4_accuracy.svg, .png and .pdf from table4_accuracy.csv: run `gnuplot table4_accuracy.gp` in this folder.
data = 'table4_accuracy.csv'
do for [type in 'svg png pdf'] {
    reset
    if (type eq 'svg') {
        set terminal svg size 1280,1031 dynamic background rgb 'white' font 'DejaVu Sans,26' linewidth 1.3
        mark = 0.45; lift = 0.8; small = ',20' # its units are pixels, those below points
    }
    if (type eq 'pdf') {
        set terminal pdfcairo size 8.53in,6.87in background rgb 'white' font 'DejaVu Sans,13'
        mark = 0.6; lift = 0.4; small = ',9.7'
    }
    if (type eq 'png') {
        set terminal pngcairo size 1280,1031 background rgb 'white' font 'DejaVu Sans,20'
        mark = 1; lift = 0.4; small = ',15'
    }
    set output 'table4_accuracy.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key outside right center vertical Left reverse noenhanced samplen 2 spacing 1.25
set bmargin at screen 0.282
    set title 'Table 4: training accuracy on random labels with regularisers' noenhanced
    set label '' at graph 0.5, screen 0.030 center noenhanced
    set ylabel 'Accuracy (%)' noenhanced
    unset logscale x
    set xrange [-0.5:5.5]; set xtics noenhanced rotate by 65 right ('Inception_decay' 0, 'AlexNet_decay' 1, 'MLP3_decay' 2, 'MLP1_decay' 3, 'Inception_crop' 4, 'Inception_augment' 5)
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:105]
    plot \
        data index 1 using 4:5 with points lw 1.8 ps 3.2*mark pt 6 lc rgb '#501b4f9c' notitle, \
        data index 2 using 4:5 with points pt 7 ps 2*mark lc rgb '#001b4f9c' title 'train', \
        keyentry with points lw 1.8 ps 3.2*mark pt 6 lc rgb '#606060' title 'the paper'
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

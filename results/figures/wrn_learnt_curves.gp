# Draws wrn_learnt_curves.svg, .png and .pdf from wrn_learnt_curves.csv: run `gnuplot wrn_learnt_curves.gp` in this folder.
data = 'wrn_learnt_curves.csv'
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
    set output 'wrn_learnt_curves.'.type
set encoding utf8
set datafile separator ','
set border lc rgb '#404040'
set tics nomirror out scale 0.6
set grid lw 1 dt 1 lc rgb '#d8d8d8' back
set style fill transparent solid
set key at screen 0.5, 0.120 center horizontal Left reverse noenhanced samplen 2 maxrows 3
set bmargin at screen 0.300
set label 1 at screen 0.015, 0.018 left noenhanced font small tc rgb '#404040' 'Shares of the training images as they were trained on, by epoch. Markers: the early-learning peak, the most wrong labels predicted as true.'
    set multiplot layout 1,3 title 'WRN: right and wrong labels along training' noenhanced
    unset key
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Training accuracy, right labels' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1.02]
    plot \
        data index 1 using 4:5 with lines lw 2.5 lc rgb '#00380599' title 'p=0.1', \
        data index 2 using 4:5 with lines lw 2.5 lc rgb '#005c01a4' title 'p=0.2', \
        data index 3 using 4:5 with lines lw 2.5 lc rgb '#007c06a6' title 'p=0.3', \
        data index 4 using 4:5 with lines lw 2.5 lc rgb '#009a169e' title 'p=0.4', \
        data index 5 using 4:5 with lines lw 2.5 lc rgb '#00b52e8c' title 'p=0.5', \
        data index 6 using 4:5 with lines lw 2.5 lc rgb '#00cb4678' title 'p=0.6', \
        data index 7 using 4:5 with lines lw 2.5 lc rgb '#00dd5e66' title 'p=0.7', \
        data index 8 using 4:5 with lines lw 2.5 lc rgb '#00ec7853' title 'p=0.8', \
        data index 9 using 4:5 with lines lw 2.5 lc rgb '#00f79441' title 'p=0.9', \
        data index 10 using 4:5 with lines lw 2.5 lc rgb '#00fcb231' title 'p=1'
    unset label
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Wrong labels memorised' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    set yrange [0:1.02]
    plot \
        data index 11 using 4:5 with lines lw 2.5 lc rgb '#00380599' notitle, \
        data index 12 using 4:5 with lines lw 2.5 lc rgb '#005c01a4' notitle, \
        data index 13 using 4:5 with lines lw 2.5 lc rgb '#007c06a6' notitle, \
        data index 14 using 4:5 with lines lw 2.5 lc rgb '#009a169e' notitle, \
        data index 15 using 4:5 with lines lw 2.5 lc rgb '#00b52e8c' notitle, \
        data index 16 using 4:5 with lines lw 2.5 lc rgb '#00cb4678' notitle, \
        data index 17 using 4:5 with lines lw 2.5 lc rgb '#00dd5e66' notitle, \
        data index 18 using 4:5 with lines lw 2.5 lc rgb '#00ec7853' notitle, \
        data index 19 using 4:5 with lines lw 2.5 lc rgb '#00f79441' notitle, \
        data index 20 using 4:5 with lines lw 2.5 lc rgb '#00fcb231' notitle
    unset label
    set xlabel 'Epochs' noenhanced offset 0, lift
    set ylabel 'Wrong labels predicted as true' noenhanced
    unset logscale x
    set xrange [0:*]
    unset logscale y; set format y '%g'; set yrange [0:*]
    plot \
        data index 21 using 4:5 with lines lw 2.5 lc rgb '#00380599' notitle, \
        data index 23 using 4:5 with lines lw 2.5 lc rgb '#005c01a4' notitle, \
        data index 25 using 4:5 with lines lw 2.5 lc rgb '#007c06a6' notitle, \
        data index 27 using 4:5 with lines lw 2.5 lc rgb '#009a169e' notitle, \
        data index 29 using 4:5 with lines lw 2.5 lc rgb '#00b52e8c' notitle, \
        data index 31 using 4:5 with lines lw 2.5 lc rgb '#00cb4678' notitle, \
        data index 33 using 4:5 with lines lw 2.5 lc rgb '#00dd5e66' notitle, \
        data index 35 using 4:5 with lines lw 2.5 lc rgb '#00ec7853' notitle, \
        data index 37 using 4:5 with lines lw 2.5 lc rgb '#00f79441' notitle, \
        data index 39 using 4:5 with lines lw 2.5 lc rgb '#00fcb231' notitle, \
        data index 22 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00380599' notitle, \
        data index 24 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#005c01a4' notitle, \
        data index 26 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#007c06a6' notitle, \
        data index 28 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#009a169e' notitle, \
        data index 30 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00b52e8c' notitle, \
        data index 32 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00cb4678' notitle, \
        data index 34 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00dd5e66' notitle, \
        data index 36 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00ec7853' notitle, \
        data index 38 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00f79441' notitle, \
        data index 40 using 4:5 with linespoints lw 2.5 pt 7 ps 2*mark lc rgb '#00fcb231' notitle
    # the legend
    set origin 0, 0; set size 1, 1; set key
    unset border; unset tics; unset grid; unset xlabel; unset ylabel; unset logscale
    plot [0:1] [0:1] NaN notitle, \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00380599' title 'p=0.1', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#005c01a4' title 'p=0.2', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#007c06a6' title 'p=0.3', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#009a169e' title 'p=0.4', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00b52e8c' title 'p=0.5', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00cb4678' title 'p=0.6', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00dd5e66' title 'p=0.7', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00ec7853' title 'p=0.8', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00f79441' title 'p=0.9', \
        keyentry with linespoints lw 2.5 pt 0 ps 2*mark lc rgb '#00fcb231' title 'p=1'
    unset multiplot
    # characters less than a pixel wide: nothing would be written, and nothing said of it
    if (type eq 'png' && exists('GPVAL_TERM_HCHAR') && GPVAL_TERM_HCHAR < GPVAL_TERM_SCALE) {
        exit error 'no font is found, and the figure would have no text: install one (Debian: fonts-dejavu-core), or see to FONTCONFIG_FILE'
    }
    unset output
}

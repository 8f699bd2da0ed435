# plot.gnuplot - how far each figure is from its goal: data (bench/plot.jq), plot_to

set datafile separator "\t"
stats data using 3 name "least" nooutput
stats data using 4 name "most" nooutput
set terminal svg size 900, 90 + 22 * least_records noenhanced font "sans,12" background "white"
set output plot_to
set title "Median and spread, as a part of the goal: right of the line it is met"
set logscale x 2
set xrange [(least_min < 0.5) ? least_min * 0.9 : 0.5 : (most_max > 2) ? most_max * 1.1 : 2]
set xlabel "times the goal"
set yrange [-0.7:least_records - 0.3]
set arrow from 1, graph 0 to 1, graph 1 nohead linewidth 2 linecolor rgb "#888888"
set grid x
unset key
plot data using 2:0:3:4:ytic(1) with xerrorbars pointtype 7 linewidth 2 linecolor rgb "#2060a0"

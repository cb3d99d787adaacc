#!/bin/sh
# usage: on_isa.sh ISA PROGRAM : runs a test program with the native engine forced to that instruction set; skips where
# the processor has not got it. A processor that has it must run it.
set -eu
isa=$1
case $isa in
avx512) needs='avx512f avx512bw avx512dq avx512vl fma' ;;
avx2) needs='avx2 fma bmi2' ;;
*) needs= ;;
esac
for flag in $needs; do
    grep -qw "$flag" /proc/cpuinfo || {
        echo "1..0 # SKIP this processor has no $isa"
        exit 0
    }
done
RETHINK_ISA=$isa exec "$2"

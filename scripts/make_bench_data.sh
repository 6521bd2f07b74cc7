#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes the input files of `make bench` that are missing, the same on every machine (fixed seeds):
#
#     scripts/make_bench_data.sh MAKE_DATA DIR NAME...
#
# MAKE_DATA is the program built from test/bench/make_data.c.  Names are words-N.txt, N megabytes of
# Zipf-distributed words, and pairs-N.txt, N million lines "key value".
set -u

fail() {
    echo "make_bench_data.sh: $*" >&2
    exit 1
}

[ $# -ge 3 ] || fail "usage: scripts/make_bench_data.sh MAKE_DATA DIR NAME..."
make_data=$1
dir=$2
shift 2
mkdir -p "$dir" || fail "cannot write below $dir"

for name; do
    kind=${name%%-*}
    number=${name#*-}
    number=${number%.txt}
    case $kind-$number in
    words-*[!0-9]* | pairs-*[!0-9]* | words- | pairs-) fail "no such data: $name" ;;
    words-* | pairs-*) ;;
    *) fail "no such data: $name" ;;
    esac
    [ -f "$dir/$name" ] && continue
    echo "making $dir/$name" >&2
    "$make_data" "$kind" "${number}000000" "$dir/$name.new" || exit 1
    mv -f "$dir/$name.new" "$dir/$name" || exit 1
done

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run_wordcount.sh PROGRAM INPUT OUTPUT
#
# Runs the word count, says where its counts are, and shows the ten most frequent words.
set -euo pipefail

program=$1 input=$2 output=$3

mkdir -p "$(dirname "$output")"
rm -f "$output"-*-of-*
"$program" --input="$input" --output="$output"

echo
echo "The counts are in:"
printf '    %s\n' "$output"-*-of-*
echo "The most frequent words:"
# Lines are "word: count".
cat "$output"-*-of-* | awk -F ': ' '{ printf "%12d  %s\n", $NF, $1 }' | LC_ALL=C sort -k1,1nr -k2 |
    awk 'NR <= 10'

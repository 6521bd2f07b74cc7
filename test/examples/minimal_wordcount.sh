# SPDX-License-Identifier: Apache-2.0
. test/examples/lib.bash

check_run() {
    sorted_output "$1/counts" >"$1.sorted"
    same "minimal_wordcount" "$TMP/expected" "$1.sorted"
}

LC_ALL=C grep -aoE "[A-Za-z']+" $data/story.txt | LC_ALL=C sort | uniq -c |
    sed -E 's/^ *([0-9]+) (.*)$/\2: \1/' | LC_ALL=C sort >"$TMP/expected"
run_all_ways minimal_wordcount --input=$data/story.txt --output='{}/counts'

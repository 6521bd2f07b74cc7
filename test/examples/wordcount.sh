# SPDX-License-Identifier: Apache-2.0
# wordcount: small files, and enough words to spill, against grep, sort and uniq.
. test/examples/lib.bash

count_words() {
    cat "$@" | LC_ALL=C grep -aoP "[A-Za-z'\x80-\xff]+" | LC_ALL=C sort | uniq -c |
        sed -E 's/^ *([0-9]+) (.*)$/\2: \1/' | LC_ALL=C sort
}

check_run() {
    sorted_output "$1/counts" >"$1.sorted"
    same "wordcount" "$expected" "$1.sorted"
}

expected=$TMP/expected.small
count_words $data/story.txt $data/endings.txt >"$expected"
run_all_ways wordcount --input="$data/*.txt" --output='{}/counts'

# 60,000 different words of 600,000.
awk 'BEGIN {
    for (i = 0; i < 600000; i++) {
        n = (i * 7919) % 60000
        word = ""
        do { word = word sprintf("%c", 97 + n % 26); n = int(n / 26) } while (n > 0)
        printf "%s%s", word, i % 11 == 10 ? "\n" : " "
    }
}' >"$TMP/many.txt"
expected=$TMP/expected.many
count_words "$TMP/many.txt" >"$expected"
rm -rf "$TMP"/run*
run_all_ways wordcount --input="$TMP/many.txt" --output='{}/counts'
[ -z "$(find "$TMP" -name '*beamc*')" ] || fail "temporary files are left: $(ls "$TMP")"

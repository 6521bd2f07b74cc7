# SPDX-License-Identifier: Apache-2.0
. test/examples/lib.bash

metric() {
    grep -qE -- "^  debugging_wordcount/$2 +$3\$" "$1.err" || {
        cat "$1.err" >&2
        fail "metric $2 is not $3"
    }
}

check_run() {
    sorted_output "$1/counts" >"$1.sorted"
    printf '%s\n' 'LICENSED: 1' 'licence: 1' 'license: 1' 'licenses: 1' >"$TMP/expected"
    same "debugging_wordcount" "$TMP/expected" "$1.sorted"
    metric "$1" matched 4
    metric "$1" lines_without_words 1
    metric "$1" capitals "1: LICENSED"
    metric "$1" word_length "[0-9]+ values, 1 to 8, mean [0-9.]+"
    grep -q '^DEBUG \[.*filter_words.*\] matches word=licence count=1$' "$1.err" || fail "nothing was logged"
    if grep -q '^TRACE' "$1.err"; then fail "too much was logged"; fi
}

run_all_ways debugging_wordcount --input=$data/story.txt --output='{}/counts' \
    --filter='^(LICENS|licen[cs]e)' --sdk_harness_log_level_overrides='{"filter_words": "DEBUG"}'

fails_with 1 'filter_words' "$BIN/debugging_wordcount" --input=$data/story.txt \
    --output="$TMP/bad" --filter='('
[ -z "$(find "$TMP" -name 'bad-*')" ] || fail "a run that failed left files"

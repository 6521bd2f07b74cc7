# SPDX-License-Identifier: Apache-2.0
. test/examples/lib.bash

check_run() {
    sorted_output "$1/scores" >"$1.sorted"
    same "hourly_scores" "$TMP/expected" "$1.sorted"
    grep -qE '^  hourly_scores/malformed_lines +4$' "$1.err" || fail "4 lines are malformed"
}

printf '%s\n' '2026-03-02T07:00:00Z olive: 1' '2026-03-02T08:00:00Z amber: 18' \
    '2026-03-02T08:00:00Z indigo: 7' '2026-03-02T09:00:00Z amber: 5' \
    '2026-03-02T09:00:00Z indigo: -2' '2026-03-02T10:00:00Z olive: 20' >"$TMP/expected"
run_all_ways hourly_scores --input=$data/events.csv --output='{}/scores'

printf '%s\n' '2026-03-02T08:30:00Z amber: 11' '2026-03-02T08:30:00Z indigo: 4' \
    '2026-03-02T09:00:00Z amber: 5' >"$TMP/expected"
rm -rf "$TMP"/run*
run_all_ways hourly_scores --input=$data/events.csv --output='{}/scores' \
    --window_duration=30m --start_min=2026-03-02T08:30:00Z --stop_min=2026-03-02T09:30:00Z

fails_with 1 '--start_min=noon: a time is 2026-03-02T08:00:00Z' "$BIN/hourly_scores" \
    --input=$data/events.csv --output="$TMP/scores" --start_min=noon

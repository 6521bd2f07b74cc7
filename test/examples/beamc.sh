# SPDX-License-Identifier: Apache-2.0
#
# The program beamc as it is installed: a program's pipeline drawn and looked at before it runs.
. test/examples/lib.bash

beamc=$BIN/beamc
unset BEAMC_JOB_ENDPOINT
input=(--input="$data/*.txt" --output="$TMP/counts")

"$beamc" --version | grep -q '^beamc [0-9]' || fail "no version is told"
"$beamc" help jobs watch | grep -qF 'beamc jobs watch' || fail "a command has no help"
fails_with 2 'usage: beamc COMMAND' "$beamc"
fails_with 2 'did you mean beamc jobs list?' "$beamc" jobs lits
fails_with 2 'BEAMC_JOB_ENDPOINT' "$beamc" jobs list
fails_with 1 'connection refused' "$beamc" jobs list --job_endpoint=localhost:1
# shellcheck disable=SC2016 # the inner shell expands it
fails_with 1 'standard output cannot be written' bash -c '"$0" help >/dev/full' "$beamc"

# The pipeline that a program writes is the one that is drawn and looked at.
"$BIN/wordcount" "${input[@]}" --dry_run --graph="$TMP/words.pb,$TMP/words.txt" 2>"$TMP/err"
"$beamc" graph "$TMP/words.pb" >"$TMP/drawn"
same "what beamc draws" "$TMP/words.txt" "$TMP/drawn"
grep -qF '(ParDo extract_words)' "$TMP/drawn" || fail "the drawing has no functions"
"$beamc" graph - --output="$TMP/again.pb" <"$TMP/words.pb" 2>"$TMP/err"
same "a pipeline that is written again" "$TMP/words.pb" "$TMP/again.pb"

for runner in direct prism flink spark; do
    "$beamc" doctor --runner=$runner "$TMP/words.pb" >"$TMP/out" || true
    grep -q '^ok .* can run all [0-9]* transforms$' "$TMP/out" || {
        cat "$TMP/out" >&2
        fail "word count is not for $runner"
    }
done
"$beamc" doctor "$BIN/wordcount" "${input[@]}" >"$TMP/out" || fail "$(cat "$TMP/out")"
grep -qx 'nothing speaks against it' "$TMP/out" || fail "$(cat "$TMP/out")"
[ -z "$(find "$TMP" -name 'counts*')" ] || fail "doctor ran the pipeline"
fails_with 1 'option --output is needed' "$beamc" doctor "$BIN/wordcount" --input=x
fails_with 1 'connection refused' "$beamc" doctor "$BIN/wordcount" --runner=flink \
    --job_endpoint=localhost:1 "${input[@]}"

# SPDX-License-Identifier: Apache-2.0
# What beamc_main does around a pipeline, by the example of wordcount.
. test/examples/lib.bash

wordcount=$BIN/wordcount
input=--input=$data/story.txt

# Options.
"$wordcount" --help >"$TMP/help" 2>"$TMP/err"
grep -q -- '--direct_num_workers=NUMBER' "$TMP/help" || fail "--help does not list the options"
[ ! -s "$TMP/err" ] || fail "--help writes to standard error"
"$wordcount" --version | grep -q '^wordcount, made with beamc [0-9]' || fail "--version"
fails_with 2 'wordcount: unknown option --inputt; did you mean --input?' "$wordcount" --inputt=x
fails_with 2 'option --input is needed' "$wordcount" --output="$TMP/counts"
fails_with 2 'option --output is needed' "$wordcount" $input
fails_with 2 "it is direct (on this machine), prism" "$wordcount" $input --output="$TMP/counts" \
    --runner=flik
on_server=("$wordcount" $input --output="$TMP/counts" --runner=flink --job_endpoint=localhost:1)
fails_with 2 'did you mean --parallelism?' "${on_server[@]}" --paralelism=3
fails_with 2 'it is LOOPBACK, EXTERNAL' "${on_server[@]}" --environment_type=DOKCER
fails_with 2 'the port is missing' "${on_server[@]}" --job_endpoint=localhost
fails_with 2 'is needed' "$wordcount" $input --output="$TMP/counts" --runner=portable
fails_with 2 'not be written into a jar' "${on_server[@]}" --output_executable_path=x.jar
fails_with 1 'job server (--job_endpoint): endpoint localhost:1: connection refused' "${on_server[@]}"
fails_with 2 'must end in .dot, .svg, .json, .txt or .pb' "$wordcount" $input --output="$TMP/counts" \
    --graph=a.png
fails_with 2 '0 to 1024 threads' "$wordcount" $input --output="$TMP/counts" --direct_num_workers=-1
fails_with 2 'TRACE, DEBUG' "$wordcount" $input --output="$TMP/counts" \
    --default_sdk_harness_log_level=LOUD

# Errors name the place, the pattern, and leave nothing behind.
fails_with 1 "$TMP/none-*.txt" "$wordcount" --input="$TMP/none-*.txt" --output="$TMP/counts"
fails_with 1 'sdk/examples/wordcount.c:' "$wordcount" --input="$TMP/none-*.txt" \
    --output="$TMP/counts"
[ -z "$(find "$TMP" -name 'counts*')" ] || fail "a run that failed left files"

# Drawing.
"$wordcount" $input --output="$TMP/counts" --job_name=words --graph="$TMP/words.dot" \
    --graph="$TMP/words.json" --dry_run 2>"$TMP/err"
[ -z "$(find "$TMP" -name 'counts*')" ] || fail "--dry_run ran the pipeline"
head -n 1 "$TMP/words.dot" | grep -qF 'digraph "words" {' || fail "$TMP/words.dot is no graph"
grep -qF 'KV<string, int64>' "$TMP/words.dot" || fail "the graph has no types"
grep -qF '"function": "extract_words"' "$TMP/words.json" || fail "the graph has no functions"
if command -v dot >/dev/null; then
    "$wordcount" $input --output="$TMP/counts" --graph="$TMP/words.svg" --dry_run 2>"$TMP/err"
    grep -q '<svg' "$TMP/words.svg" || fail "$TMP/words.svg is no drawing"
else
    fails_with 1 'graphviz is not installed' "$wordcount" $input --output="$TMP/counts" \
        --graph="$TMP/words.svg" --dry_run
fi

# Progress and summary go to standard error, and --quiet has neither.
"$wordcount" $input --output="$TMP/counts" --parallelism=3 >"$TMP/out" 2>"$TMP/err"
[ ! -s "$TMP/out" ] || fail "standard output is the program's own"
grep -q '^stage 1 of [0-9]* done: ' "$TMP/err" || fail "no stage is told"
grep -q '^done in ' "$TMP/err" || fail "the end is not told"
grep -q -- '^--parallelism has no effect' "$TMP/err" || fail "an option without effect is not told"
"$wordcount" $input --output="$TMP/counts" --quiet >"$TMP/out" 2>&1
[ ! -s "$TMP/out" ] || fail "--quiet says: $(cat "$TMP/out")"

# Ctrl-C: the pipeline waits for lines of a pipe until it is told to end.
mkfifo "$TMP/lines" "$TMP/says"
for signal in INT TERM; do
    status=0
    # A background job of a shell without job control ignores SIGINT; env puts it back.
    env --default-signal=INT,TERM "$wordcount" --input="$TMP/lines" --output="$TMP/stopped" \
        2>"$TMP/says" &
    exec 8<"$TMP/says" 9>"$TMP/lines"
    kill -$signal $!
    while read -rt 60 line <&8; do
        [[ $line != *'ending the pipeline'* ]] || break
    done
    [[ $line == *'ending the pipeline'* ]] || fail "SIG$signal is not told"
    exec 9>&-
    wait $! || status=$?
    exec 8<&-
    case $signal in INT) want=130 ;; TERM) want=143 ;; esac
    [ $status -eq $want ] || fail "after SIG$signal the exit status is $status, not $want"
    [ -z "$(find "$TMP" -name 'stopped*' -o -name '*beamc*')" ] || fail "files are left: $(ls "$TMP")"
done

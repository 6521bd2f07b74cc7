#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run_fuzz.sh TARGET...
#
# Fuzzes each target for TIME seconds.  New inputs are kept in $BUILD/corpus/TARGET, what crashes in
# $BUILD/crashes; a crash that is mended joins test/fuzz/corpus/.
set -u

failed=
mkdir -p "$BUILD/crashes"
for target in "$@"; do
    mkdir -p "$BUILD/corpus/$target"
    echo "$target, $TIME seconds"
    log=$BUILD/$target.log
    if "$BUILD/fuzzers/$target" -max_total_time="$TIME" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$BUILD/crashes/$target-" "$BUILD/corpus/$target" \
        "test/fuzz/corpus/${target#fuzz_}" >"$log" 2>&1; then
        tail -n 1 "$log"
    else
        tail -n 40 "$log"
        failed="$failed $target"
    fi
done
[ -z "$failed" ] || { echo "failed:$failed; the inputs are in $BUILD/crashes" >&2; exit 1; }

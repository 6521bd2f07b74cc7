#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs what `make test` built, two jobs at a time: each Check suite in a process of its own, each
# fuzz target over its corpus, each script of test/examples.  What a job printed is shown if it
# failed.  From the Makefile: BUILD, BIN, SAN, FUZZ, SUITES.
#
# A script of test/examples finds the programs in $BIN and an empty directory in $TMP.
set -u

job_timeout=1200

# One job: run_tests.sh --job KIND NAME
if [ "${1:-}" = --job ]; then
    kind=$2 name=$3
    log=$BUILD/test/log/$kind.$name
    scratch=$BUILD/test/tmp/$kind.$name
    rm -rf "$scratch"
    mkdir -p "$scratch"
    TMP=$(cd "$scratch" && pwd)
    export TMP
    case $kind in
    suite) command=("$BUILD/test/run_tests" "$name") ;;
    fuzz) command=("$BUILD/test/fuzz/$name" "test/fuzz/corpus/${name#fuzz_}") ;;
    example) command=(bash "test/examples/$name.sh") ;;
    esac
    # gcc 12's thread sanitizer cannot live with as much address randomisation as newer kernels do.
    if [[ $SAN == *thread* ]] && setarch -R true 2>/dev/null; then
        command=(setarch -R "${command[@]}")
    fi
    start=$(date +%s%N)
    timeout --kill-after=10 $job_timeout "${command[@]}" >"$log" 2>&1 </dev/null
    status=$?
    took=$((($(date +%s%N) - start) / 1000000))
    if [ $status -eq 0 ]; then
        printf 'ok    %-8s %-28s %4d.%03d s\n' "$kind" "$name" $((took / 1000)) $((took % 1000))
        rm -rf "$TMP"
        exit 0
    fi
    {
        printf 'FAIL  %-8s %-28s status %d%s\n' "$kind" "$name" $status \
            "$([ $status -eq 124 ] && echo ": not done after $job_timeout seconds")"
        sed 's/^/      /' "$log"
    } >"$log.failed"
    cat "$log.failed"
    exit 1
fi

export BUILD BIN SAN
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:${ASAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
export TSAN_OPTIONS=second_deadlock_stack=1:${TSAN_OPTIONS:-}
# Limits end what hangs.  They are far from what a slow machine, busy with other things, may need.
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-20}
export CK_VERBOSITY=normal

list_jobs() {
    for suite in ${SUITES:-$("$BUILD/test/run_tests" --list)}; do
        echo "suite $suite"
    done
    [ -z "$SUITES" ] || return
    for fuzz in $FUZZ; do
        echo "fuzz $fuzz"
    done
    for script in test/examples/*.sh; do
        [ -f "$script" ] && echo "example $(basename "$script" .sh)"
    done
}

rm -rf "$BUILD/test/log"
mkdir -p "$BUILD/test/log"
jobs=$(list_jobs)
if [ -z "$jobs" ]; then
    echo "no tests"
    exit 0
fi
xargs -P "${TEST_JOBS:-2}" -L 1 "$0" --job <<<"$jobs"
status=$?
failed=$(find "$BUILD/test/log" -name '*.failed' | wc -l)
if [ $status -ne 0 ]; then
    echo "$failed of $(wc -l <<<"$jobs") failed"
    exit 1
fi
echo "all $(wc -l <<<"$jobs") passed"

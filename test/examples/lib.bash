# SPDX-License-Identifier: Apache-2.0
#
# What the tests of the examples share.  They are run by scripts/run_tests.sh from the top of the
# tree, with the programs in $BIN and an empty directory in $TMP.
set -euo pipefail

data=test/examples/data

fail() {
    echo "$0: $*" >&2
    exit 1
}

# same WHAT EXPECTED ACTUAL: two files hold the same bytes.
same() {
    diff -u "$2" "$3" || fail "$1 is not what is expected"
}

# run_all_ways PROGRAM OPTION...: runs it with 1, 2 and 8 threads, and with so little memory that
# what can spill does; {} in an option is a directory of the run's own.  Then calls
# check_run DIRECTORY.  Standard error is kept beside the directory, in DIRECTORY.err.
run_all_ways() {
    local program=$1 way n=0 directory
    shift
    for way in --direct_num_workers=1 --direct_num_workers=2 --direct_num_workers=8 \
        "--direct_num_workers=2 --memory_budget=64KB"; do
        directory=$TMP/run$((++n))
        mkdir "$directory"
        echo "$program $way"
        # shellcheck disable=SC2086 # a way may be two options
        "$BIN/$program" "${@//"{}"/$directory}" $way --temp_location="$TMP" 2>"$directory.err" || {
            cat "$directory.err" >&2
            fail "$program $way: exit status $?"
        }
        check_run "$directory"
    done
}

# sorted_output DIRECTORY/PREFIX: all lines of the files, sorted as bytes.
sorted_output() {
    cat "$1"-* | LC_ALL=C sort
}

# fails_with STATUS TEXT COMMAND...: the command ends with this status and says this.
fails_with() {
    local status=0 expected=$1 text=$2
    shift 2
    "$@" >"$TMP/out" 2>&1 || status=$?
    [ $status -eq "$expected" ] || {
        cat "$TMP/out" >&2
        fail "$*: exit status $status, not $expected"
    }
    grep -qF -- "$text" "$TMP/out" || {
        cat "$TMP/out" >&2
        fail "$*: does not say '$text'"
    }
}

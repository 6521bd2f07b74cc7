#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every suite of the tests is in test/suites.def, which is sorted; every fuzz target has a corpus.
set -u

failed=0
listed=$(sed -nE 's/^SUITE\((\w+)\)$/\1/p' test/suites.def)
written=$(grep -rhoE '^Suite \*suite_\w+\(void\)$' test --include='*.c' |
    sed -E 's/.*suite_(\w+)\(void\)/\1/' | LC_ALL=C sort)

if ! LC_ALL=C sort -c <<<"$listed"; then
    echo "check_suites.sh: test/suites.def is not sorted" >&2
    failed=1
fi
if ! diff <(LC_ALL=C sort <<<"$listed") <(echo "$written") >&2; then
    echo "check_suites.sh: < suites only in test/suites.def, > only in test/**/*.c" >&2
    failed=1
fi
for target in test/fuzz/fuzz_*.c; do
    [ -f "$target" ] || continue
    name=$(basename "$target" .c)
    if [ -z "$(ls -A "test/fuzz/corpus/${name#fuzz_}" 2>/dev/null)" ]; then
        echo "check_suites.sh: test/fuzz/corpus/${name#fuzz_} is missing or empty" >&2
        failed=1
    fi
done
exit $failed

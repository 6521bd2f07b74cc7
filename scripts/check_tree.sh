#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The tree is tidy: the top level holds what it should, files say their license, no line ends in
# blanks, and nothing is left for later.  Looks at the files git has, or would add.
set -u

allowed='Makefile proto harness sdk runners test scripts README.md LICENSE'
failed=0

complain() {
    echo "check_tree.sh: $1" >&2
    failed=1
}

mapfile -t files < <(
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard | sort -u
    else
        find . -type f -not -path './build/*' -not -path './.git/*' -printf '%P\n'
    fi | while read -r file; do [ -f "$file" ] && echo "$file"; done
)

for name in $(printf '%s\n' "${files[@]}" | cut -d/ -f1 | sort -u); do
    case $name in
    .*) ;;
    *) grep -qw -- "$name" <<<"$allowed" || complain "$name does not belong at the top level" ;;
    esac
done
for name in $allowed; do
    [ -e "$name" ] || complain "$name is missing at the top level"
done

# Text of our own; the inputs of tests and the license are as they are.
mapfile -t texts < <(printf '%s\n' "${files[@]}" | grep -vE '^(test/fuzz/corpus/|LICENSE$)' |
    while read -r file; do grep -qI . "$file" && echo "$file"; done)

lines=$(grep -nE '[[:blank:]]+$' "${texts[@]}") && complain "blanks at the end of lines:
$lines"

words='TO''DO|FIX''ME|XX''X'
lines=$(grep -nwE "$words" "${texts[@]}") && complain "left for later:
$lines"

for file in "${texts[@]}"; do
    case $file in
    *.c | *.h | *.def | *.proto | *.sh | *.py | *.mk | Makefile)
        head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
            complain "$file does not begin with its SPDX line"
        ;;
    esac
done

for room in sdk/*/ harness/*/ runners/*/; do
    [ -f "$room/README.md" ] || ! ls "$room"*.c >/dev/null 2>&1 ||
        complain "${room%/} has no README.md"
done
exit $failed

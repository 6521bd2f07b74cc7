#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Includes point one way: runners -> harness -> sdk -> proto.  Nothing outside test includes from
# test.  Examples are users' programs: they see all public headers and no others.  A header is found as the compiler finds it: beside the file, from the root, or in the
# include folder of some room.  gRPC is named in sdk/rpc only, and where a benchmark compares with it.
set -u

failed=0

# The number of a path's layer: it may include from that number and below.
layer() {
    case $1 in
    proto/*) echo 0 ;;
    sdk/examples/*) echo 3 ;;
    sdk/*) echo 1 ;;
    harness/*) echo 2 ;;
    runners/*) echo 3 ;;
    test/*) echo 4 ;;
    *) echo -1 ;;
    esac
}

declare -A public
for header in {sdk,harness,runners}/*/include/beamc/*.h; do
    [ -f "$header" ] || continue
    name=beamc/${header##*/}
    if [ -n "${public[$name]:-}" ]; then
        echo "check_layers.sh: <$name> is both ${public[$name]} and $header" >&2
        failed=1
    fi
    public[$name]=$header
done

while IFS=: read -r file line name; do
    if [[ $name == grpc/* && $file != sdk/rpc/* && $file != test/bench/worker/raw_stream.c ]]; then
        echo "$file:$line: gRPC is for sdk/rpc alone" >&2
        failed=1
    fi
    if [ -f "${file%/*}/$name" ]; then
        target=$(realpath --relative-to=. "${file%/*}/$name")
    elif [ -f "$name" ]; then
        target=$name
    elif [ -n "${public[$name]:-}" ]; then
        target=${public[$name]}
    elif [[ $name == *.pb-c.h ]]; then
        target=proto/$name
    elif [[ $name == beamc/* ]]; then
        echo "$file:$line: no room has <$name>" >&2
        failed=1
        continue
    else
        continue
    fi
    if [ "$(layer "$target")" -gt "$(layer "$file")" ]; then
        echo "$file:$line: must not include from $target" >&2
        failed=1
    fi
    if [[ $file == */include/beamc/*.h && $target != */include/beamc/*.h ]]; then
        echo "$file:$line: a public header must not include $target" >&2
        failed=1
    fi
    if [[ $file == sdk/examples/* && $target != */include/beamc/*.h && $target != sdk/examples/* ]]; then
        echo "$file:$line: an example must not include $target" >&2
        failed=1
    fi
done < <(find proto sdk harness runners test -name '*.[ch]' -print0 |
    xargs -0 grep -nE '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"]' /dev/null |
    sed -nE 's/^([^:]*):([0-9]+):[^<"]*[<"]([^>"]*)[>"].*/\1:\2:\3/p')
exit $failed

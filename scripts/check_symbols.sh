#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# check_symbols.sh libbeamc.so libbeamc.a
#
# What the shared library exports, and every global name of the static one, starts with beamc_; the
# static one also has the code that protoc-c makes, under Beam's package names.
set -u

shared=$1 static=$2

# A symbol is NAME, or NAME KIND as `nm -P` writes them; members of an archive have headings.
exported=$(nm -DP --defined-only "$shared" | awk '{ print $1 }' | grep -vE '^beamc_[a-z0-9]')
global=$(nm -gP --defined-only "$static" | awk 'NF > 1 { print $1 }' |
    grep -vE '^(beamc_|org__apache__beam__|google__protobuf__)')
if [ -n "$exported" ]; then
    echo "check_symbols.sh: $shared exports" $exported >&2
fi
if [ -n "$global" ]; then
    echo "check_symbols.sh: $static has the global names" $global >&2
fi
[ -z "$exported$global" ]

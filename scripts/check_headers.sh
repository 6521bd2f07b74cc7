#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every public header compiles alone, as C11 and as C++17, pedantically, and names nothing of the
# libraries behind ours.  The example that people see first compiles as C++ too.  Takes CC and CXX.
set -u

failed=0
dirs=$(find sdk harness runners -type d -path '*/include' -printf '-I%p ')
warnings='-Wall -Wextra -Wshadow -pedantic -Werror'

for header in {sdk,harness,runners}/*/include/beamc/*.h; do
    [ -f "$header" ] || continue
    name=beamc/${header##*/}
    # Twice: a header may be included again.
    source=$(printf '#include <%s>\n' "$name" "$name")
    if ! ${CC:-cc} -std=c11 $warnings $dirs -fsyntax-only -x c - <<<"$source"; then
        echo "check_headers.sh: $header does not compile alone as C11" >&2
        failed=1
    fi
    if ! ${CXX:-c++} -std=c++17 $warnings $dirs -fsyntax-only -x c++ - <<<"$source"; then
        echo "check_headers.sh: $header does not compile alone as C++17" >&2
        failed=1
    fi
    if grep -nE '#[[:blank:]]*include[[:blank:]]*<(grpc|protobuf-c|google|org|uv)|\<(grpc_|uv_|protobuf_c_|ProtobufC)\w*' \
        "$header" >&2; then
        echo "check_headers.sh: $header names gRPC, protobuf-c or libuv" >&2
        failed=1
    fi
done

example=sdk/examples/wordcount.c
if [ -f $example ] && ! ${CXX:-c++} -std=c++17 -Wall -Wextra $dirs -fsyntax-only -x c++ $example; then
    echo "check_headers.sh: $example does not compile as C++17" >&2
    failed=1
fi
exit $failed

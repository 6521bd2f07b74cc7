#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#     PEERS=build/peers check_graphs.sh WRITE_GRAPHS
#
# Has other SDKs read the pipelines that WRITE_GRAPHS writes; passes when they are not installed.
set -u

here=$(dirname "$0")
python=$PEERS/python/bin/python
if ! [ -x "$python" ] || ! [ -x "$PEERS/bin/prism" ]; then
    echo 'test-graph: skipped; scripts/install_peers.sh installs what it compares with'
    exit 0
fi

graphs=$(mktemp -d) || exit 1
trap 'rm -rf "$graphs"' EXIT
"$1" "$graphs" && mkdir "$graphs/again" && "$1" "$graphs/again" || exit 1
for file in "$graphs"/*.pb; do
    cmp "$file" "$graphs/again/$(basename "$file")" || exit 1
done
# apache_beam tells of extras that are not installed.
"$python" "$here/check_python.py" "$graphs"/*.pb 2>"$graphs/log" ||
    { cat "$graphs/log" >&2; exit 1; }
"$python" "$here/check_prism.py" "$PEERS/bin/prism" "$graphs"/*.pb 2>"$graphs/log" ||
    { cat "$graphs/log" >&2; exit 1; }

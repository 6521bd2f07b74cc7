#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what `make bench` and `make bench-runners` compare with besides C programs, below
# build/peers/:
#
#     bin/prism       Beam's local runner
#     bin/wordcount   test/bench/peers/go, built with Beam's Go SDK
#     bin/chain       the same
#     python/         a virtual environment with Beam's Python SDK
#
# Needs go (1.26, or one that fetches it) and python3 with venv and pip.  What is missing is left out
# and said; fails unless everything was installed.  Quick when done before.
#
#     scripts/install_peers.sh [go] [python]      only these
set -u

version=2.77.0
cd "$(dirname "$0")/.." || exit 1
peers=$PWD/build/peers
mkdir -p "$peers/bin" || exit 1
status=0

say() {
    echo "install_peers.sh: $*" >&2
}

miss() {
    say "$*"
    status=1
}

install_go() {
    if ! command -v go >/dev/null; then
        miss "prism and the Go word count need go, from https://go.dev/dl/"
        return
    fi
    # One compiler at a time: some of these packages need a gigabyte each.
    GOFLAGS="-buildvcs=false -p=1"
    export GOFLAGS
    if [ ! -x "$peers/bin/prism" ]; then
        say "building prism $version, which takes some minutes"
        GOBIN=$peers/bin go install "github.com/apache/beam/sdks/v2/go/cmd/prism@v$version" ||
            miss "prism was not built"
    fi
    (cd test/bench/peers/go && go build -o "$peers/bin/wordcount" .) ||
        miss "the Go word count was not built"
    (cd test/bench/peers/go && go build -o "$peers/bin/chain" ./chain) ||
        miss "the Go chain was not built"
}

install_python() {
    [ -f "$peers/python/beam-$version" ] && return
    say "installing apache-beam $version for Python"
    rm -rf "$peers/python"
    if ! python3 -m venv "$peers/python"; then
        miss "the Python word count needs python3 with venv (apt-get install python3-venv)"
        return
    fi
    if "$peers/python/bin/pip" install --quiet --disable-pip-version-check --no-input \
        "apache-beam==$version"; then
        : >"$peers/python/beam-$version"
    else
        miss "apache-beam $version was not installed"
    fi
}

case ${1:-all} in
all | go | python) ;;
*)
    say "usage: scripts/install_peers.sh [go] [python]"
    exit 2
    ;;
esac
for part in ${*:-go python}; do
    case $part in
    go) install_go ;;
    python) install_python ;;
    esac
done
exit $status

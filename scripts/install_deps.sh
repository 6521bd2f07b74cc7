#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that building and testing need and that are missing: as root, or by
# sudo when it asks for no password.  Else prints the one command that would, and fails.
#
#     scripts/install_deps.sh [PACKAGE...]      these instead
set -u

packages="gcc g++ make libc6-dev pkg-config git ca-certificates python3
    protobuf-compiler protobuf-c-compiler libprotobuf-c-dev libprotobuf-dev
    libuv1-dev libgrpc-dev libssl-dev zlib1g-dev libzstd-dev libbz2-dev libpcre2-dev check
    gzip bzip2 zstd"

# Fetches Beam's published descriptors and test vectors.
python3 -m pip --version >/dev/null 2>&1 || /usr/bin/python3 -m pip --version >/dev/null 2>&1 ||
    packages="$packages python3-pip"
[ $# -eq 0 ] || packages=$*

if ! command -v dpkg-query >/dev/null; then
    if [ $# -eq 0 ] && pkg-config --exists libprotobuf-c libuv grpc zlib libzstd libpcre2-8 check 2>/dev/null &&
        command -v protoc-c >/dev/null; then
        exit 0
    fi
    echo "This is not Debian.  Please install what these Debian packages hold:" >&2
    echo "    "$packages >&2
    exit 1
fi

missing=
for package in $packages; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ?i*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=env
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    echo "Packages are missing.  This installs them:" >&2
    echo "    sudo apt-get install -y$missing" >&2
    exit 1
fi

# Mirrors have bad moments: an update or an install is tried a few times.
try() {
    for pause in 2 5 15 30 0; do
        $as_root DEBIAN_FRONTEND=noninteractive "$@" && return 0
        [ "$pause" -gt 0 ] || return 1
        echo "install_deps.sh: '$*' did not work; again in $pause seconds" >&2
        sleep "$pause"
    done
}

echo "installing:$missing"
try apt-get -qq update && try apt-get -qq install -y --no-install-recommends $missing >/dev/null && exit 0
echo "Installing did not work.  This is the command:" >&2
echo "    apt-get update && apt-get install -y$missing" >&2
exit 1

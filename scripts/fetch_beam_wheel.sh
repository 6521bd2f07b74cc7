#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Gets the published Python package of Beam, which holds the descriptors of all messages and the
# shared test vectors of the coders, and prints the directory where these lie unpacked:
#
#     apache_beam/portability/api/org/apache/beam/model/**/*_pb2.py
#     apache_beam/portability/api/standard_coders.yaml
#
# Nothing of it is run or installed.  The package is taken from wherever pip is set up to look; a
# wheel that is at hand already can be given as BEAM_WHEEL=file.  Quick when done before.
set -u

version=2.77.0
api=apache_beam/portability/api
cd "$(dirname "$0")/.." || exit 1
dir=$PWD/build/peers/wheel
out=$dir/beam-$version

fail() {
    echo "fetch_beam_wheel.sh: $*" >&2
    exit 1
}

if [ -f "$out/$api/standard_coders.yaml" ]; then
    echo "$out"
    exit 0
fi

mkdir -p "$dir" || fail "cannot write below $dir"
new=$(mktemp -d "$dir/new.XXXXXX") || fail "cannot write below $dir"
trap 'rm -rf "$new"' EXIT

python=
for candidate in python3 /usr/bin/python3; do
    command -v "$candidate" >/dev/null || continue
    [ -n "$python" ] || python=$candidate
    if "$candidate" -m pip --version >/dev/null 2>&1; then
        python=$candidate
        has_pip=yes
        break
    fi
done
[ -n "$python" ] || fail "apache-beam $version cannot be unpacked: there is no python3"

wheel=${BEAM_WHEEL:-$(ls "$dir"/apache_beam-$version-*.whl 2>/dev/null | head -n 1)}
if [ -z "$wheel" ]; then
    [ -n "${has_pip:-}" ] ||
        fail "apache-beam $version cannot be fetched: python3 has no pip (apt-get install python3-pip)"
    # What the machine runs does not matter, only that the choice is the same everywhere.
    if ! "$python" -m pip download --quiet --disable-pip-version-check --no-input --no-deps \
        --only-binary=:all: --implementation cp --python-version 3.11 \
        --platform manylinux2014_x86_64 --dest "$new" "apache-beam==$version" >"$new/log" 2>&1; then
        fail "apache-beam $version cannot be fetched: $(grep -v '^ *$' "$new/log" | tail -n 1)"
    fi
    wheel=$(ls "$new"/apache_beam-*.whl 2>/dev/null) || fail "pip fetched no wheel of apache-beam"
fi
[ -f "$wheel" ] || fail "no such file: $wheel"

"$python" - "$wheel" "$new/out" "$version" "$api" <<'EOF' ||
import sys
import zipfile

wheel, out, version, api = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"apache_beam-{version}.dist-info/METADATA").decode()
        if f"\nVersion: {version}\n" not in metadata:
            raise KeyError("version")
        wanted = [name for name in archive.namelist() if name.startswith(api) and
                  name.endswith(("_pb2.py", "standard_coders.yaml"))]
        for name in wanted:
            archive.extract(name, out)
        archive.getinfo(api + "/standard_coders.yaml")
except (KeyError, OSError, zipfile.BadZipFile):
    sys.exit(1)
EOF
    fail "$wheel is not apache-beam $version"

case $wheel in
"$new"/*) mv -f "$wheel" "$dir/" || fail "cannot write below $dir" ;;
esac
# Another run may have been faster; its result is the same.
mv -T "$new/out" "$out" 2>/dev/null || [ -f "$out/$api/standard_coders.yaml" ] ||
    fail "cannot write $out"
echo "$out"

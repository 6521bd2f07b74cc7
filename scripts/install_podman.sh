#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages with which `make test-runners ENVIRONMENTS=DOCKER` runs containers without
# a Docker engine: podman, a docker command that calls it, and skopeo, which looks into images.  As
# root, or by sudo when it asks for no password.  Quick when done before.
set -u

packages="podman podman-docker runc skopeo"
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
    echo "install_podman.sh: as root: apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing:$missing"
$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
    $as_root DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing \
        >/dev/null

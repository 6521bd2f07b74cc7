#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages with which `make test-runners ENVIRONMENTS=DOCKER` runs containers without
# a Docker engine: podman, a docker command that calls it, and skopeo, which looks into images.  Quick
# when done before.
cd "$(dirname "$0")/.." && exec scripts/install_deps.sh podman podman-docker runc skopeo

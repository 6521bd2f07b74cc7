#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what `make test-runners` needs for Flink, below build/peers/:
#
#     flink-server/    Beam's job server for Flink 1.19, which has an engine of its own
#     flink-cluster/   Flink 1.19: job manager and task manager
#
# Needs java and mvn.  Quick when done before.  scripts/servers.sh starts them.
#
#     scripts/install_flink.sh [server] [cluster]      only these
set -u

beam=2.62.0
flink=1.19.0
cd "$(dirname "$0")/.." || exit 1
peers=$PWD/build/peers
status=0

for part in ${*:-server cluster}; do
    case $part in
    server)
        scripts/fetch_jars.sh "$peers/flink-server" \
            org.apache.beam:beam-runners-flink-1.19:$beam \
            org.slf4j:slf4j-simple:1.7.30 || status=1
        ;;
    cluster)
        scripts/fetch_jars.sh "$peers/flink-cluster" \
            org.apache.flink:flink-clients:$flink \
            org.apache.flink:flink-runtime-web:$flink \
            org.apache.flink:flink-statebackend-rocksdb:$flink \
            org.slf4j:slf4j-simple:1.7.36 || status=1
        ;;
    *)
        echo "install_flink.sh: usage: scripts/install_flink.sh [server] [cluster]" >&2
        exit 2
        ;;
    esac
done
exit $status

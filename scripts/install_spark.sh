#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what `make test-runners` needs for Spark, below build/peers/:
#
#     spark-server/         Beam's job server for Spark 3, which has an engine of its own
#     spark-cluster/jars/   Spark 3.5: master and worker
#
# Needs java and mvn.  Quick when done before.  scripts/servers.sh starts them.
#
#     scripts/install_spark.sh [server] [cluster]      only these
set -u

beam=2.62.0
spark=3.5.0
cd "$(dirname "$0")/.." || exit 1
peers=$PWD/build/peers
status=0

# Both must have the same Spark.  Without this slf4j nothing is logged, and without this jackson the
# executors of a cluster lack a class.
spark_packages="org.apache.spark:spark-core_2.12:$spark org.apache.spark:spark-streaming_2.12:$spark
    org.slf4j:slf4j-api:2.0.7 com.fasterxml.jackson.core:jackson-core:2.15.2"

for part in ${*:-server cluster}; do
    case $part in
    server)
        # shellcheck disable=SC2086 # they are several
        scripts/fetch_jars.sh "$peers/spark-server" \
            org.apache.beam:beam-runners-spark-3:$beam $spark_packages || status=1
        ;;
    cluster)
        # shellcheck disable=SC2086 # they are several
        scripts/fetch_jars.sh "$peers/spark-cluster/jars" $spark_packages || status=1
        ;;
    *)
        echo "install_spark.sh: usage: scripts/install_spark.sh [server] [cluster]" >&2
        exit 2
        ;;
    esac
done
exit $status

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Gathers Java packages and all that they need at run time in one directory, by Maven, from where
# Maven is set up to find them.  Does nothing if they are there already.
#
#     scripts/fetch_jars.sh DIRECTORY GROUP:ARTIFACT:VERSION...
set -u

say() {
    echo "fetch_jars.sh: $*" >&2
}

if [ $# -lt 2 ]; then
    say "usage: scripts/fetch_jars.sh DIRECTORY GROUP:ARTIFACT:VERSION..."
    exit 2
fi
directory=$1
shift
# Written when all is there, so that half of it is never taken for the whole.
if [ "$(cat "$directory/.packages" 2>/dev/null)" = "$*" ]; then
    exit 0
fi
for tool in mvn java; do
    command -v $tool >/dev/null || {
        say "$tool is needed: apt-get install maven openjdk-17-jdk-headless"
        exit 1
    }
done
rm -rf "$directory"
mkdir -p "$directory" || exit 1
project=$(mktemp -d) || exit 1
trap 'rm -rf "$project"' EXIT
{
    echo '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
    echo '<groupId>peer</groupId><artifactId>peer</artifactId><version>1</version><dependencies>'
    for package in "$@"; do
        echo "$package" | sed -E 's|^([^:]+):([^:]+):([^:]+)$|<dependency><groupId>\1</groupId><artifactId>\2</artifactId><version>\3</version></dependency>|'
    done
    echo '</dependencies></project>'
} >"$project/pom.xml"
(cd "$project" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$project/jars") >&2 || {
    say "Maven did not get $*"
    exit 1
}
mv "$project"/jars/*.jar "$directory" || exit 1
echo "$*" >"$directory/.packages"

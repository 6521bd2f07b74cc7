#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the examples, and the pipelines with assertions inside them, on real runners, and compares
# what they write with what the direct runner writes: all lines, sorted as bytes, and all metrics of
# the users' (those count which assertions were made).  Called by
# `make test-runners` from the top of the tree, with:
#
#     BIN            where the examples are
#     PIPELINES      the program of test/pipelines
#     RUNNERS        direct,prism,flink,spark and python,flink-cluster,spark-cluster; each but
#                    direct is started by scripts/servers.sh if it does not run, and then stopped
#                    after
#     ENVIRONMENTS   how workers start: LOOPBACK,PROCESS,EXTERNAL,DOCKER
#     IMAGE          the archive of the container image, for DOCKER
#     CASES          only these
#     TIMEOUT        seconds for one case (180)
#
# With DOCKER, podman is the engine, and containers see the directories of inputs and outputs under
# their own names: without that what workers write would stay in the containers.  Servers that run
# already know nothing of it, so DOCKER wants to start them itself.  With EXTERNAL a pool of
# `beamc worker-pool` serves a whole column.
#
# What a runner cannot do is in test/runners/limits.txt, each with the runner's own words; there a
# case has to fail, and to fail with those words.  Fails unless all came out as they should.
set -uo pipefail

runners=${RUNNERS:-direct,prism,flink,spark}
environments=${ENVIRONMENTS:-LOOPBACK}
timeout=${TIMEOUT:-180}
limits=test/runners/limits.txt
data=$PWD/test/examples/data
out=$(mktemp -d "${TMPDIR:-/tmp}/beamc-runners-XXXXXX") || exit 1

# ---- cases ------------------------------------------------------------------------------------

# A line each: name, program, options; {} is a directory of the run's own.
cases() {
    cat <<END
wordcount            $BIN/wordcount --input=$data/*.txt --output={}/out
minimal_wordcount    $BIN/minimal_wordcount --input=$data/story.txt --output={}/out
debugging_wordcount  $BIN/debugging_wordcount --input=$data/story.txt --output={}/out --filter=^(LICENS|licen[cs]e)
windowed_wordcount   $BIN/windowed_wordcount --input=$data/talk.log --output={}/out
hourly_scores        $BIN/hourly_scores --input=$data/events.csv --output={}/out
join                 $BIN/join --customers=$data/customers.csv --orders=$data/orders.csv --currencies=$data/currencies.csv --output={}/out
write_table          $BIN/write_table --input=$data/sales.csv --output={}/table --shards=3
END
    sed -nE 's/^    \{ "([a-z_]+)", build_.*$/\1/p' test/pipelines/pipelines.c |
        while read -r name; do
            echo "assert_$name $PIPELINES --case=$name"
        done
}

# All lines below a directory, each behind its file's name without shard numbers: how many shards
# there are is the runner's choice, what is in which window's file is not.
collect() {
    local file name
    find "$1" -type f | while read -r file; do
        name=$(sed -E 's/-[0-9]+-of-[0-9]+$//' <<<"${file#"$1"/}")
        sed "s|^|$name |" "$file"
    done | LC_ALL=C sort
    # From the summary at the end of what the program says.
    sed -n '/^metrics of /,/^done in /p' "$1.log" | grep '^  ' | LC_ALL=C sort
}

# ---- one case ---------------------------------------------------------------------------------

# limit RUNNER CASE: the words of the runner that are expected; fails if it should work.
limit() {
    awk -F ' *[|] *' -v runner="$1" -v name="$2" \
        '!/^#/ && $1 == runner && ($2 == name || $2 == "*") { print $3; found = 1; exit }
         END { exit !found }' $limits
}

seconds_since() {
    awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", to - from }'
}

# run_case COLUMN RUNNER CASE PROGRAM OPTION...: sets $result and $problem.
run_case() {
    local column=$1 runner=$2 name=$3 program=$4 directory status=0 words start
    shift 4
    directory=$out/$column/$name
    mkdir -p "$directory"
    start=$EPOCHREALTIME
    problem=
    local more=()
    # Workers that are processes of their own may die, where the runner tries again.
    if [ "$name" = assert_killed ] && [[ $column == *-cluster/process ]]; then
        more=(--marker="$directory/killed")
    fi
    # In one process group with its own children, so that none is left when time is up.
    timeout --kill-after=10 "$timeout" "$program" "${@//"{}"/$directory}" \
        "${way[@]}" "${more[@]}" >"$directory.log" 2>&1 || status=$?
    result=$(seconds_since "$start")
    collect "$directory" >"$directory.sorted"
    if [ $status -eq 124 ]; then
        problem="no end after $timeout s"
    elif [ "$name" = assert_fails ]; then
        # What has to be told: by all runners, in one line.
        grep -qE "pipelines.c:[0-9]+: 1 element is not what is expected: missing 2$" \
            "$directory.log" && [ $status -eq 1 ] || problem="exit status $status, or no reason"
        return
    elif [ $status -ne 0 ]; then
        problem="exit status $status"
    elif [ ${#more[@]} -gt 0 ] && [ ! -e "$directory/killed" ]; then
        problem="no worker was killed"
    elif [ -e "$out/expected/$name" ] &&
        ! cmp -s "$out/expected/$name" "$directory.sorted"; then
        problem="other output than direct's"
        diff "$out/expected/$name" "$directory.sorted" | head -n 10 >>"$directory.log"
    fi
    if words=$(limit "$runner" "$name"); then
        if [ -z "$problem" ]; then
            problem="works, and is in $limits"
        elif grep -qF -- "$words" "$directory.log"; then
            problem=
            result=limit
        fi
    fi
    if [ "$runner" = direct ] && [ -z "$problem" ]; then
        mkdir -p "$out/expected"
        cp "$directory.sorted" "$out/expected/$name"
    fi
}

# ---- all of them ------------------------------------------------------------------------------

failed=0
started=()
columns=()
declare -A table

stop_started() {
    stop_pool
    [ ${#started[@]} -eq 0 ] || scripts/servers.sh stop "${started[@]}"
}

stop_pool() {
    [ -z "${pool:-}" ] || kill "$pool"
    [ -z "${pool:-}" ] || wait "$pool" || problem_of "the worker pool ended with status $?"
    pool=
}

problem_of() {
    echo "FAILED: $*" >&2
    failed=$((failed + 1))
}

# Sets $address.
start_pool() {
    local log=$out/worker-pool.log
    : >"$log" # that of the one before says where it was
    "$BIN/beamc" worker-pool --port=0 >"$log" 2>&1 &
    pool=$!
    until address=$(sed -n 's/.*ready at //p' "$log") && [ -n "$address" ]; do
        kill -0 $pool 2>/dev/null || return
        sleep 0.05
    done
}

# The engine, and the image in it.
start_containers() {
    local directory=$PWD/build/peers/run/containers
    scripts/servers.sh stop containers
    started+=(containers)
    BEAMC_MOUNTS="$data $out" scripts/servers.sh start containers >&2 || return
    CONTAINERS_CONF=$directory/containers.conf
    CONTAINERS_REGISTRIES_CONF=$directory/registries.conf
    DOCKER_HOST=$(cat "$directory/endpoint")
    export CONTAINERS_CONF CONTAINERS_REGISTRIES_CONF DOCKER_HOST
    image=$(podman load -q -i "$IMAGE") && image=${image##* }
}
trap stop_started EXIT
trap 'exit 130' INT TERM

# run_column RUNNER ENVIRONMENT: all cases.
run_column() {
    local runner=$1 column=$1 name line
    [ "$runner" = direct ] || column=$1/${2,,}
    columns+=("$column")
    while read -r -a line; do
        name=${line[0]}
        [[ ,${CASES:-$name}, == *,$name,* ]] || continue
        run_case "$column" "$runner" "${line[@]}"
        table[$name/$column]=$result
        if [ -n "$problem" ]; then
            table[$name/$column]="FAILED"
            failed=$((failed + 1))
            echo "FAILED $name on $column: $problem" >&2
            tail -n 15 "$out/$column/$name.log" | sed 's/^/    /' >&2
        else
            echo "$name on $column: $result" >&2
        fi
    done < <(cases)
}

if [[ ,$environments, == *,DOCKER,* ]] && ! start_containers; then
    problem_of "there are no containers"
    exit 1
fi

# What is compared with is always run.
[[ ,$runners, == *,direct,* ]] || runners=direct,$runners
for runner in direct ${runners//,/ }; do
    if [ "$runner" = direct ]; then
        way=(--runner=direct)
        [ ${#columns[@]} -gt 0 ] || run_column direct ""
        continue
    fi
    scripts/servers.sh status "$runner" >/dev/null || started+=("$runner")
    if ! endpoint=$(scripts/servers.sh start "$runner"); then
        failed=$((failed + 1))
        continue
    fi
    for environment in ${environments//,/ }; do
        kind=${runner%-cluster}
        way=(--runner="${kind/python/portable}" --job_endpoint="${endpoint#* }"
            --environment_type="$environment")
        case $environment in
        DOCKER) way+=(--environment_config="$image") ;;
        EXTERNAL)
            start_pool
            way+=(--environment_config="$address")
            ;;
        esac
        run_column "$runner" "$environment"
        stop_pool
    done
done

printf '\n%-24s' ""
printf '%-22s' "${columns[@]}"
echo
while read -r name _; do
    [[ ,${CASES:-$name}, == *,$name,* ]] || continue
    printf '%-24s' "$name"
    for column in "${columns[@]}"; do
        printf '%-22s' "${table[$name/$column]}"
    done
    echo
done < <(cases)
if [ $failed -gt 0 ]; then
    echo "$failed failed; what they wrote is in $out" >&2
    exit 1
fi
rm -rf "$out"

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Starts and stops job servers on this machine, on free ports of the loopback interface:
#
#     prism                        Beam's local runner
#     python                       the job server of Beam's Python SDK, with the runner its tests use
#     flink          spark         Beam's job servers, with the engine inside
#     flink-cluster  spark-cluster the same in front of a cluster: a master and a worker, each a
#                                  process of its own; they try again what has failed
#     containers                   podman, as a Docker engine: for DOCKER environments
#
#     scripts/servers.sh start NAME...      prints "NAME localhost:PORT" when it is ready
#     scripts/servers.sh stop [NAME...]     all that run, if none is named
#     scripts/servers.sh status [NAME...]
#     scripts/servers.sh restart NAME...
#
# What belongs to a server that runs is in build/peers/run/NAME/: endpoint, *.pid, *.log.
# BEAMC_SERVER_TIMEOUT is how many seconds one may take to be ready (120).  DOCKER_HOST, PATH and the
# like go through to the servers, which start the workers of PROCESS and DOCKER environments.
#
# Containers see the directories that BEAMC_MOUNTS names, under the same names.  For servers to use
# them: DOCKER_HOST is the endpoint, CONTAINERS_CONF and CONTAINERS_REGISTRIES_CONF are
# containers.conf and registries.conf in build/peers/run/containers/.
set -u

cd "$(dirname "$0")/.." || exit 1
peers=$PWD/build/peers
deadline=${BEAMC_SERVER_TIMEOUT:-120}
names="prism python flink spark flink-cluster spark-cluster containers"

say() {
    echo "servers.sh: $*" >&2
}

# Newer Java hides from Flink and Spark what they need.
opens=()
for package in java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.text \
    java.time java.util java.util.concurrent java.util.concurrent.atomic sun.nio.ch sun.nio.cs \
    sun.security.action sun.util.calendar; do
    opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
done

# ---- processes and ports ----------------------------------------------------------------------

# When a process was started, in ticks since the machine was: with the pid it names one process for
# good, as a pid alone does not.
started_at() {
    sed -E 's/^.*\) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

# runs FILE: whether the process of a pid file runs.
runs() {
    local pid start
    read -r pid start 2>/dev/null <"$1" && [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}

listens() {
    (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# A port that nobody listens on; below those that the system gives to connections.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && listens $port; do :; done
    echo $port
}

# launch PROCESS COMMAND...: starts a process of server $name, in a session of its own.
launch() {
    local process=$1 pid
    shift
    setsid "$@" >"$run/$process.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(started_at $pid)" >"$run/$process.pid"
}

# await PROCESS TEST...: waits until the test is true or the process has ended.
await() {
    local process=$1 end=$((SECONDS + deadline))
    shift
    until "$@"; do
        if ! runs "$run/$process.pid"; then
            say "$name: $process has ended:"
        elif [ $SECONDS -ge $end ]; then
            say "$name: $process is not ready after $deadline s:"
        else
            sleep 0.1
            continue
        fi
        tail -n 15 "$run/$process.log" >&2
        return 1
    done
}

# need FILE SCRIPT: what is not installed is said with how to install it.
need() {
    [ -e "$1" ] && return
    say "$name is not installed: $2"
    return 3
}

java_for() {
    if [ -n "${JAVA_HOME:-}" ]; then echo "$JAVA_HOME/bin/java"; else command -v java; fi
}

# ---- what each is -----------------------------------------------------------------------------

start_prism() {
    need "$peers/bin/prism" "scripts/install_peers.sh go" || return
    launch prism "$peers/bin/prism" --serve_http=false --log_kind=text --log_level=warn \
        --job_port="$port"
    await prism listens "$port"
}

start_python() {
    need "$peers/python/bin/python" "scripts/install_peers.sh python" || return
    launch python "$peers/python/bin/python" \
        -m apache_beam.runners.portability.local_job_service_main \
        --job_port "$port" --staging_dir "$run/artifacts"
    await python listens "$port"
}

# job_server JARS CLASS OPTION...: in front of what has been started, or alone.
job_server() {
    local jars=$1 class=$2
    shift 2
    launch server "$java" -Xmx1500m "${opens[@]}" -cp "$jars/*" "$class" --job-host=localhost \
        --job-port="$port" --artifact-port="$(free_port)" --expansion-port="$(free_port)" \
        --artifacts-dir="$run/artifacts" "$@"
    await server listens "$port"
}

start_flink() {
    need "$peers/flink-server/.packages" "scripts/install_flink.sh server" || return
    job_server "$peers/flink-server" org.apache.beam.runners.flink.FlinkJobServerDriver "$@"
}

start_spark() {
    need "$peers/spark-server/.packages" "scripts/install_spark.sh server" || return
    export SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_DIRS=$run/local
    job_server "$peers/spark-server" org.apache.beam.runners.spark.SparkJobServerDriver "$@"
}

flink_has_worker() {
    curl -s "localhost:$rest/overview" | grep -q '"taskmanagers":1'
}

# All sizes are told: what would compute them is in the scripts of Flink's distribution.
flink_configuration() {
    cat <<END
jobmanager.rpc.address: localhost
jobmanager.rpc.port: $(free_port)
jobmanager.bind-host: localhost
blob.server.port: $(free_port)
rest.address: localhost
rest.bind-address: localhost
rest.port: $rest
taskmanager.host: localhost
taskmanager.bind-host: localhost
taskmanager.numberOfTaskSlots: 2
taskmanager.cpu.cores: 2
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.task.off-heap.size: 0m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.managed.size: 256m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 192m
taskmanager.memory.jvm-overhead.max: 192m
parallelism.default: 1
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 2
restart-strategy.fixed-delay.delay: 100 ms
io.tmp.dirs: $run/tmp
END
}

start_flink-cluster() {
    local rest jars=$peers/flink-cluster runtime=org.apache.flink.runtime
    need "$peers/flink-server/.packages" "scripts/install_flink.sh" || return
    need "$jars/.packages" "scripts/install_flink.sh cluster" || return
    rest=$(free_port)
    mkdir -p "$run/conf" "$run/tmp"
    flink_configuration >"$run/conf/flink-conf.yaml"
    launch master "$java" -Xmx768m "${opens[@]}" -cp "$jars/*" \
        $runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$run/conf"
    launch worker "$java" -Xmx768m -XX:MaxDirectMemorySize=512m "${opens[@]}" -cp "$jars/*" \
        $runtime.taskexecutor.TaskManagerRunner --configDir "$run/conf"
    await master listens "$rest" && await worker flink_has_worker || return
    echo "$rest" >"$run/rest.port"
    start_flink --flink-master="localhost:$rest"
}

spark_has_worker() {
    curl -s "localhost:$web/json/" | tr -d ' \n' | grep -q '"aliveworkers":1'
}

start_spark-cluster() {
    local web master jars=$peers/spark-cluster/jars deploy=org.apache.spark.deploy
    need "$peers/spark-server/.packages" "scripts/install_spark.sh" || return
    need "$jars/.packages" "scripts/install_spark.sh cluster" || return
    # Executors find their classes by this.
    export SPARK_HOME=$peers/spark-cluster SPARK_SCALA_VERSION=2.12 SPARK_LOCAL_IP=127.0.0.1
    export SPARK_LOCAL_DIRS=$run/local
    master=$(free_port)
    web=$(free_port)
    launch master "$java" -Xmx512m "${opens[@]}" -cp "$jars/*" $deploy.master.Master \
        --host localhost --port "$master" --webui-port "$web"
    await master listens "$master" || return
    launch worker "$java" -Xmx512m "${opens[@]}" -cp "$jars/*" $deploy.worker.Worker \
        --host localhost --port "$(free_port)" --webui-port "$(free_port)" --cores 2 --memory 2g \
        --work-dir "$run/work" "spark://localhost:$master"
    await worker spark_has_worker || return
    start_spark --spark-master-url="spark://localhost:$master"
}

# The machine's own settings may ask for more than is permitted in a container of its own.
containers_configuration() {
    local mount list=
    for mount in ${BEAMC_MOUNTS:-}; do
        list="$list${list:+, }\"$mount:$mount\""
    done
    cat <<END
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
netns = "host"
log_driver = "k8s-file"
volumes = [$list]
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
END
}

# Runners pull before they start: that a registry named localhost does not answer takes three seconds.
registries_configuration() {
    cat <<END
[[registry]]
prefix = "localhost"
location = "localhost"
blocked = true
END
}

is_engine() {
    [ -S "$run/podman.sock" ] && curl -s --unix-socket "$run/podman.sock" http://d/_ping | grep -q OK
}

start_containers() {
    if ! command -v podman >/dev/null; then
        say "podman is not installed: scripts/install_podman.sh"
        return 3
    fi
    containers_configuration >"$run/containers.conf"
    registries_configuration >"$run/registries.conf"
    export CONTAINERS_CONF=$run/containers.conf CONTAINERS_REGISTRIES_CONF=$run/registries.conf
    launch podman podman system service --time=0 "unix://$run/podman.sock"
    await podman is_engine
    endpoint=unix://$run/podman.sock
}

# ---- commands ---------------------------------------------------------------------------------

# The processes of a server, those started last first.
processes() {
    local process
    for process in server prism python worker master podman; do
        [ -e "$run/$process.pid" ] && echo $process
    done
}

is_up() {
    [ -e "$run/endpoint" ] || return
    local process
    for process in $(processes); do
        runs "$run/$process.pid" || return
    done
}

stop_one() {
    local process pid end
    for process in $(processes); do
        if runs "$run/$process.pid"; then
            read -r pid _ <"$run/$process.pid"
            kill "$pid" 2>/dev/null
            end=$((SECONDS + 20))
            while runs "$run/$process.pid"; do
                [ $SECONDS -lt $end ] || kill -9 "$pid" 2>/dev/null
                sleep 0.1
            done
        fi
        rm -f "$run/$process.pid"
    done
    # Logs stay until the next start.
    rm -rf "$run/endpoint" "$run/artifacts" "$run/local" "$run/work" "$run/tmp" "$run/podman.sock"
}

start_one() {
    local port java status endpoint
    if is_up; then
        echo "$name $(cat "$run/endpoint")"
        return
    fi
    stop_one
    rm -rf "$run"
    mkdir -p "$run"
    port=$(free_port)
    java=$(java_for)
    if [[ $name == *flink* || $name == *spark* ]] && [ ! -x "$java" ]; then
        say "$name needs java: apt-get install openjdk-17-jdk-headless"
        return 3
    fi
    endpoint=localhost:$port
    "start_$name"
    status=$?
    if [ $status -ne 0 ]; then
        stop_one
        return $status
    fi
    echo "$endpoint" >"$run/endpoint"
    echo "$name $endpoint"
}

status_one() {
    if is_up; then
        echo "$name $(cat "$run/endpoint")"
    elif [ -n "$(processes)" ]; then
        echo "$name is broken: a process of it has ended; see $run"
        return 1
    else
        echo "$name does not run"
        return 3
    fi
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
start | restart) [ $# -gt 0 ] ;;
stop | status) : ;;
*) false ;;
esac || {
    say "usage: scripts/servers.sh start|stop|status|restart NAME...; names: $names"
    exit 2
}
result=0
for name in ${*:-$names}; do
    case " $names " in
    *" $name "*) ;;
    *)
        say "there is no server $name; there are $names"
        exit 2
        ;;
    esac
    run=$peers/run/$name
    # In subshells, since what one exports is no other's.
    case $command in
    start) (start_one) ;;
    stop) stop_one ;;
    status) status_one ;;
    restart) stop_one && (start_one) ;;
    esac || result=$?
done
exit $result

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares workers of Beam's Go, Python and C SDKs on the same runners; see README.md.

Builds nothing: `make bench-runners` builds what there is and calls this.  All run by turns on one
Prism and one job server of Flink (scripts/servers.sh).  Workers are started by worker_pool.py, each
as a process of its own, whose CPU time is what is compared.  Nothing fails for being slow: the exit
status is 1 only if a program fails or gives a wrong result.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import time

from measure import (PEERS, ROOT, Failed, Report, median_ratio, middle, parts_of, print_machine,
                     read_counts, run)

RUNNERS = ("prism", "flink")
PARTS = ("words", "chain")
SDKS = ("beamc", "go", "python")

MEGABYTES = 20
NUMBERS = 5_000_000
CALLS = 10 * NUMBERS                # ParDos times elements
NUMBERS_SMALL = 8

ROUNDS = 3
BARS = {"go": 10.0, "python": 20.0}  # at least this many times less CPU time than these

SERVERS = os.path.join(ROOT, "scripts", "servers.sh")
PYTHON = os.path.join(PEERS, "python", "bin", "python")
POOL = os.path.join(ROOT, "test", "bench", "worker_pool.py")
PEER_SOURCES = os.path.join(ROOT, "test", "bench", "peers")


class Pool:
    """The worker pool of one run of a pipeline."""

    def __init__(self, folder, command):
        self.usage = os.path.join(folder, "usage")
        self.log = os.path.join(folder, "worker.log")
        self.process = subprocess.Popen([PYTHON, POOL, self.usage, self.log, *command],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=open(self.log, "ab"), text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise Failed(f"the worker pool does not start; see {self.log}")

    def end(self):
        """Ends all workers; answers the CPU time that they took, and how many they were."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(FileNotFoundError), open(self.usage) as file:
            workers = [json.loads(line) for line in file]
            return sum(w["cpu"] for w in workers), len(workers)
        raise Failed(f"no worker was started; see {self.log}")


class Taken:
    """What a run took: the client's wall time, the workers' CPU time."""

    peak_mb = None                  # wait4's is that of the pool, if that is larger

    def __init__(self, wall, workers):
        self.wall = wall
        self.cpu, self.count = workers


class Bench(Report):
    # ---- how each SDK is called -----------------------------------------------------------------

    def client(self, sdk, part, endpoint):
        """The command that submits, and the one that is a worker."""
        name = {"words": "wordcount", "chain": "chain"}[part]
        if sdk == "go":
            program = os.path.join(PEERS, "bin", name)
            return ([program, "--runner=universal", f"--endpoint={endpoint}",
                     f"--worker_binary={program}"],
                    [program, "--worker=true", "--id={id}", "--control_endpoint={control}",
                     "--logging_endpoint={logging}"])
        if sdk == "python":
            work = ("from apache_beam.runners.worker.sdk_worker import SdkHarness; "
                    "SdkHarness('{control}', worker_id='{id}').run()")
            return ([PYTHON, os.path.join(PEER_SOURCES, name + ".py"), "--runner=PortableRunner",
                     f"--job_endpoint={endpoint}"], [PYTHON, "-c", work])
        program = self.program("wordcount" if part == "words" else "bench_chain")
        return ([program, "--runner=portable", f"--job_endpoint={endpoint}", "--quiet"],
                [program, "--id={id}", "--control_endpoint={control}",
                 "--logging_endpoint={logging}"])

    def run_one(self, name, sdk, part, endpoint, options):
        folder = self.fresh(name)
        submit, work = self.client(sdk, part, endpoint)
        pool = Pool(folder, work)
        try:
            client = run([*submit, "--environment_type=EXTERNAL",
                          f"--environment_config={pool.address}", *options,
                          f"--output={folder}/out"], self.log(name))
        except Failed:
            with contextlib.suppress(Failed):
                pool.end()
            raise
        return Taken(client.wall, pool.end())

    # ---- what they run --------------------------------------------------------------------------

    def words(self):
        source = self.make_data(f"words-{MEGABYTES}.txt")
        small = os.path.join(self.out, "small.txt")
        with open(small, "w") as file:
            file.write("one line\n")
        hand = self.fresh("hand")
        run([self.program("words_fast"), source, hand + "/counts"], self.log("words_fast"))
        want, words = read_counts(hand + "/counts*")

        def check(folder):
            if read_counts(folder + "/out*")[0] != want:
                raise Failed("other counts than words_fast's")

        self.compare("words", f"word count of {MEGABYTES} MB", "a word", words,
                     [f"--input={source}"], [f"--input={small}"], check)

    def chain(self):
        def check(folder):
            lines = read_lines(folder)
            if lines != [str(NUMBERS - 1 + 10)]:
                raise Failed(f"the last number is {lines}")

        self.compare("chain", f"ten ParDos over {NUMBERS // 1_000_000} million int64",
                     "a DoFn call and element", CALLS, [f"--numbers={NUMBERS}"],
                     [f"--numbers={NUMBERS_SMALL}"], check)

    def compare(self, part, what, unit, count, options, small_options, check):
        for runner, endpoint in self.endpoints.items():
            jobs = []
            for sdk in self.sdks:
                name = f"{sdk} {part} on {runner}"

                def job(name=name, sdk=sdk):
                    taken = self.run_one(name, sdk, part, endpoint, options)
                    check(os.path.join(self.out, name))
                    idle = self.run_one(name + " small", sdk, part, endpoint, small_options)
                    taken.idle = idle.cpu
                    return taken

                jobs.append((name, job))
            runs = self.rounds(f"{what} on {runner}", 1 if self.quick else ROUNDS, jobs)
            self.tell(part, what, unit, count, runner, runs)

    def tell(self, part, what, unit, count, runner, runs):
        cost = {}
        for sdk in self.sdks:
            taken = runs[f"{sdk} {part} on {runner}"]
            cost[sdk] = [(t.cpu - t.idle) / count * 1e9 for t in taken]
            self.record(f"{sdk}: {what} on {runner}", taken,
                        f"of {middle([t.count for t in taken]) or 0:g} workers, "
                        f"{middle([t.idle for t in taken]) or 0:.2f} s to start")
            self.row(f"{runner}: {sdk} worker, CPU for {unit}", middle(cost[sdk]), "ns")
        for sdk, bar in BARS.items():
            if sdk in self.sdks and "beamc" in self.sdks:
                ratio = (median_ratio(cost[sdk], cost["beamc"])
                         if cost[sdk] and cost["beamc"] else None)
                self.row(f"{runner}: {sdk} / beamc, {what}", ratio, "x", bar, at_least=True)

    # ---- servers --------------------------------------------------------------------------------

    def start_servers(self, runners, stack):
        """Those that do not run are stopped again after."""
        self.endpoints = {}
        for runner in runners:
            ran = subprocess.run([SERVERS, "status", runner], stdout=subprocess.DEVNULL).returncode
            started = subprocess.run([SERVERS, "start", runner], stdout=subprocess.PIPE, text=True)
            if started.returncode != 0:
                self.fail(runner, "is not there")
                continue
            if ran != 0:
                stack.callback(subprocess.run, [SERVERS, "stop", runner])
            self.endpoints[runner] = started.stdout.split()[-1]


def read_lines(folder):
    lines = []
    for name in os.listdir(folder):
        if name.startswith("out"):
            with open(os.path.join(folder, name)) as file:
                lines += file.read().split()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="where the programs are (build/bin)")
    parser.add_argument("--only", type=parts_of(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--runners", type=parts_of(RUNNERS), help=f"some of {','.join(RUNNERS)}")
    parser.add_argument("--sdks", type=parts_of(SDKS), help=f"some of {','.join(SDKS)}")
    parser.add_argument("--quick", action="store_true", help="one round")
    args = parser.parse_args()
    bench = Bench("runners", args.bin, args.quick)
    for name in ("wordcount", "bench_chain", "words_fast", "make_data"):
        if not bench.program(name):
            parser.error(f"{bench.bin}/{name} is missing: run this by `make bench-runners`")
    if not os.access(PYTHON, os.X_OK):
        parser.error("the peers are not installed: scripts/install_peers.sh")
    print_machine()
    bench.sdks = args.sdks or SDKS
    with contextlib.ExitStack() as stack:
        bench.start_servers(args.runners or RUNNERS, stack)
        for part in PARTS:
            if part in (args.only or PARTS):
                getattr(bench, part)()
    bench.finish()


if __name__ == "__main__":
    main()

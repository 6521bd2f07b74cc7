#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the library's programs with hand-written ones; see README.md.

Builds nothing: `make bench` builds what there is and calls this.  Programs that are compared run by
turns, so that a slow minute of the machine meets all of them, and a ratio is the median of the
ratios of the rounds.  Nothing fails for being slow: the exit status is 1 only if a program fails or
counts wrongly.
"""

import argparse
import contextlib
import glob
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARTS = ("words", "chain", "group", "peers")
TIMEOUT_S = 900

WORD_ROUNDS = {20: 7, 200: 5}
WORD_ROUNDS_QUICK = {20: 3}
CHAIN_ROUNDS = 5
CHAIN_CALLS = 10 * 20_000_000       # ParDos times elements, as in chain.c
GROUP_ROUNDS = 3
GROUP_PAIRS = 50                    # millions, as in group.c
PEER_MEGABYTES = 20

BAR_FAST = 3.0                      # at most this many times words_fast, CPU time, 20 MB
BAR_PLAIN = 1.0                     # at most this many times words_plain, CPU time, 200 MB
BAR_THREADS = 1.7                   # at least this many times faster with two threads, wall time
BAR_CHAIN = 10.0                    # at most this many ns for a DoFn call
BAR_GROUP_MB = 512                  # less resident memory than this
BAR_GROUP = 0.5                     # at most this part of sort's wall time


class Run:
    """What one run of a program took."""

    def __init__(self, wall, usage):
        self.wall = wall
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak_mb = usage.ru_maxrss / 1024
        self.written_mb = usage.ru_oublock * 512 / 1e6


class Failed(Exception):
    """A program ended badly or gave a wrong result."""


def wait_for(process, began):
    """Waits for @process and says what it took; only what it has used itself is counted."""
    timer = threading.Timer(TIMEOUT_S, process.kill)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(wall, usage)


def start(argv, log, env):
    log.write((" ".join(argv) + "\n").encode())
    log.flush()
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            env={**os.environ, **env})


def run(argv, log_path, **env):
    with open(log_path, "wb") as log:
        began = time.monotonic()
        process = start(argv, log, env)
        result = wait_for(process, began)
    if process.returncode != 0:
        with open(log_path, errors="replace") as log:
            last = log.read().strip().splitlines()[-3:]
        raise Failed(f"exit status {process.returncode}: " + "\n    ".join(last))
    return result


def read_counts(pattern):
    """The lines of all files that match, sorted; and the sum of their counts."""
    lines = []
    for path in glob.glob(pattern):
        with open(path, "rb") as file:
            lines += file.read().splitlines()
    lines.sort()
    return lines, sum(int(line.rpartition(b" ")[2]) for line in lines)


def median_ratio(over, under):
    return statistics.median(a / b for a, b in zip(over, under))


def middle(values):
    return statistics.median(values) if values else None


class Bench:
    def __init__(self, args):
        self.bin = os.path.abspath(args.bin)
        self.data = os.path.join(ROOT, "build", "bench-data")
        self.out = os.path.join(ROOT, "build", "bench-out")
        self.quick = args.quick
        self.rows = []              # of the table: dicts, as in the history
        self.programs = []          # what each program took: dicts
        self.failures = []
        shutil.rmtree(self.out, ignore_errors=True)
        os.makedirs(self.out)

    # ---- helpers --------------------------------------------------------------------------------

    def program(self, name):
        path = os.path.join(self.bin, name)
        return path if os.access(path, os.X_OK) else None

    def fresh(self, name):
        """An empty directory for a program's output."""
        path = os.path.join(self.out, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def log(self, name):
        return os.path.join(self.out, name.replace(" ", "-") + ".log")

    def make_data(self, name):
        subprocess.run([os.path.join(ROOT, "scripts", "make_bench_data.sh"),
                        os.path.join(self.bin, "make_data"), self.data, name], check=True)
        path = os.path.join(self.data, name)
        with open(path, "rb") as file:      # into the page cache
            while file.read(1 << 22):
                pass
        return path

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def row(self, what, value, unit, bar=None, at_least=False, note=""):
        met = None
        if bar is not None and value is not None:
            met = value >= bar if at_least else value <= bar
        self.rows.append({"what": what, "value": value, "unit": unit, "bar": bar,
                          "at_least": at_least, "pass": met, "note": note})

    def record(self, what, runs, note=""):
        if not runs:
            return
        self.programs.append({
            "what": what, "note": note,
            "wall": middle([r.wall for r in runs]), "cpu": middle([r.cpu for r in runs]),
            "peak_mb": max(r.peak_mb for r in runs),
            "cpus": [round(r.cpu, 4) for r in runs], "walls": [round(r.wall, 4) for r in runs]})

    def fail(self, what, error):
        self.failures.append(f"{what}: {error}")
        self.say(f"{what}: {error}")

    def rounds(self, what, count, jobs):
        """Runs all of @jobs, pairs of a name and a function that gives a Run, @count times by
        turns.  A job that fails is left out from then on.  Answers name -> runs."""
        runs = {name: [] for name, _ in jobs}
        bad = set()
        for i in range(count):
            self.say(f"{what}: round {i + 1} of {count}")
            for name, job in jobs:
                if name in bad:
                    continue
                try:
                    runs[name].append(job())
                except Failed as error:
                    bad.add(name)
                    self.fail(name, error)
        return {name: [] if name in bad else r for name, r in runs.items()}

    # ---- words ----------------------------------------------------------------------------------

    def words(self):
        for megabytes, count in (WORD_ROUNDS_QUICK if self.quick else WORD_ROUNDS).items():
            self.words_of(megabytes, count)

    def words_of(self, megabytes, count):
        source = self.make_data(f"words-{megabytes}.txt")
        size = f"{megabytes} MB"

        def hand(name):
            folder = self.fresh(f"{name}-{megabytes}")
            return run([self.program(name), source, folder + "/counts"], self.log(name))

        def pipeline(workers):
            folder = self.fresh(f"wordcount{workers}-{megabytes}")
            return run([self.program("wordcount"), f"--input={source}", f"--output={folder}/counts",
                        f"--direct_num_workers={workers}", "--quiet"], self.log("wordcount"))

        jobs = [("words_fast", lambda: hand("words_fast"))]
        if self.program("wordcount"):
            jobs.append(("wordcount, 1 thread", lambda: pipeline(1)))
            jobs.append(("wordcount, 2 threads", lambda: pipeline(2)))
        jobs.append(("words_plain", lambda: hand("words_plain")))
        runs = self.rounds(f"words, {size}", count, jobs)

        if not runs["words_fast"]:
            return
        want, words = read_counts(f"{self.out}/words_fast-{megabytes}/counts*")
        for name, folder in (("words_plain", "words_plain"), ("wordcount, 1 thread", "wordcount1"),
                             ("wordcount, 2 threads", "wordcount2")):
            pattern = f"{self.out}/{folder}-{megabytes}/counts*"
            if runs.get(name) and read_counts(pattern)[0] != want:
                self.fail(f"{name}, {size}", "other counts than words_fast's")
                runs[name] = []
        for name, taken in runs.items():
            if taken:
                per_word = middle([r.cpu for r in taken]) * 1e9 / words
                self.record(f"{name}, {size}", taken, f"{per_word:.1f} ns per word")
        self.compare_words(megabytes, runs)

    def compare_words(self, megabytes, runs):
        size = f"{megabytes} MB"
        cpu = {name: [r.cpu for r in taken] for name, taken in runs.items()}
        one = runs.get("wordcount, 1 thread", [])
        two = runs.get("wordcount, 2 threads", [])
        why = "" if one else self.absent("wordcount")

        def ratio(name):
            return median_ratio([r.cpu for r in one], cpu[name]) if one and cpu[name] else None

        self.row(f"wordcount / words_fast, CPU, {size}", ratio("words_fast"), "x",
                 BAR_FAST if megabytes == 20 else None, note=why)
        self.row(f"wordcount / words_plain, CPU, {size}", ratio("words_plain"), "x",
                 BAR_PLAIN if megabytes == 200 else None, note=why)
        speedup = None
        if one and two:
            speedup = median_ratio([r.wall for r in one], [r.wall for r in two])
        self.row(f"wordcount, 2 threads faster than 1, wall, {size}", speedup, "x",
                 BAR_THREADS if megabytes == 200 else None, at_least=True, note=why)

    def absent(self, name):
        return "failed" if self.program(name) else f"{name} is not built"

    # ---- chain ----------------------------------------------------------------------------------

    def chain(self):
        what = "ten ParDos, 20 million int64: a DoFn call, CPU"
        program = self.program("bench_chain")
        runs = []
        if program:
            argv = [program, "--direct_num_workers=1", "--quiet"]
            jobs = [("bench_chain", lambda: run(argv, self.log("chain")))]
            runs = self.rounds("chain", 1 if self.quick else CHAIN_ROUNDS, jobs)["bench_chain"]
        if not runs:
            self.row(what, None, "ns", BAR_CHAIN, note=self.absent("bench_chain"))
            return
        self.record("bench_chain, 1 thread", runs)
        self.row(what, middle([r.cpu for r in runs]) * 1e9 / CHAIN_CALLS, "ns", BAR_CHAIN)

    # ---- group ----------------------------------------------------------------------------------

    def group(self):
        source = self.make_data(f"pairs-{GROUP_PAIRS}.txt")

        def sort():
            folder = self.fresh("sort")
            result = run(["sort", "-n", "--parallel=2", "-S", "256M", "-T", folder,
                          "-o", folder + "/sorted", source], self.log("sort"), LC_ALL="C")
            shutil.rmtree(folder)
            return result

        def group():
            folder = self.fresh("group")
            result = run([self.program("bench_group"), "--memory_budget=256MB",
                          "--direct_num_workers=2", "--quiet"], self.log("group"), TMPDIR=folder)
            if os.listdir(folder):
                raise Failed(f"left {', '.join(os.listdir(folder)[:3])} in its temporary directory")
            return result

        jobs = [("sort -n", sort)]
        if self.program("bench_group"):
            jobs.insert(0, ("bench_group", group))
        runs = self.rounds("group", GROUP_ROUNDS, jobs)
        sorts = runs["sort -n"]
        grouped = runs.get("bench_group", [])
        why = "" if grouped else self.absent("bench_group")
        self.record("sort -n --parallel=2 -S 256M, 50 million lines", sorts)
        self.record("bench_group, 2 threads, 256 MB, 50 million pairs", grouped)
        self.row("GroupByKey of 50 million pairs / sort -n, wall",
                 median_ratio([r.wall for r in grouped], [r.wall for r in sorts])
                 if grouped and sorts else None, "x", BAR_GROUP, note=why)
        self.row("GroupByKey of 50 million pairs, peak memory",
                 max(r.peak_mb for r in grouped) if grouped else None, "MiB", BAR_GROUP_MB,
                 note=why)
        self.row("GroupByKey of 50 million pairs, written to disk",
                 middle([r.written_mb for r in grouped]) if grouped else None, "MB", note=why)

    # ---- peers ----------------------------------------------------------------------------------

    def peers(self):
        peers = os.path.join(ROOT, "build", "peers")
        prism = os.path.join(peers, "bin", "prism")
        python = os.path.join(peers, "python", "bin", "python")
        kinds = [
            ("Beam Go on Prism", [os.path.join(peers, "bin", "wordcount"), "--runner=universal",
                                  "--endpoint=localhost:{port}"]),
            ("Beam Python on Prism", [python, os.path.join(ROOT, "test/bench/peers/wordcount.py"),
                                      "--runner=PortableRunner",
                                      "--job_endpoint=localhost:{port}"]),
        ]
        source = self.make_data(f"words-{PEER_MEGABYTES}.txt")
        want = None
        ours = None
        for name, argv in kinds:
            what = f"{name} / wordcount with all threads, {PEER_MEGABYTES} MB"
            if not os.access(prism, os.X_OK) or not os.access(argv[0], os.X_OK):
                self.row(what, None, "x", note="not installed (scripts/install_peers.sh)")
                continue
            if want is None:
                ours = self.peer_baseline(source)
                want = read_counts(f"{self.out}/peer-hand/counts*")[0]
            self.say(f"peers: {name}")
            try:
                total = self.run_peer(name, prism, argv, source, want)
            except Failed as error:
                self.fail(name, error)
                self.row(what, None, "x", note="failed")
                continue
            self.record(f"{name}, {PEER_MEGABYTES} MB", [total], "client, worker and runner")
            note = "" if ours else self.absent("wordcount")
            self.row(what + ", wall", total.wall / ours.wall if ours else None, "x", note=note)
            self.row(what + ", CPU", total.cpu / ours.cpu if ours else None, "x", note=note)

    def peer_baseline(self, source):
        """The counts by hand, and one run of ours or None."""
        hand = self.fresh("peer-hand")
        run([self.program("words_fast"), source, hand + "/counts"], self.log("words_fast"))
        if not self.program("wordcount"):
            return None
        folder = self.fresh("peer-ours")
        argv = [self.program("wordcount"), f"--input={source}", f"--output={folder}/counts",
                "--quiet"]
        jobs = [("wordcount", lambda: run(argv, self.log("wordcount")))]
        runs = self.rounds("peers, ours", 3, jobs)
        return sorted(runs["wordcount"], key=lambda r: r.wall)[1] if runs["wordcount"] else None

    def run_peer(self, name, prism, argv, source, want):
        """Runs a client against a Prism of its own.  Answers what both took together; the wall time
        is the client's, as Prism is a server that would be up."""
        folder = self.fresh("peer")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(open(self.log("prism"), "wb"))
            began = time.monotonic()
            server = start([prism, "-serve_http=false", f"-job_port={port}", "-log_level=error"],
                           log, {})
            try:
                wait_for_port(port, server)
                client = run([part.format(port=port) for part in argv]
                             + [f"--input={source}", f"--output={folder}/counts",
                                "--environment_type=LOOPBACK"], self.log(name))
            finally:
                server.send_signal(signal.SIGTERM)
                taken = wait_for(server, began)
        if read_counts(folder + "/counts*")[0] != want:
            raise Failed("other counts than words_fast's")
        client.cpu += taken.cpu
        client.peak_mb += taken.peak_mb
        return client

    # ---- results --------------------------------------------------------------------------------

    def print_results(self):
        print()
        print(f"{'program':<50} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
        for p in self.programs:
            print(f"{p['what']:<50} {p['wall']:>8.3f} {p['cpu']:>8.3f} {p['peak_mb']:>9.0f}"
                  f"  {p['note']}".rstrip())
        print()
        print(f"{'measured':<62} {'value':>10} {'bar':>12}")
        for r in self.rows:
            value = "-" if r["value"] is None else f"{r['value']:.2f} {r['unit']}"
            bar = ""
            if r["bar"] is not None:
                bar = f"{'>=' if r['at_least'] else '<='} {r['bar']:g} {r['unit']}"
            verdict = r["note"] if r["pass"] is None else "pass" if r["pass"] else "MISS"
            print(f"{r['what']:<62} {value:>10} {bar:>12}  {verdict}".rstrip())
        for failure in self.failures:
            print(f"failed: {failure}")

    def append_history(self, path):
        entry = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(),
                 "machine": machine(), "load": os.getloadavg(), "quick": self.quick,
                 "rows": self.rows, "programs": self.programs, "failures": self.failures}
        with open(path, "a") as file:
            file.write(json.dumps(entry) + "\n")


def wait_for_port(port, server):
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        # Only a look: the server's end is awaited by whoever started it.
        if os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.05)
    raise Failed("prism does not answer")


def commit():
    try:
        return subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], check=True,
                              capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def machine():
    model = platform.machine()
    memory = 0
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2].strip() for line in file
                      if line.startswith("model name")), model)
    with contextlib.suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "memory_gib": round(memory, 1),
            "kernel": platform.release()}


def parts(text):
    chosen = text.split(",")
    for part in chosen:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"{part!r} is none of {', '.join(PARTS)}")
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="where the programs are (build/bin)")
    parser.add_argument("--only", type=parts, help=f"some of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true",
                        help="20 MB, few rounds, no grouping, no peers unless named by --only")
    args = parser.parse_args()
    bench = Bench(args)
    for name in ("words_fast", "words_plain", "make_data"):
        if not bench.program(name):
            parser.error(f"{bench.bin}/{name} is missing: run this by `make bench`")

    here = machine()
    print(f"{here['cpu']}, {here['cpus']} CPUs, {here['memory_gib']} GiB, Linux {here['kernel']}, "
          f"load {os.getloadavg()[0]:.2f}")
    chosen = args.only or (PARTS[:2] if args.quick else PARTS)
    for part in PARTS:
        if part in chosen:
            getattr(bench, part)()
    bench.print_results()
    bench.append_history(os.path.join(ROOT, "build", "bench-history.jsonl"))
    sys.exit(1 if bench.failures else 0)


if __name__ == "__main__":
    main()

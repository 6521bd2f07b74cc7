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
import os
import shutil
import signal
import time

from measure import (PEERS, ROOT, Failed, Report, free_port, median_ratio, middle, parts_of,
                     print_machine, read_counts, run, start, wait_for, wait_for_port)

PARTS = ("words", "chain", "group", "peers")

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


class Bench(Report):
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
        prism = os.path.join(PEERS, "bin", "prism")
        python = os.path.join(PEERS, "python", "bin", "python")
        kinds = [
            ("Beam Go on Prism", [os.path.join(PEERS, "bin", "wordcount"), "--runner=universal",
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
        port = free_port()
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="where the programs are (build/bin)")
    parser.add_argument("--only", type=parts_of(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true",
                        help="20 MB, few rounds, no grouping, no peers unless named by --only")
    args = parser.parse_args()
    bench = Bench("programs", args.bin, args.quick)
    for name in ("words_fast", "words_plain", "make_data"):
        if not bench.program(name):
            parser.error(f"{bench.bin}/{name} is missing: run this by `make bench`")

    print_machine()
    chosen = args.only or (PARTS[:2] if args.quick else PARTS)
    for part in PARTS:
        if part in chosen:
            getattr(bench, part)()
    bench.finish()


if __name__ == "__main__":
    main()

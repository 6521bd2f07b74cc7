#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures a worker that a scripted runner feeds over a socket; see README.md.

Builds nothing: `make bench-worker` builds what there is and calls this.  Nothing fails for being
slow: the exit status is 1 only if a program fails.
"""

import argparse
import json
import os
import signal
import subprocess
import time

from measure import (PEERS, ROOT, TIMEOUT_S, Failed, Report, free_port, median_ratio, middle, parts_of,
                     print_machine, start, wait_for, wait_for_port)

PARTS = ("stream", "memory", "bundles", "left")

MESSAGE = 64 << 10
STREAM_ROUNDS = 7
STREAM_MESSAGES = 16384             # 1 GB
STREAM_ELEMENTS = 50_000_000        # the same, in elements of 20 bytes

MEMORY_BUNDLES = 1000
MEMORY_ELEMENTS = 100_000           # in each

LEFT_JOBS = 200

BAR_STREAM = 0.5                    # at least this part of the rate of the raw stream
BAR_MEMORY = 5.0                    # resident memory grows by at most this many percent
BAR_LEFT = 0
BAR_BUNDLES = 1000.0                # at least this many bundles of one element in a second


class Bench(Report):
    def call(self, *args):
        """What bench_worker says of itself."""
        argv = [self.program("bench_worker"), *args]
        with open(self.log("worker"), "ab") as log:
            try:
                done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=log, timeout=TIMEOUT_S, check=True)
            except subprocess.SubprocessError as error:
                raise Failed(f"{error}; see {log.name}") from error
        return json.loads(done.stdout)

    def feed(self, dofn, **options):
        return self.call("feed", dofn, *(f"{name}={value}" for name, value in options.items()))

    # ---- what a worker takes from a stream ------------------------------------------------------

    def stream(self):
        scale = 8 if self.quick else 1
        jobs = [("raw stream", lambda: self.call("raw", str(STREAM_MESSAGES // scale),
                                                 str(MESSAGE)))]
        for dofn in ("drop", "pass"):
            jobs.append((dofn, lambda dofn=dofn: self.feed(
                dofn, elements=STREAM_ELEMENTS // scale, warm=1)))
        runs = self.rounds("stream", 3 if self.quick else STREAM_ROUNDS, jobs)

        raw = [r["bytes"] / r["seconds"] for r in runs["raw stream"]]
        self.row("raw stream of the gRPC C core, 64 KB messages", per_gb(middle(raw)), "GB/s")
        for dofn, what in (("drop", "worker whose DoFn drops all"),
                           ("pass", "worker whose DoFn and sink pass all on")):
            taken = runs[dofn]
            rates = [r["bytes_in"] / r["seconds"] for r in taken]
            self.row(f"{what}: takes", per_gb(middle(rates)), "GB/s")
            self.row(f"{what} / raw stream",
                     median_ratio(rates, raw) if rates and raw else None, "x", BAR_STREAM,
                     at_least=True)
            self.row(f"{what} / raw stream, by CPU of both sides",
                     median_ratio([r["bytes_in"] / (r["worker_cpu"] + r["feeder_cpu"])
                                   for r in taken],
                                  [r["bytes"] / r["cpu"] for r in runs["raw stream"]])
                     if taken and raw else None, "x")
            self.row(f"{what}: CPU of its process for an element",
                     middle([r["worker_cpu"] / r["elements"] * 1e9 for r in taken]), "ns")

    # ---- what it keeps --------------------------------------------------------------------------

    def memory(self):
        elements = MEMORY_ELEMENTS // (10 if self.quick else 1)
        what = f"{MEMORY_BUNDLES} bundles, {MEMORY_BUNDLES * elements / 1e6:g} million elements"
        jobs = [(f"{n} at once", lambda n=n: self.feed("pass", bundles=MEMORY_BUNDLES,
                                                       elements=elements, concurrent=n))
                for n in (1, 4)]
        for name, runs in self.rounds("memory", 1 if self.quick else 3, jobs).items():
            growth = [100 * (r["memory_after"] / r["memory_at_tenth"] - 1) for r in runs]
            self.row(f"{what}, {name}: memory after a tenth",
                     middle([r["memory_at_tenth"] / 2**20 for r in runs]), "MiB")
            self.row(f"{what}, {name}: it grows from there by", middle(growth), "%", BAR_MEMORY)

    # ---- bundles of all sizes -------------------------------------------------------------------

    def bundles(self):
        jobs = [
            ("64 at once", lambda: self.feed("pass", bundles=640, elements=50_000, concurrent=64)),
            ("one element each", lambda: self.feed("pass", bundles=20_000, concurrent=16,
                                                   warm=100)),
            ("10 MB elements", lambda: self.feed("pass", bundles=4, elements=20, key=10 << 20)),
            ("10 million elements", lambda: self.feed("pass", bundles=4, elements=10_000_000)),
        ]
        runs = self.rounds("bundles", 1 if self.quick else 3, jobs)

        def row(name, what, figure, unit, **bar):
            self.row(f"bundles, {name}: {what}",
                     middle([figure(r) for r in runs[name]]), unit, **bar)

        for name, unit, of in (("64 at once", "million/s", lambda r: r["elements"] / 1e6),
                               ("one element each", "bundles/s", lambda r: r["bundles"]),
                               ("10 MB elements", "MB/s", lambda r: r["bytes_in"] / 1e6),
                               ("10 million elements", "million/s",
                                lambda r: r["elements"] / 1e6)):
            bar = {"bar": BAR_BUNDLES, "at_least": True} if name == "one element each" else {}
            row(name, "rate", lambda r, of=of: of(r) / r["seconds"], unit, **bar)
            row(name, "from request to response, 99th percentile",
                lambda r: r["wait_p99"] * 1e3, "ms")
            row(name, "peak memory", lambda r: r["memory_peak"] / 2**20, "MiB")


    # ---- what is left of jobs -------------------------------------------------------------------

    def left(self):
        """Jobs in one process, whose workers are its own threads, on a Prism of its own."""
        what = f"{LEFT_JOBS} jobs in one process leave"
        prism = os.path.join(PEERS, "bin", "prism")
        if not os.access(prism, os.X_OK):
            self.row(what, None, "", note="no Prism (scripts/install_peers.sh)")
            return
        port = free_port()
        with open(self.log("prism"), "wb") as log:
            began = time.monotonic()
            server = start([prism, "-serve_http=false", f"-job_port={port}", "-log_level=error"],
                           log, {})
            try:
                wait_for_port(port, server)
                runs = self.rounds("left", 1, [("bench_jobs", lambda: self.jobs(port))])
            finally:
                server.send_signal(signal.SIGTERM)
                wait_for(server, began)
        for name in ("threads", "files"):
            self.row(f"{what} {name}", middle([r[f"more_{name}"] for r in runs["bench_jobs"]]), "",
                     BAR_LEFT)

    def jobs(self, port):
        with open(self.log("jobs"), "wb") as log:
            done = subprocess.run([self.program("bench_jobs"), f"localhost:{port}",
                                   str(LEFT_JOBS + 10)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=log, timeout=TIMEOUT_S)
        if not done.stdout:
            raise Failed(f"exit status {done.returncode}; see {log.name}")
        return json.loads(done.stdout)


def per_gb(rate):
    return None if rate is None else rate / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin"),
                        help="where the programs are (build/bin)")
    parser.add_argument("--only", type=parts_of(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    args = parser.parse_args()
    bench = Bench("worker", args.bin, args.quick)
    if not bench.program("bench_worker"):
        parser.error(f"{bench.bin}/bench_worker is missing: run this by `make bench-worker`")
    print_machine()
    for part in PARTS:
        if part in (args.only or PARTS):
            getattr(bench, part)()
    bench.finish()


if __name__ == "__main__":
    main()

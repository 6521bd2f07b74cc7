# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: running programs by turns, judging figures, telling them.

A ratio is the median of the ratios of the rounds, so that a slow minute of the machine meets both
sides.  Nothing fails for being slow.
"""

import argparse
import contextlib
import glob
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "build", "peers")
HISTORY = os.path.join(ROOT, "build", "bench-history.jsonl")
TIMEOUT_S = 900


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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Report:
    """Figures, beside their bars.  `name` is what the history calls it."""

    def __init__(self, name, bin_dir, quick=False):
        self.name = name
        self.bin = os.path.abspath(bin_dir)
        self.data = os.path.join(ROOT, "build", "bench-data")
        self.out = os.path.join(ROOT, "build", "bench-out", name)
        self.quick = quick
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
            "peak_mb": max((r.peak_mb for r in runs if r.peak_mb is not None), default=None),
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

    def absent(self, name):
        return "failed" if self.program(name) else f"{name} is not built"

    # ---- results --------------------------------------------------------------------------------

    def print_results(self):
        print()
        print(f"{'program':<50} {'wall s':>8} {'CPU s':>8} {'peak MiB':>9}")
        for p in self.programs:
            peak = "-" if p["peak_mb"] is None else f"{p['peak_mb']:.0f}"
            print(f"{p['what']:<50} {p['wall']:>8.3f} {p['cpu']:>8.3f} {peak:>9}"
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

    def append_history(self):
        entry = {"bench": self.name, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "commit": commit(),
                 "machine": machine(), "load": os.getloadavg(), "quick": self.quick,
                 "rows": self.rows, "programs": self.programs, "failures": self.failures}
        with open(HISTORY, "a") as file:
            file.write(json.dumps(entry) + "\n")

    def finish(self):
        """Prints and keeps all of it, and exits: with 1 only if a program failed."""
        self.print_results()
        self.append_history()
        sys.exit(1 if self.failures else 0)


def wait_for_port(port, server):
    for _ in range(600):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        # Only a look: the server's end is awaited by whoever started it.
        if os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break
        time.sleep(0.05)
    raise Failed("the server does not answer")


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


def print_machine():
    here = machine()
    print(f"{here['cpu']}, {here['cpus']} CPUs, {here['memory_gib']} GiB, Linux {here['kernel']}, "
          f"load {os.getloadavg()[0]:.2f}")


def parts_of(known):
    """The type of an option that names some of @known."""
    def parse(text):
        chosen = text.split(",")
        for part in chosen:
            if part not in known:
                raise argparse.ArgumentTypeError(f"{part!r} is none of {', '.join(known)}")
        return chosen
    return parse

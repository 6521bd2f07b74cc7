# SPDX-License-Identifier: Apache-2.0
"""A worker pool (Beam's EXTERNAL environment) whose workers are processes that are measured.

    python worker_pool.py USAGE LOG COMMAND...

Runs COMMAND for each worker that a runner asks for, with {id}, {control} and {logging} filled in, and
appends a line of JSON to the file USAGE when one has ended: what wait4 says that it took.  A worker
ends when the runner stops it, or when the pool is terminated.  The pool's address is the first line
that is printed.  Needs the Python of scripts/install_peers.sh.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent import futures

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

PATIENCE_S = 10


class Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    def __init__(self, usage, log, command):
        self.usage = usage
        self.log = log
        self.command = command
        self.lock = threading.Lock()
        self.workers = {}           # id -> process and the thread that waits for it

    def StartWorker(self, request, context):
        given = {"id": request.worker_id, "control": request.control_endpoint.url,
                 "logging": request.logging_endpoint.url}
        argv = [part.format(**given) for part in self.command]
        try:
            with open(self.log, "ab") as log:
                process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        except OSError as error:
            return beam_fn_api_pb2.StartWorkerResponse(error=str(error))
        waiter = threading.Thread(target=self.reap, args=(request.worker_id, process))
        waiter.start()
        with self.lock:
            self.workers[request.worker_id] = process, waiter
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request, context):
        with self.lock:
            known = self.workers.get(request.worker_id)
        if known:
            self.end(*known)
        return beam_fn_api_pb2.StopWorkerResponse()

    def reap(self, worker_id, process):
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        line = {"id": worker_id, "status": process.returncode,
                "cpu": used.ru_utime + used.ru_stime}
        with self.lock, open(self.usage, "a") as file:
            file.write(json.dumps(line) + "\n")

    def end(self, process, waiter):
        """Lets a worker that has lost its runner end by itself, which most do; others are killed."""
        waiter.join(1)
        if waiter.is_alive():
            process.terminate()
            waiter.join(PATIENCE_S)
        if waiter.is_alive():
            process.kill()
            waiter.join()

    def end_all(self):
        for process, waiter in list(self.workers.values()):
            self.end(process, waiter)


def main():
    # The signal comes to the main thread, which waits for it; threads begun later inherit this.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    pool = Pool(sys.argv[1], sys.argv[2], sys.argv[3:])
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    print(f"localhost:{port}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    pool.end_all()
    server.stop(0)


if __name__ == "__main__":
    main()

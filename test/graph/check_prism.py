# SPDX-License-Identifier: Apache-2.0
"""Submits serialized pipelines to Beam's local runner: python3 check_prism.py PRISM FILE.pb...

Prism looks at the whole graph when a job is prepared; nothing is run."""
import os
import socket
import subprocess
import sys
import tempfile

import grpc
from apache_beam.portability.api import (
    beam_job_api_pb2,
    beam_job_api_pb2_grpc,
    beam_runner_api_pb2,
)

START_SECONDS = 30
PREPARE_SECONDS = 30


def free_port():
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return one.getsockname()[1]


def prepare_all(stub, files):
    for file in files:
        with open(file, "rb") as opened:
            pipeline = beam_runner_api_pb2.Pipeline.FromString(opened.read())
        name = os.path.splitext(os.path.basename(file))[0]
        request = beam_job_api_pb2.PrepareJobRequest(job_name=name, pipeline=pipeline)
        try:
            prepared = stub.Prepare(request, timeout=PREPARE_SECONDS)
        except grpc.RpcError as error:
            raise SystemExit(f"check_prism.py: {file}: {error.code().name}: {error.details()}")
        if not prepared.preparation_id:
            raise SystemExit(f"check_prism.py: {file}: no preparation id")


def main(prism, files):
    port = free_port()
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [prism, f"-job_port={port}", "-serve_http=false"], stdout=log, stderr=log)
        try:
            with grpc.insecure_channel(f"localhost:{port}") as channel:
                grpc.channel_ready_future(channel).result(timeout=START_SECONDS)
                prepare_all(beam_job_api_pb2_grpc.JobServiceStub(channel), files)
        except grpc.FutureTimeoutError:
            log.seek(0)
            raise SystemExit(f"check_prism.py: {prism} does not start: {log.read().decode()}")
        finally:
            server.kill()
            server.wait()
    print(f"Prism accepts {len(files)} pipelines")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

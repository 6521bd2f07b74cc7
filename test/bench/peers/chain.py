# SPDX-License-Identifier: Apache-2.0
"""Ten trivial ParDos over many int64 with Beam's Python SDK, for comparison: the same pipeline as
test/bench/chain.c, written as that SDK's users would.

    python chain.py --numbers=5000000 --output=PREFIX --runner=PortableRunner \
        --job_endpoint=HOST:PORT --environment_type=LOOPBACK
"""

import argparse

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

RANGES = 8


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--numbers", type=int, default=20_000_000)
    parser.add_argument("--output", required=True)
    known, rest = parser.parse_known_args()
    size = known.numbers // RANGES
    last = size * RANGES - 1 + 10
    with beam.Pipeline(options=PipelineOptions(rest)) as p:
        at = (p
              | beam.Create(range(RANGES))
              | beam.Reshuffle()
              | beam.FlatMap(lambda i: range(i * size, (i + 1) * size)).with_output_types(int))
        for i in range(10):
            at |= f"AddOne{i}" >> beam.Map(lambda number: number + 1).with_output_types(int)
        (at
         | beam.Filter(lambda number: number == last)
         | beam.Map(str)
         | beam.io.WriteToText(known.output))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Counts words with Beam's Python SDK, for comparison: the same pipeline as
sdk/examples/wordcount.c, written as that SDK's users would.

    python wordcount.py --input=PATTERN --output=PREFIX --runner=PortableRunner \
        --job_endpoint=HOST:PORT --environment_type=LOOPBACK
"""

import argparse
import re

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    known, rest = parser.parse_known_args()
    with beam.Pipeline(options=PipelineOptions(rest)) as p:
        (p
         | beam.io.ReadFromText(known.input)
         | beam.FlatMap(lambda line: re.findall(r"[A-Za-z']+", line)).with_output_types(str)
         | beam.combiners.Count.PerElement()
         | beam.MapTuple(lambda word, count: "%s: %d" % (word, count))
         | beam.io.WriteToText(known.output))


if __name__ == "__main__":
    main()

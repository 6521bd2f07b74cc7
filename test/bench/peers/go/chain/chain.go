// SPDX-License-Identifier: Apache-2.0

// Ten trivial ParDos over many int64 with Beam's Go SDK, for comparison: the same pipeline as
// test/bench/chain.c, written as that SDK's users would.
//
//	chain --numbers=5000000 --output=FILE --runner=universal --endpoint=HOST:PORT \
//		--environment_type=LOOPBACK
package main

import (
	"context"
	"flag"
	"log"
	"strconv"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

const ranges = 8

var (
	numbers = flag.Int64("numbers", 20000000, "how many numbers")
	output  = flag.String("output", "", "file to write (required)")
)

func init() {
	register.DoFn2x0[int64, func(int64)](&numbersOfRange{})
	register.DoFn2x0[int64, func(string)](&keepLast{})
	register.Function1x1(addOne)
	register.Emitter1[int64]()
	register.Emitter1[string]()
}

type numbersOfRange struct {
	Size int64
}

func (f *numbersOfRange) ProcessElement(i int64, emit func(int64)) {
	for number := i * f.Size; number < (i+1)*f.Size; number++ {
		emit(number)
	}
}

func addOne(number int64) int64 {
	return number + 1
}

type keepLast struct {
	Last int64
}

func (f *keepLast) ProcessElement(number int64, emit func(string)) {
	if number == f.Last {
		emit(strconv.FormatInt(number, 10))
	}
}

func main() {
	flag.Parse()
	beam.Init()
	if *output == "" {
		log.Fatal("--output is required")
	}

	size := *numbers / ranges
	p, s := beam.NewPipelineWithRoot()
	var starts []int64
	for i := int64(0); i < ranges; i++ {
		starts = append(starts, i)
	}
	at := beam.Reshuffle(s, beam.CreateList(s, starts))
	at = beam.ParDo(s, &numbersOfRange{Size: size}, at)
	for i := 0; i < 10; i++ {
		at = beam.ParDo(s, addOne, at)
	}
	textio.Write(s, *output, beam.ParDo(s, &keepLast{Last: size*ranges - 1 + 10}, at))
	if err := beamx.Run(context.Background(), p); err != nil {
		log.Fatal(err)
	}
}

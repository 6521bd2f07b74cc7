// SPDX-License-Identifier: Apache-2.0

// Counts words with Beam's Go SDK, for comparison: the same pipeline as sdk/examples/wordcount.c,
// written as that SDK's users would.
//
//	wordcount --input=PATTERN --output=FILE --runner=universal --endpoint=HOST:PORT \
//		--environment_type=LOOPBACK
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"regexp"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/transforms/stats"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

var (
	input  = flag.String("input", "", "text files to read (required)")
	output = flag.String("output", "", "file to write (required)")

	word = regexp.MustCompile(`[a-zA-Z']+`)
)

func init() {
	register.Function2x0(extractWords)
	register.Function2x1(formatCount)
	register.Emitter1[string]()
}

func extractWords(line string, emit func(string)) {
	for _, w := range word.FindAllString(line, -1) {
		emit(w)
	}
}

func formatCount(w string, count int) string {
	return fmt.Sprintf("%s: %d", w, count)
}

func main() {
	flag.Parse()
	beam.Init()
	if *input == "" || *output == "" {
		log.Fatal("--input and --output are required")
	}

	p, s := beam.NewPipelineWithRoot()
	lines := textio.Read(s, *input)
	words := beam.ParDo(s, extractWords, lines)
	counts := stats.Count(s, words)
	textio.Write(s, *output, beam.ParDo(s, formatCount, counts))
	if err := beamx.Run(context.Background(), p); err != nil {
		log.Fatal(err)
	}
}

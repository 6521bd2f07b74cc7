# SPDX-License-Identifier: Apache-2.0
#
# The benchmarks; see test/bench/README.md.  Part of the top Makefile.
#
#   make bench                                everything, about ten minutes
#   make bench BENCH="--quick"                the short form
#   make bench BENCH="--only=words,chain"     these only
#   make bench-test                           the hand-written word counts agree with each other
#   make bench-start                          how soon a worker is there
#   make bench-programs                       builds all of them, and measures nothing

# Hand-written in plain C, without the library ...
BENCH_HAND := words_fast words_plain make_data
# ... and pipelines, which see what a user's program sees.
BENCH_PIPE := $(patsubst test/bench/%.c,%,$(wildcard test/bench/chain.c test/bench/group.c test/bench/jobs.c))
BENCH_BIN  := $(BENCH_HAND:%=$(BIN)/%) $(BENCH_PIPE:%=$(BIN)/bench_%)

$(BENCH_PIPE:%=$(BUILD)/test/bench/%.o): INC := $(PUBLIC_INC)

$(BENCH_HAND:%=$(BIN)/%): $(BIN)/%: $(BUILD)/test/bench/%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^

$(BENCH_PIPE:%=$(BIN)/bench_%): $(BIN)/bench_%: $(BUILD)/test/bench/%.o $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(PROGRAM_LIBS)

# What measures a worker is a runner for it: it sees all rooms.
BENCH_WORKER_C := $(sort $(wildcard test/bench/worker/*.c))

$(BIN)/bench_worker: $(BENCH_WORKER_C:%.c=$(BUILD)/%.o) $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(PROGRAM_LIBS)

.PHONY: bench bench-programs bench-worker bench-runners bench-test
bench-programs: $(BENCH_BIN) $(BIN)/bench_worker $(BIN)/bench_start

bench: $(BENCH_BIN) $(filter $(BIN)/wordcount,$(EXAMPLES))
	$(Q)test/bench/bench.py --bin=$(BIN) $(BENCH)

bench-worker: $(BIN)/bench_worker $(BIN)/bench_jobs
	$(Q)test/bench/bench_worker.py --bin=$(BIN) $(BENCH)

# Needs scripts/install_peers.sh and scripts/install_flink.sh.
bench-runners: $(BENCH_BIN) $(filter $(BIN)/wordcount,$(EXAMPLES))
	$(Q)test/bench/bench_runners.py --bin=$(BIN) $(BENCH)

# They leave their memory to the end of the process.
bench-test: $(BENCH_HAND:%=$(BIN)/%)
	$(Q)ASAN_OPTIONS=detect_leaks=0 test/bench/test_words.py $(BIN)

# Its runner is the scripted one of the tests.
START_OBJ := $(BUILD)/test/bench/start.o $(BUILD)/test/harness/container/boot_peer.o \
             $(BUILD)/test/sdk/io/scratch.o $(BUILD)/test/sdk/rpc/packed.o

$(BIN)/bench_start: $(START_OBJ) $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(CHECK_LIBS) $(LIBS)

.PHONY: bench-start
bench-start: $(BIN)/bench_start $(BIN)/wordcount
	$(Q)$(BIN)/bench_start 50 $(BIN)/wordcount

-include $(BUILD)/test/bench/start.d
-include $(BENCH_HAND:%=$(BUILD)/test/bench/%.d) $(BENCH_PIPE:%=$(BUILD)/test/bench/%.d) \
         $(BENCH_WORKER_C:%.c=$(BUILD)/%.d)

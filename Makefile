# SPDX-License-Identifier: Apache-2.0
#
# beamc: one Makefile for all of the tree.  `make help` lists the targets.
#
# What is where is found by name: every .c of the rooms below sdk, harness and runners goes into the
# library, every sdk/examples/*.c is a program, every .c below test is part of the test program.
# Output goes to build/<variant>/; the plain build's programs are in build/bin/.
#
#   SAN=address,undefined   SAN=thread    a build of its own with these sanitizers
#   STATIC=1                              programs that need not even the C library
#   V=1                                   show the commands
#   BUILD=dir                             build somewhere else
#   ROOMS="sdk/base sdk/types"            only these rooms and their tests

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

VERSION := 0.1.0
comma   := ,

BUILD := build/$(if $(SAN),$(subst $(comma),-,$(SAN)),plain)
BIN   := $(if $(filter build/plain,$(BUILD)),build/bin,$(BUILD)/bin)
Q     := $(if $(V),,@)
say    = $(if $(V),,@printf '  %-6s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$(2)))

PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
BINDIR  ?= $(PREFIX)/bin
DESTDIR ?=

CXX        ?= g++
CLANG      ?= $(or $(shell for c in clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do \
                command -v $$c && break; done),clang)
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
WARN       := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
# Sanitizers' own code confuses the flow analysis behind some warnings; the plain build has judged.
WERROR     ?= $(if $(SAN),,-Werror)
SANFLAGS   := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# To gcc's sanitizer and the next C standard NULL + 0 is NULL, so an empty buffer is no error.
SANFLAGS   += $(if $(findstring fuzzer,$(SAN)),-fno-sanitize=pointer-overflow)

# ---- libraries ----------------------------------------------------------------------------------

# `run` and `test` are for newcomers: they first install the Debian packages that are missing.
ifneq ($(filter run test,$(MAKECMDGOALS)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
$(shell scripts/install_deps.sh >&2)
ifneq ($(.SHELLSTATUS),0)
$(error the packages above are needed)
endif
endif
endif

PKGS      := libprotobuf-c libuv zlib libzstd libpcre2-8 libcrypto
PKG_FLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS  := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
ifeq ($(PKG_LIBS),)
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),all)),)
$(error pkg-config does not find all of $(PKGS): scripts/install_deps.sh installs them)
endif
endif
LIBS       := $(PKG_LIBS) -lgrpc -lgpr -lbz2 -lm -pthread

# Programs hold the libraries of others in themselves where these come as archives: they start in a
# third of the time, which is most of a short run, and need nothing but the C library where they run.
# Sanitized ones do not: linking them takes too long.
ARCHIVE_DIR   := $(patsubst %/,%,$(dir $(shell $(CC) -print-file-name=libgrpc.a)))
ARCHIVE_NAMES := grpc gpr address_sorting cares re2 upb ssl crypto protobuf-c uv_a z zstd pcre2-8 bz2
ARCHIVES      := $(ARCHIVE_NAMES:%=$(ARCHIVE_DIR)/lib%.a) $(wildcard $(ARCHIVE_DIR)/libabsl_*.a)
ifeq ($(SAN)$(filter-out $(wildcard $(ARCHIVES)),$(ARCHIVES)),)
PROGRAM_LIBS  := -Wl,--start-group $(ARCHIVES) -Wl,--end-group -static-libgcc \
                 -Wl,-Bstatic -lstdc++ -Wl,-Bdynamic -lm -pthread
# The linker warns of what wants libraries at run time; nobody calls it, as addresses are looked up by
# c-ares.
STATIC_LIBS   := -static -Wl,--no-warnings -Wl,--start-group $(ARCHIVES) -Wl,--end-group -lstdc++ -lm
else
PROGRAM_LIBS  := $(LIBS)
STATIC_LIBS   := $(LIBS)
endif
PROGRAM_LIBS  := $(if $(STATIC),$(STATIC_LIBS),$(PROGRAM_LIBS))
CHECK_LIBS := $(shell $(PKG_CONFIG) --libs check 2>/dev/null)
CHECK_A    := $(wildcard $(patsubst -l%,$(shell $(PKG_CONFIG) --variable=libdir check)/lib%.a,\
                $(filter -lcheck%,$(CHECK_LIBS))))

# ---- sources ------------------------------------------------------------------------------------

ALL_ROOMS := $(filter-out sdk/examples,$(patsubst %/,%,$(wildcard sdk/*/ harness/*/ runners/*/)))
ROOMS     ?= $(ALL_ROOMS)
# Not empty where only some rooms are asked for; then there are no programs.
SOME_ROOMS := $(filter-out $(ROOMS),$(ALL_ROOMS))
# Files named *_main.c are programs of their own: beamc-boot is boot_main.c, beamc is beamc_main.c.
MAIN_C    := $(foreach room,$(ROOMS),$(wildcard $(room)/*_main.c))
LIB_C     := $(filter-out $(MAIN_C),$(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))))
LIB_OBJ   := $(LIB_C:%.c=$(BUILD)/%.o)

PUBLIC_DIRS    := $(wildcard $(addsuffix /include,$(ALL_ROOMS)))
PUBLIC_HEADERS := $(sort $(wildcard $(addsuffix /beamc/*.h,$(PUBLIC_DIRS))))

EXAMPLE_C := $(if $(SOME_ROOMS),,$(sort $(wildcard sdk/examples/*.c)))
EXAMPLES  := $(EXAMPLE_C:sdk/examples/%.c=$(BIN)/%)
# What is known of the libraries under sanitized programs.
SAN_OBJ   := $(if $(SAN),$(BUILD)/test/sanitizers.o)
# The program of a file named *_main.c.
program_of = $(BIN)/$(patsubst beamc-beamc,beamc,beamc-$(patsubst %_main.c,%,$(notdir $(1))))
PROGRAMS  := $(if $(SOME_ROOMS),,$(foreach file,$(MAIN_C),$(call program_of,$(file))))

TEST_DIRS := $(if $(SOME_ROOMS),$(foreach room,proto $(ROOMS),$(wildcard test/$(room))), \
               $(filter-out test/bench/ test/fuzz/ test/examples/ test/graph/ test/pipelines/,$(wildcard test/*/)))
TEST_C    := $(sort $(wildcard test/*.c) \
               $(if $(TEST_DIRS),$(shell find $(TEST_DIRS) -name '*.c')))
TEST_OBJ  := $(TEST_C:%.c=$(BUILD)/%.o)
RUN_TESTS := $(BUILD)/test/run_tests

FUZZ_C    := $(if $(SOME_ROOMS),,$(sort $(wildcard test/fuzz/fuzz_*.c)))
FUZZ      := $(FUZZ_C:%.c=$(BUILD)/%)

-include proto/proto.mk

# ---- compiling ----------------------------------------------------------------------------------

# Hidden by default and without interposition: one set of objects serves both libraries, and calls
# inside the library stay direct.
LANG_FLAGS := -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -fno-semantic-interposition \
              -ffunction-sections -fdata-sections -pthread $(WARN) $(WERROR)
PUBLIC_INC := $(addprefix -I,$(PUBLIC_DIRS))
ROOM_INC   := $(PUBLIC_INC) -I. $(or $(PROTO_CPPFLAGS),-I$(BUILD)/proto) $(PKG_FLAGS)
# Examples see what a user's program sees.
INC        := $(ROOM_INC)
$(BUILD)/sdk/examples/%.o: INC := $(PUBLIC_INC)

# Suites and fuzz targets are declared where they are called from.
$(BUILD)/test/%.o: LANG_FLAGS += -Wno-missing-prototypes
# --version tells it.
$(BUILD)/runners/main/main.o $(BUILD)/runners/cli/cli.o: LANG_FLAGS += -DBEAMC_VERSION='"$(VERSION)"'

# Fewer rooms have fewer suites.
$(BUILD)/test/main.o: LANG_FLAGS += $(if $(SOME_ROOMS),-DSOME_ROOMS)

$(BUILD)/%.o: %.c $(BUILD)/flags | $(PROTO_STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(LANG_FLAGS) $(INC) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

# Two files that change only when their contents do: how things are compiled, and what is linked.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(WARN) $(WERROR) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) $(ROOM_INC)' >$@.new
	@cmp -s $@.new $@ || mv $@.new $@
	@rm -f $@.new

$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(LIB_C) $(TEST_C) $(PROTO_C) >$@.new
	@cmp -s $@.new $@ || mv $@.new $@
	@rm -f $@.new

# ---- libraries and programs ---------------------------------------------------------------------

LINK = $(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -Wl,--gc-sections -Wl,--as-needed

$(BUILD)/libbeamc.a: $(LIB_OBJ) $(PROTO_OBJ) $(BUILD)/sources
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIB_OBJ) $(PROTO_OBJ)

$(BUILD)/libbeamc.so: $(LIB_OBJ) $(PROTO_OBJ) $(BUILD)/sources scripts/libbeamc.map
	$(call say,LINK,$@)
	$(Q)$(LINK) -shared -Wl,-soname,libbeamc.so.0 $(if $(SAN),,-Wl,-z,defs) \
	    -Wl,--version-script=scripts/libbeamc.map -o $@ \
	    $(LIB_OBJ) $(PROTO_OBJ) $(LIBS)

$(EXAMPLES): $(BIN)/%: $(BUILD)/sdk/examples/%.o $(SAN_OBJ) $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(PROGRAM_LIBS)

$(foreach file,$(MAIN_C),$(eval $(call program_of,$(file)): $(BUILD)/$(file:.c=.o)))
$(PROGRAMS): $(SAN_OBJ) $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(BUILD)/libbeamc.a $(PROGRAM_LIBS)

.PHONY: all
all: $(BUILD)/libbeamc.a $(BUILD)/libbeamc.so $(EXAMPLES) $(PROGRAMS)

# What containers start finds nothing there but itself.
$(BIN)/beamc-boot: PROGRAM_LIBS := $(STATIC_LIBS)

# The image of workers that fetch what the job stages; that of one program: beamc image PROGRAM.
IMAGE ?= build/image/beamc.tar

.PHONY: image
image: $(PROGRAMS)
	@mkdir -p $(dir $(IMAGE))
	$(Q)$(BIN)/beamc image --output=$(IMAGE)

# ---- tests --------------------------------------------------------------------------------------

# What test/alloc.c stands in front of.
WRAP := malloc calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup vasprintf

$(RUN_TESTS): $(TEST_OBJ) $(BUILD)/libbeamc.a $(CHECK_A:%=$(BUILD)/test/libcheck.a)
	$(call say,LINK,$@)
	$(Q)$(LINK) $(WRAP:%=-Wl,--wrap=%) -o $@ $^ $(CHECK_LIBS) $(LIBS)

# Where Check is a static library its allocations would be taken for ours.  What it calls
# __real_malloc the linker makes malloc.
$(BUILD)/test/libcheck.a: $(CHECK_A) Makefile
	@mkdir -p $(@D)
	$(Q)objcopy $(foreach name,$(WRAP),--redefine-sym $(name)=__real_$(name)) $< $@

$(FUZZ): %: %.o $(BUILD)/test/fuzz/replay.o $(BUILD)/libbeamc.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

-include test/sdk/coders/vectors.mk

.PHONY: test
test: all $(RUN_TESTS) $(FUZZ) $(TEST_DATA)
	$(Q)BUILD='$(BUILD)' BIN='$(BIN)' SAN='$(SAN)' FUZZ='$(notdir $(FUZZ))' SUITES='$(SUITES)' \
	    scripts/run_tests.sh

# The worker's suites under memcheck: each test is a process of its own, and errors and leaks are
# charged to it.  VALGRIND_SUITES="inbox worker" only these.
# Processes of the suite crash die by signals, with all that they hold; stack wants the signals that
# valgrind keeps for itself.
VALGRIND_SUITES ?= $(filter-out crash stack,$(sort $(patsubst test/harness/worker/test_%.c,%, \
                     $(wildcard test/harness/worker/test_*.c))))
VALGRIND := valgrind --quiet --error-exitcode=9 --leak-check=full \
            --errors-for-leak-kinds=definite,indirect,possible --show-leak-kinds=definite,indirect,possible \
            --num-callers=30 --suppressions=test/valgrind.supp

.PHONY: test-valgrind
test-valgrind: $(RUN_TESTS)
	@command -v valgrind >/dev/null || { echo 'this needs valgrind: apt-get install valgrind' >&2; exit 1; }
	$(Q)failed=; for suite in $(VALGRIND_SUITES); do \
	    CK_TIMEOUT_MULTIPLIER=30 CK_VERBOSITY=normal $(VALGRIND) $(RUN_TESTS) $$suite || failed="$$failed $$suite"; \
	done; [ -z "$$failed" ] || { echo "not clean:$$failed" >&2; exit 1; }

.PHONY: check
check: all
	$(Q)failed=0; export CC='$(CC)' CXX='$(CXX)'; \
	for script in tree.sh layers.sh suites.sh headers.sh \
	    "symbols.sh $(BUILD)/libbeamc.so $(BUILD)/libbeamc.a"; do \
	    scripts/check_$$script || failed=1; \
	done; exit $$failed

# libFuzzer is clang's: all of it once more in a build of its own.
FUZZ_TIME  ?= 60
FUZZ_BUILD := $(if $(filter build/plain,$(BUILD)),build,$(BUILD))/fuzz
FUZZ_NEW   := $(FUZZ_C:test/fuzz/%.c=$(BUILD)/fuzzers/%)

.PHONY: fuzz fuzzers
fuzz:
	@command -v $(CLANG) >/dev/null || { echo 'make fuzz needs clang: apt-get install clang' >&2; exit 1; }
	$(Q)$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CC=$(CLANG) \
	    SAN=fuzzer-no-link,address,undefined fuzzers
	$(Q)BUILD='$(FUZZ_BUILD)' TIME='$(FUZZ_TIME)' scripts/run_fuzz.sh $(FUZZ_C:test/fuzz/%.c=%)

fuzzers: $(FUZZ_NEW)

$(FUZZ_NEW): $(BUILD)/fuzzers/%: $(BUILD)/test/fuzz/%.o $(BUILD)/libbeamc.a
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS)

-include test/bench/bench.mk
-include test/runners/runners.mk
-include test/graph/graph.mk

# ---- for people ---------------------------------------------------------------------------------

INPUT  ?= /usr/share/common-licenses/*
OUTPUT ?= build/wordcount/counts

.PHONY: run
run: $(BIN)/wordcount
	$(Q)scripts/run_wordcount.sh $(BIN)/wordcount '$(INPUT)' '$(OUTPUT)'

INCLUDEDIR := $(PREFIX)/include
ROOT       := $(DESTDIR)

.PHONY: install
install: $(BUILD)/libbeamc.a $(BUILD)/libbeamc.so $(PROGRAMS)
	install -d $(ROOT)$(BINDIR) $(ROOT)$(INCLUDEDIR)/beamc $(ROOT)$(LIBDIR)/pkgconfig
	install -m 755 $(PROGRAMS) $(ROOT)$(BINDIR)
	install -m 644 $(PUBLIC_HEADERS) $(ROOT)$(INCLUDEDIR)/beamc
	install -m 644 $(BUILD)/libbeamc.a $(ROOT)$(LIBDIR)/libbeamc.a
	install -m 755 $(BUILD)/libbeamc.so $(ROOT)$(LIBDIR)/libbeamc.so.$(VERSION)
	ln -sf libbeamc.so.$(VERSION) $(ROOT)$(LIBDIR)/libbeamc.so.0
	ln -sf libbeamc.so.0 $(ROOT)$(LIBDIR)/libbeamc.so
	PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' VERSION='$(VERSION)' PKGS='$(PKGS)' \
	    scripts/make_pc.sh >$(ROOT)$(LIBDIR)/pkgconfig/beamc.pc

.PHONY: clean
clean:
	rm -rf $(if $(filter build/%,$(BUILD)),build,$(BUILD))

.PHONY: help
help:
	@echo 'make              the library and the examples; programs are in $(BIN)/'
	@echo 'make run          counts the words of INPUT=pattern into OUTPUT=prefix, and shows the most frequent'
	@echo 'make test         all tests; SUITES="arena table" only these; SAN=address,undefined or SAN=thread'
	@echo 'make test-graph   other SDKs read the graphs of our pipelines; needs scripts/install_peers.sh'
	@echo 'make test-runners examples on RUNNERS=direct,prism,python,flink,spark; needs scripts/install_*.sh'
	@echo 'make test-valgrind the suites of the worker under memcheck'
	@echo 'make check        headers, layers, symbols, names, style'
	@echo 'make check-proto  compares proto/ with the descriptors of the apache-beam wheel'
	@echo 'make fuzz         fuzzes each decoder for FUZZ_TIME=60 seconds; needs clang'
	@echo 'make bench        compares with hand-written programs; bench-worker, bench-runners: test/bench'
	@echo 'make image        the container image of workers, IMAGE=build/image/beamc.tar; beamc image makes others'
	@echo 'make install      into DESTDIR= and PREFIX=/usr/local'
	@echo 'make clean        removes build/'
	@echo 'V=1 shows the commands, BUILD=dir builds elsewhere, ROOMS="sdk/base ..." builds only these rooms'

.PHONY: FORCE
FORCE:

-include $(LIB_OBJ:.o=.d) $(MAIN_C:%.c=$(BUILD)/%.d) $(TEST_OBJ:.o=.d) $(EXAMPLE_C:%.c=$(BUILD)/%.d) $(FUZZ_C:%.c=$(BUILD)/%.d) \
         $(BUILD)/test/fuzz/replay.d

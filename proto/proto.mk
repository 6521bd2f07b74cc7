# SPDX-License-Identifier: Apache-2.0
#
# From proto/**/*.proto to C.  The top Makefile includes this file; it sets BUILD, Q, say, CC,
# CFLAGS and SANFLAGS and has a rule for $(BUILD)/flags.  Offered to it:
#
#   PROTO_FILES     Beam's .proto files and our own (beamc/v1), as paths in the tree
#   PROTO_C         generated sources, PROTO_H generated headers, both under $(BUILD)/proto
#   PROTO_OBJ       their objects, and those of the few sources written here
#   PROTO_STAMP     exists once all of PROTO_C and PROTO_H do: an order-only prerequisite of every
#                   object that includes proto/beam.h
#   PROTO_CPPFLAGS  -I flags that find the generated headers
#
# protobuf-c ships no code for the google/protobuf types that Beam's messages hold, so theirs is
# generated too, from the .proto files of libprotobuf-dev.

PROTOC_C         ?= protoc-c
PROTOBUF_INCLUDE ?= $(or $(shell pkg-config --variable=includedir protobuf 2>/dev/null), \
                      /usr/include)

PROTO_FILES := $(sort $(wildcard proto/org/apache/beam/model/*/v1/*.proto proto/beamc/v1/*.proto))
PROTO_NAMES := $(PROTO_FILES:proto/%.proto=%) \
               $(addprefix google/protobuf/,any descriptor duration struct timestamp)
PROTO_GEN   := $(BUILD)/proto
PROTO_C     := $(PROTO_NAMES:%=$(PROTO_GEN)/%.pb-c.c)
PROTO_H     := $(PROTO_C:.c=.h)
PROTO_OBJ   := $(PROTO_C:.c=.o) $(BUILD)/proto/unpack.o
PROTO_STAMP := $(PROTO_GEN)/generated.stamp
PROTO_RUN   := $(PROTOC_C) -Iproto -I$(PROTOBUF_INCLUDE) --c_out=$(PROTO_GEN)

PROTO_CPPFLAGS := -I$(PROTO_GEN)
# Generated code is nobody's to tidy: no warnings.  Hidden, so that a shared library exports only
# what is ours; in sections, so that a program keeps only the messages it uses.
PROTO_CFLAGS   := -std=c11 -w -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections

# One run for all: a generated header names the types of those it imports.  The stamp gets the time
# before the run, so that what is generated is newer and never looks out of date.
$(PROTO_STAMP): $(PROTO_FILES) proto/proto.mk
	@mkdir -p $(@D)
	@touch $@.new
	$(call say,PROTOC,$(PROTO_GEN))
	$(Q)$(PROTO_RUN) $(PROTO_NAMES:%=%.proto)
	@mv $@.new $@

# The recipe is for a file that was deleted while the stamp stayed.
$(PROTO_C) $(PROTO_H): $(PROTO_STAMP)
	@test -f $@ || $(PROTO_RUN) $(patsubst $(PROTO_GEN)/%.pb-c$(suffix $@),%.proto,$@)

$(PROTO_C:.c=.o): %.o: %.c $(BUILD)/flags | $(PROTO_H)
	$(call say,CC,$<)
	$(Q)$(CC) $(PROTO_CFLAGS) $(PROTO_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) -c -o $@ $<

-include $(BUILD)/proto/unpack.d

.PHONY: check-proto
check-proto:
	$(Q)wheel=$$(scripts/fetch_beam_wheel.sh) && \
	    python3 scripts/check_proto.py --self-test "$$wheel" && \
	    python3 scripts/check_proto.py "$$wheel"

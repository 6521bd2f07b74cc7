# SPDX-License-Identifier: Apache-2.0
#
# make test-runners: the examples, and the pipelines of test/pipelines, on real runners, see test/runners/run.sh.
#
#   RUNNERS=direct,prism,flink,spark   ENVIRONMENTS=LOOPBACK,PROCESS,EXTERNAL,DOCKER
#   CASES=join,wordcount

PIPELINES := $(BUILD)/test/pipelines/pipelines

# It sees what a user's program sees.
$(BUILD)/test/pipelines/%.o: INC := $(PUBLIC_INC)

$(PIPELINES): $(BUILD)/test/pipelines/pipelines.o $(BUILD)/libbeamc.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(PROGRAM_LIBS)

.PHONY: test-runners
test-runners: all image $(PIPELINES)
	$(Q)IMAGE='$(abspath $(IMAGE))' PIPELINES='$(abspath $(PIPELINES))' BIN='$(abspath $(BIN))' RUNNERS='$(RUNNERS)' ENVIRONMENTS='$(ENVIRONMENTS)' \
	    CASES='$(CASES)' TIMEOUT='$(TIMEOUT)' test/runners/run.sh

-include $(BUILD)/test/pipelines/pipelines.d

# SPDX-License-Identifier: Apache-2.0
#
# `make test-graph`: the pipelines of test/sdk/pipeline/pipelines.c, serialized, are read by Beam's
# Python SDK and accepted by Prism.  Both are installed by scripts/install_peers.sh; without them
# there is nothing to compare with, which is said.  Part of the top Makefile.

WRITE_GRAPHS := $(BUILD)/test/write_graphs

$(WRITE_GRAPHS): $(BUILD)/test/graph/write_graphs.o $(BUILD)/test/sdk/pipeline/pipelines.o \
                 $(BUILD)/libbeamc.a
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

.PHONY: test-graph
test-graph: $(WRITE_GRAPHS)
	$(Q)PEERS='$(CURDIR)/build/peers' test/graph/check_graphs.sh $(WRITE_GRAPHS)

-include $(BUILD)/test/graph/write_graphs.d

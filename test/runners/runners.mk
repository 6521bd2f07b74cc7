# SPDX-License-Identifier: Apache-2.0
#
# make test-runners: the examples on real runners, see test/runners/run.sh.
#
#   RUNNERS=direct,prism,flink,spark   ENVIRONMENTS=LOOPBACK,PROCESS   CASES=join,wordcount

.PHONY: test-runners
test-runners: all
	$(Q)BIN='$(abspath $(BIN))' RUNNERS='$(RUNNERS)' ENVIRONMENTS='$(ENVIRONMENTS)' \
	    CASES='$(CASES)' TIMEOUT='$(TIMEOUT)' test/runners/run.sh

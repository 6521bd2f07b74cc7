# SPDX-License-Identifier: Apache-2.0
#
# Beam's test vectors of coders, from the published wheel.  If they cannot be had, the reason is shown
# and the suite that reads them fails.

VECTORS   := $(BUILD)/test/standard_coders.txt
TEST_DATA += $(VECTORS)

$(VECTORS): scripts/standard_coders.py scripts/fetch_beam_wheel.sh
	@mkdir -p $(@D)
	-$(Q)wheel=$$(scripts/fetch_beam_wheel.sh) && python3 scripts/standard_coders.py \
	    "$$wheel/apache_beam/portability/api/standard_coders.yaml" >$@.new && mv $@.new $@

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BEAMC_TEST_CHECK_HAS_H
#define BEAMC_TEST_CHECK_HAS_H

/* That @text has @part somewhere, or it fails the test. */
void check_has(const char *text, const char *part);

#endif

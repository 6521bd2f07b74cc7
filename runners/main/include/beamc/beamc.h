/* SPDX-License-Identifier: Apache-2.0 */
/* All of beamc: what a program that writes a pipeline includes. */
#ifndef BEAMC_BEAMC_H
#define BEAMC_BEAMC_H

#include <beamc/combine.h>
#include <beamc/direct.h>
#include <beamc/dofn.h>
#include <beamc/main.h>
#include <beamc/pipeline.h>
#include <beamc/portable.h>
#include <beamc/text_io.h>
#include <beamc/transforms.h>
#include <beamc/window.h>
#include <inttypes.h>

#endif

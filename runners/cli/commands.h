/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that commands.c makes its table of. */
#ifndef BEAMC_CLI_COMMANDS_H
#define BEAMC_CLI_COMMANDS_H

#include "command.h"

extern const beamc__command beamc__command_doctor;
extern const beamc__command beamc__command_graph;
extern const beamc__command beamc__command_image;
extern const beamc__command beamc__command_jobs_cancel;
extern const beamc__command beamc__command_jobs_drain;
extern const beamc__command beamc__command_jobs_list;
extern const beamc__command beamc__command_jobs_logs;
extern const beamc__command beamc__command_jobs_metrics;
extern const beamc__command beamc__command_jobs_show;
extern const beamc__command beamc__command_jobs_watch;
extern const beamc__command beamc__command_worker_pool;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The coder of a data port: windowed values, with heads of their own or one for all. */
#ifndef BEAMC_EXEC_PORT_H
#define BEAMC_EXEC_PORT_H

#include "harness/exec/op.h"

typedef struct {
    const beamc_type *value;
    const beamc_type *window;
    const beamc__param_window *constant; /* param_windowed_value: every element's head; else NULL */
} beamc__port;

/* Reads the RemoteGrpcPort of a source or sink. */
beamc_error *beamc__port_read(beamc__port *out, const beamc__op_spec *spec);

/* Decoding a value of @type takes memory beside the input. */
bool beamc__type_needs_arena(const beamc_type *type);

#endif

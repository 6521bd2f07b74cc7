/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/exec/port.h"

#include "proto/unpack.h"

beamc_error *beamc__port_read(beamc__port *out, const beamc__op_spec *spec)
{
    ProtobufCAllocator allocator = beamc__arena_allocator(spec->plan->arena);
    const ProtobufCBinaryData *payload = &spec->transform->spec->payload;
    const FN(RemoteGrpcPort) *port =
        BEAMC__UNPACK(FN(RemoteGrpcPort), fn(remote_grpc_port__descriptor), &allocator,
                      payload->len, payload->data);
    const beamc_type *type;

    memset(out, 0, sizeof(*out));
    if (port == NULL)
        return beamc_arena_failed(spec->plan->arena)
                   ? beamc_error_nomem()
                   : beamc_error_new(BEAMC_ECORRUPT, "its RemoteGrpcPort is malformed");
    BEAMC_TRY(spec->type_of(spec->plan, port->coder_id, &type));
    if (type->kind != BEAMC_KIND_WINDOWED_VALUE && type->kind != BEAMC_KIND_PARAM_WINDOWED_VALUE)
        return beamc_error_new(BEAMC_ETYPE, "its port's coder %s is of %s, not of windowed values",
                               port->coder_id, type->name);
    out->value = type->fields[0].type;
    out->window = type->fields[1].type;
    if (type->kind == BEAMC_KIND_PARAM_WINDOWED_VALUE)
        out->constant = type->extra;
    return NULL;
}

bool beamc__type_needs_arena(const beamc_type *type)
{
    switch (type->kind) {
    case BEAMC_KIND_KV:
    case BEAMC_KIND_NULLABLE:
    case BEAMC_KIND_ROW:
    case BEAMC_KIND_LENGTH_PREFIX:
        for (size_t i = 0; i < type->field_count; i++) {
            if (beamc__type_needs_arena(type->fields[i].type))
                return true;
        }
        return false;
    case BEAMC_KIND_VOID:
    case BEAMC_KIND_BYTES:
    case BEAMC_KIND_STRING:
    case BEAMC_KIND_BOOL:
    case BEAMC_KIND_INT8:
    case BEAMC_KIND_INT16:
    case BEAMC_KIND_INT32:
    case BEAMC_KIND_INT64:
    case BEAMC_KIND_FLOAT:
    case BEAMC_KIND_DOUBLE:
    case BEAMC_KIND_TIMESTAMP:
    case BEAMC_KIND_DECIMAL:
    case BEAMC_KIND_GLOBAL_WINDOW:
    case BEAMC_KIND_INTERVAL_WINDOW:
        return false;
    default:
        return true;
    }
}

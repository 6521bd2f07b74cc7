/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

const char *beamc__rpc_code_name(beamc__rpc_code code)
{
    switch (code) {
#define X(name, value, error)                                                                      \
    case BEAMC__RPC_##name:                                                                        \
        return #name;
        BEAMC__RPC_CODE_MAP(X)
#undef X
    }
    return "UNKNOWN";
}

beamc_code beamc__rpc_error_code(beamc__rpc_code code)
{
    switch (code) {
#define X(name, value, error)                                                                      \
    case BEAMC__RPC_##name:                                                                        \
        return BEAMC_##error;
        BEAMC__RPC_CODE_MAP(X)
#undef X
    }
    return BEAMC_EIO;
}

beamc__rpc_code beamc__rpc_code_of(beamc_code code)
{
    switch (code) {
    case BEAMC_OK:
        return BEAMC__RPC_OK;
    case BEAMC_ENOMEM:
    case BEAMC_ELIMIT:
        return BEAMC__RPC_RESOURCE_EXHAUSTED;
    case BEAMC_ESHORT:
    case BEAMC_ECORRUPT:
    case BEAMC_EINVAL:
    case BEAMC_ETYPE:
        return BEAMC__RPC_INVALID_ARGUMENT;
    case BEAMC_ENOENT:
        return BEAMC__RPC_NOT_FOUND;
    case BEAMC_EEXIST:
        return BEAMC__RPC_ALREADY_EXISTS;
    case BEAMC_EUNSUPPORTED:
        return BEAMC__RPC_UNIMPLEMENTED;
    case BEAMC_ECANCELLED:
        return BEAMC__RPC_CANCELLED;
    case BEAMC_ETIMEOUT:
        return BEAMC__RPC_DEADLINE_EXCEEDED;
    case BEAMC_EIO:
    case BEAMC_EUSER:
        break;
    }
    return BEAMC__RPC_UNKNOWN;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The core's words, and what we make of them; and codes of calls and errors. */
#include "sdk/rpc/explain.h"

#include "peer.h"
#include <check.h>

#define ALL "failed to connect to all addresses; last error: "

static const struct {
    beamc__rpc_failure failure;
    const char *text;
} cases[] = {
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNAVAILABLE,
        ALL "UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused",
        false, NULL },
      "endpoint h:1: connection refused (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNAVAILABLE,
        "DNS resolution failed for h:1: C-ares status is not ARES_SUCCESS qtype=A name=h "
        "is_balancer=0: Domain name not found",
        false, NULL },
      "endpoint h:1: no such host (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", true, 0, BEAMC__RPC_UNAVAILABLE,
        ALL "UNKNOWN: ipv4:127.0.0.1:1: Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL "
            "routines::wrong version number",
        false, NULL },
      "endpoint h:1: TLS handshake failed: the server does not speak TLS (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", true, 0, BEAMC__RPC_UNAVAILABLE, ALL "Ssl handshake failed: something new",
        false, NULL },
      "endpoint h:1: TLS handshake failed: Ssl handshake failed: something new (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNAVAILABLE, ALL "something new", false, NULL },
      "endpoint h:1: something new (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNAVAILABLE, "Socket closed", true, NULL },
      "endpoint h:1: /a.B/C: the connection was lost: Socket closed (UNAVAILABLE)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNAVAILABLE, "come back later", true, NULL },
      "endpoint h:1: /a.B/C: UNAVAILABLE: come back later" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_UNIMPLEMENTED,
        "Received http2 header with status: 404", true, NULL },
      "endpoint h:1: /a.B/C: the server speaks HTTP/2, but not gRPC: it answered HTTP status 404 "
      "(UNIMPLEMENTED)" },
    { { "h:1", "/a.B/C", false, 500, BEAMC__RPC_DEADLINE_EXCEEDED, "Deadline Exceeded", true,
        NULL },
      "endpoint h:1: /a.B/C: no answer within 500 ms (DEADLINE_EXCEEDED)" },
    { { "h:1", "/a.B/C", false, 500, BEAMC__RPC_DEADLINE_EXCEEDED, "the database took too long",
        true, NULL },
      "endpoint h:1: /a.B/C: DEADLINE_EXCEEDED: the database took too long" },
    { { "h:1", "/a.B/C", false, 500, BEAMC__RPC_DEADLINE_EXCEEDED, "Deadline Exceeded", false,
        "connection refused" },
      "endpoint h:1: not reached within 500 ms: connection refused (DEADLINE_EXCEEDED)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_CANCELLED, "CANCELLED", false, NULL },
      "endpoint h:1: /a.B/C: cancelled (CANCELLED)" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_PERMISSION_DENIED, "", true, NULL },
      "endpoint h:1: /a.B/C: PERMISSION_DENIED" },
    { { "h:1", "/a.B/C", false, 0, BEAMC__RPC_INTERNAL, "odd", false, NULL },
      "endpoint h:1: /a.B/C: odd (INTERNAL)" },
};

START_TEST(failures_are_told_in_one_line)
{
    beamc_error *error = beamc__rpc_explain(&cases[_i].failure);

    ck_assert_int_eq(beamc_error_code(error), beamc__rpc_error_code(cases[_i].failure.code));
    ck_assert_str_eq(error_text(error), cases[_i].text);
}
END_TEST

START_TEST(success_is_no_error)
{
    const beamc__rpc_failure fine = { .code = BEAMC__RPC_OK };

    ck_assert_ptr_null(beamc__rpc_explain(&fine));
}
END_TEST

START_TEST(codes_of_errors_and_calls_match)
{
    for (int code = 0; code <= 16; code++) {
        ck_assert_str_ne(beamc__rpc_code_name((beamc__rpc_code)code), "");
        ck_assert_int_eq(beamc__rpc_error_code((beamc__rpc_code)code) == BEAMC_OK, code == 0);
    }
    ck_assert_str_eq(beamc__rpc_code_name((beamc__rpc_code)17), "UNKNOWN");
    ck_assert_int_eq(beamc__rpc_error_code((beamc__rpc_code)99), BEAMC_EIO);
#define X(name, value, text) ck_assert_int_ne(beamc__rpc_code_of(BEAMC_##name), BEAMC__RPC_OK);
    BEAMC_CODE_MAP(X)
#undef X
    ck_assert_int_eq(beamc__rpc_code_of(BEAMC_OK), BEAMC__RPC_OK);
    /* What one side fails with, the other is told, where there is a word for it. */
    static const beamc_code same[] = { BEAMC_EINVAL,   BEAMC_ENOENT,      BEAMC_EEXIST,
                                       BEAMC_ELIMIT,   BEAMC_EIO,         BEAMC_ECANCELLED,
                                       BEAMC_ETIMEOUT, BEAMC_EUNSUPPORTED };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        ck_assert_int_eq(beamc__rpc_error_code(beamc__rpc_code_of(same[i])), same[i]);
}
END_TEST

Suite *suite_rpc_explain(void)
{
    Suite *suite = suite_create("rpc_explain");
    TCase *tc = tcase_create("explain");

    tcase_add_loop_test(tc, failures_are_told_in_one_line, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tc, success_is_no_error);
    tcase_add_test(tc, codes_of_errors_and_calls_match);
    suite_add_tcase(suite, tc);
    return suite;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses: what is understood, and what is said of the rest. */
#include "sdk/rpc/endpoint.h"

#include "peer.h"
#include "test/alloc.h"
#include <check.h>
#include <string.h>

#define UNSAID BEAMC__RPC_SECURITY_UNSAID
#define PLAIN  BEAMC__RPC_SECURITY_PLAIN
#define TLS    BEAMC__RPC_SECURITY_TLS

static const struct {
    const char *url;
    const char *target;
    const char *host;
    unsigned port;
    beamc__rpc_security security;
} good[] = {
    { "localhost:8099", "localhost:8099", "localhost", 8099, UNSAID },
    { "flink-jm.example.org:1", "flink-jm.example.org:1", "flink-jm.example.org", 1, UNSAID },
    { "127.0.0.1:65535", "127.0.0.1:65535", "127.0.0.1", 65535, UNSAID },
    { "[::1]:50051", "[::1]:50051", "::1", 50051, UNSAID },
    { "ipv4:10.0.0.1:80", "10.0.0.1:80", "10.0.0.1", 80, UNSAID },
    { "ipv6:[fe80::1]:80", "[fe80::1]:80", "fe80::1", 80, UNSAID },
    { "dns:host:80", "host:80", "host", 80, UNSAID },
    { "dns:///host:80", "host:80", "host", 80, UNSAID },
    { "http://host:80", "host:80", "host", 80, PLAIN },
    { "grpc://host:80", "host:80", "host", 80, PLAIN },
    { "https://host:443", "host:443", "host", 443, TLS },
    { "grpcs://[::1]:443", "[::1]:443", "::1", 443, TLS },
    { "unix:/tmp/s", "unix:/tmp/s", NULL, 0, UNSAID },
    { "unix:///tmp/s", "unix:/tmp/s", NULL, 0, UNSAID },
    { "unix:relative/s", "unix:relative/s", NULL, 0, UNSAID },
    { "unix-abstract:name", "unix-abstract:name", NULL, 0, UNSAID },
};

START_TEST(addresses_are_taken_apart)
{
    beamc__rpc_endpoint endpoint;

    must(beamc__rpc_endpoint_parse(&endpoint, good[_i].url, false));
    ck_assert_str_eq(endpoint.url, good[_i].url);
    ck_assert_str_eq(endpoint.target, good[_i].target);
    ck_assert_uint_eq(endpoint.port, good[_i].port);
    ck_assert_pstr_eq(endpoint.host, good[_i].host);
    ck_assert_int_eq(endpoint.path == NULL, good[_i].host != NULL);
    ck_assert_int_eq(endpoint.security, good[_i].security);
    ck_assert_int_eq(beamc__rpc_endpoint_security(good[_i].url), good[_i].security);
    beamc__rpc_endpoint_dispose(&endpoint);
}
END_TEST

static const struct {
    const char *url;
    const char *error;
} bad[] = {
    { "", "endpoint: the address is empty" },
    { "localhost", "endpoint localhost: the port is missing" },
    { "localhost:", "endpoint localhost:: \"\" is no port" },
    { "localhost:http", "endpoint localhost:http: \"http\" is no port" },
    { "localhost:12x", "endpoint localhost:12x: \"12x\" is no port" },
    { "localhost:0", "endpoint localhost:0: port 0 is not in 1 to 65535" },
    { "localhost:65536", "endpoint localhost:65536: port 65536 is not in 1 to 65535" },
    { "localhost:99999999999", "endpoint localhost:99999999999: \"99999999999\" is no port" },
    { ":80", "endpoint :80: the host is missing" },
    { "[]:80", "endpoint []:80: the host is missing" },
    { "::1:80", "endpoint ::1:80: write an IPv6 address in brackets, as [::1]:8099" },
    { "[::1]", "endpoint [::1]: the port is missing" },
    { "[::1", "endpoint [::1: no \"]:port\" after the address" },
    { "[::1]80", "endpoint [::1]80: no \"]:port\" after the address" },
    { "host:80/path", "endpoint host:80/path: a path makes no sense here" },
    { "host :80", "endpoint \"host :80\": blanks make no sense here" },
    { "https://host", "endpoint https://host: the port is missing" },
    { "https://host:443/", "endpoint https://host:443/: a path makes no sense here" },
    { "unix:", "endpoint unix:: the path is missing" },
    { "unix:"
      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
      "89012345678901234567",
      "endpoint unix:"
      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
      "89012345678901234567: the path of a socket has at most 107 bytes" },
};

START_TEST(others_are_refused_with_a_reason)
{
    beamc__rpc_endpoint endpoint;
    beamc_error *error = beamc__rpc_endpoint_parse(&endpoint, bad[_i].url, false);

    ck_assert_int_eq(beamc_error_code(error), BEAMC_EINVAL);
    ck_assert_str_eq(error_text(error), bad[_i].error);
    ck_assert_ptr_null(endpoint.url);
}
END_TEST

START_TEST(an_address_may_say_what_is_spoken)
{
    const beamc__rpc_tls given = { .roots = "x" };
    const beamc__rpc_tls *tls;
    beamc__rpc_endpoint endpoint;

    must(beamc__rpc_endpoint_parse(&endpoint, good[_i].url, false));
    must(beamc__rpc_endpoint_tls(&tls, &endpoint, NULL));
    ck_assert_int_eq(tls != NULL, endpoint.security == BEAMC__RPC_SECURITY_TLS);
    ck_assert(tls == NULL || tls->roots == NULL);
    beamc_error *error = beamc__rpc_endpoint_tls(&tls, &endpoint, &given);
    ck_assert_int_eq(error != NULL, endpoint.security == BEAMC__RPC_SECURITY_PLAIN);
    if (error == NULL)
        ck_assert_ptr_eq(tls, &given);
    else
        ck_assert_ptr_nonnull(
            strstr(error_text(error), "it is one without TLS, and TLS is wanted"));
    beamc__rpc_endpoint_dispose(&endpoint);
}
END_TEST

START_TEST(servers_may_ask_for_any_port)
{
    beamc__rpc_endpoint endpoint;

    must(beamc__rpc_endpoint_parse(&endpoint, "localhost:0", true));
    ck_assert_uint_eq(endpoint.port, 0);
    must(beamc__rpc_endpoint_try_bind(&endpoint));
    beamc__rpc_endpoint_dispose(&endpoint);
}
END_TEST

START_TEST(no_memory_is_told)
{
    beamc__rpc_endpoint endpoint;

    for (long n = 0;; n++) {
        test_alloc_fail_at(n);
        beamc_error *error = beamc__rpc_endpoint_parse(&endpoint, good[_i].url, false);
        if (!test_alloc_failed()) {
            ck_assert_ptr_null(error);
            break;
        }
        ck_assert_int_eq(beamc_error_code(error), BEAMC_ENOMEM);
        beamc_error_free(error);
    }
    test_alloc_fail_at(-1);
    beamc__rpc_endpoint_dispose(&endpoint);
}
END_TEST

Suite *suite_rpc_endpoint(void)
{
    Suite *suite = suite_create("rpc_endpoint");
    TCase *tc = tcase_create("endpoint");

    tcase_add_loop_test(tc, addresses_are_taken_apart, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tc, others_are_refused_with_a_reason, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_loop_test(tc, an_address_may_say_what_is_spoken, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_test(tc, servers_may_ask_for_any_port);
    tcase_add_loop_test(tc, no_memory_is_told, 0, sizeof(good) / sizeof(good[0]));
    suite_add_tcase(suite, tc);
    return suite;
}

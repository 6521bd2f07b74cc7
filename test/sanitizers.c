/* SPDX-License-Identifier: Apache-2.0 */
/* What sanitizers find in libraries of others, and why it is let pass.  The sanitizers' libraries
 * call these, so they must be seen from there. */
#define SEEN __attribute__((visibility("default")))

#ifdef __SANITIZE_ADDRESS__
SEEN const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    /* c-ares 1.18 loses the copy of a name, 10 bytes for "localhost", when the core of gRPC looks
     * it up. */
    return "leak:libcares.so\n";
}
#endif

#ifdef __SANITIZE_THREAD__
SEEN const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    /* The core of gRPC is not built with the sanitizer, which sees its memory but not the atomics
     * that order the use of it.  Our handlers are not called from within, so theirs are seen. */
    return "called_from_lib:libgrpc.so\n"
           "called_from_lib:libgpr.so\n"
           "called_from_lib:libcrypto.so\n"
           "called_from_lib:libssl.so\n"
           "race:libgrpc.so\n"
           "race:libgpr.so\n"
           "race:libabsl_\n"
           "race:libstdc++.so\n"
           "race:libcares.so\n"
           "race:libcrypto.so\n"
           "race:libssl.so\n";
}
#endif

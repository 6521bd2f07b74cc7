/* SPDX-License-Identifier: Apache-2.0 */
/* All of Beam's messages, and short names for what protoc-c makes of them.  Private: public headers
 * never include it, and code that does so only translates between messages and our own types.
 *
 * protoc-c spells a message `Org__Apache__Beam__Model__Pipeline__V1__Coder`.  With this header:
 *
 *   package                                  type      function        constant, _INIT
 *   org.apache.beam.model.pipeline.v1        PB(X)     pb(x)           PBK(X)
 *   org.apache.beam.model.fn_execution.v1    FN(X)     fn(x)           FNK(X)
 *   org.apache.beam.model.job_management.v1  JOB(X)    job(x)          JOBK(X)
 *   org.apache.beam.model.expansion.v1       EXP(X)    expn(x)         EXPK(X)
 *   org.apache.beam.model.interactive.v1     INTER(X)  inter(x)        INTERK(X)
 *   beamc.v1, our own payloads               CS(X)     cs(x)           CSK(X)
 *
 *   PB(Coder) coder = PBK(CODER__INIT);
 *   size_t size = pb(coder__get_packed_size)(&coder);
 *   strategy.merge_status = PBK(MERGE_STATUS__ENUM__NON_MERGING);
 *
 * The lower-case names are macros with an argument, so a file that includes this header must not
 * call a function or a member named pb, fn, job, expn, inter or cs. */
#ifndef BEAMC_PROTO_BEAM_H
#define BEAMC_PROTO_BEAM_H

#include <beamc/v1/function.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/duration.pb-c.h>
#include <google/protobuf/struct.pb-c.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <org/apache/beam/model/fn_execution/v1/beam_fn_api.pb-c.h>
#include <org/apache/beam/model/fn_execution/v1/beam_provision_api.pb-c.h>
#include <org/apache/beam/model/interactive/v1/beam_interactive_api.pb-c.h>
#include <org/apache/beam/model/job_management/v1/beam_artifact_api.pb-c.h>
#include <org/apache/beam/model/job_management/v1/beam_expansion_api.pb-c.h>
#include <org/apache/beam/model/job_management/v1/beam_job_api.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/beam_runner_api.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/endpoints.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/external_transforms.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/metrics.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/schema.pb-c.h>
#include <org/apache/beam/model/pipeline/v1/standard_window_fns.pb-c.h>

#define PB(name)   Org__Apache__Beam__Model__Pipeline__V1__##name
#define pb(name)   org__apache__beam__model__pipeline__v1__##name
#define PBK(name)  ORG__APACHE__BEAM__MODEL__PIPELINE__V1__##name

#define FN(name)   Org__Apache__Beam__Model__FnExecution__V1__##name
#define fn(name)   org__apache__beam__model__fn_execution__v1__##name
#define FNK(name)  ORG__APACHE__BEAM__MODEL__FN_EXECUTION__V1__##name

#define JOB(name)  Org__Apache__Beam__Model__JobManagement__V1__##name
#define job(name)  org__apache__beam__model__job_management__v1__##name
#define JOBK(name) ORG__APACHE__BEAM__MODEL__JOB_MANAGEMENT__V1__##name

#define EXP(name)  Org__Apache__Beam__Model__Expansion__V1__##name
#define expn(name) org__apache__beam__model__expansion__v1__##name
#define EXPK(name) ORG__APACHE__BEAM__MODEL__EXPANSION__V1__##name

#define CS(name)   Beamc__V1__##name
#define cs(name)   beamc__v1__##name
#define CSK(name)  BEAMC__V1__##name

#define INTER(name)  Org__Apache__Beam__Model__Interactive__V1__##name
#define inter(name)  org__apache__beam__model__interactive__v1__##name
#define INTERK(name) ORG__APACHE__BEAM__MODEL__INTERACTIVE__V1__##name

#endif

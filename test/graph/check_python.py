# SPDX-License-Identifier: Apache-2.0
"""Reads serialized pipelines with Beam's Python SDK: python3 check_python.py FILE.pb...

Each must parse, keep the rules of Beam's validators, become a Python pipeline whose leaves are the
same when it is translated back, and be fused into stages."""
import logging
import sys
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import apache_beam as beam
from apache_beam.pipeline import Pipeline
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.portability.fn_api_runner import translations
from apache_beam.transforms.core import DoFnInfo
from apache_beam.transforms.ptransform import PTransform
from apache_beam.utils.urns import RunnerApiFn

PARDO = common_urns.primitives.PAR_DO.urn
GBK = common_urns.primitives.GROUP_BY_KEY.urn
COMBINES = (
    common_urns.composites.COMBINE_PER_KEY.urn,
    common_urns.composites.COMBINE_GLOBALLY.urn,
)
WITHOUT_ENVIRONMENT = (GBK, common_urns.primitives.IMPULSE.urn)


def require(condition, *message):
    if not condition:
        raise ValueError(" ".join(str(part) for part in message))


def check_known(ids, known, *where):
    for one in ids:
        require(one in known, *where, "refers to", one, "which does not exist")


def check_components(components):
    """What the Java SDK's PipelineValidator looks at, and what it leaves to chance."""
    names = [t.unique_name for t in components.transforms.values()]
    require(len(names) == len(set(names)), "unique names repeat")
    names = [p.unique_name for p in components.pcollections.values()]
    require(len(names) == len(set(names)) and all(names), "names of collections repeat")
    for key, collection in components.pcollections.items():
        check_known([collection.coder_id], components.coders, key)
        check_known([collection.windowing_strategy_id], components.windowing_strategies, key)
        require(collection.is_bounded, key, "does not say if it is bounded")
    for key, strategy in components.windowing_strategies.items():
        check_known([strategy.window_coder_id], components.coders, key)
        check_known([strategy.environment_id], components.environments, key)
    for key, coder in components.coders.items():
        check_known(coder.component_coder_ids, components.coders, key)


def check_par_do(key, transform, components):
    payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
    require(payload.do_fn.urn, key, "has no function")
    check_known(payload.side_inputs, transform.inputs, key)
    main = set(transform.inputs) - set(payload.side_inputs)
    require(len(main) == 1, key, "has not one main input:", *main)
    require(not payload.state_specs and not payload.timer_family_specs, key, "has state")


def check_group_by_key(key, transform, components):
    coder_of = lambda pcoll: components.coders[components.pcollections[pcoll].coder_id]
    (given,) = transform.inputs.values()
    (made,) = transform.outputs.values()
    taken = coder_of(given)
    grouped = coder_of(made)
    require(taken.spec.urn == common_urns.coders.KV.urn, key, "groups no KVs")
    require(grouped.spec.urn == common_urns.coders.KV.urn, key, "gives no KVs")
    values = components.coders[grouped.component_coder_ids[1]]
    require(values.spec.urn == common_urns.coders.ITERABLE.urn, key, "gives no iterable")
    require(taken.component_coder_ids[0] == grouped.component_coder_ids[0], key, "changes its key")
    require(taken.component_coder_ids[1] == values.component_coder_ids[0], key, "changes values")


def check_transforms(pipeline):
    components = pipeline.components
    producers = {}
    seen = set()

    def visit(key):
        transform = components.transforms[key]
        require(key not in seen, key, "is in the tree twice")
        seen.add(key)
        check_known(transform.subtransforms, components.transforms, key)
        check_known(transform.inputs.values(), components.pcollections, key)
        check_known(transform.outputs.values(), components.pcollections, key)
        if transform.environment_id:
            check_known([transform.environment_id], components.environments, key)
        if transform.spec.urn in COMBINES:
            payload = beam_runner_api_pb2.CombinePayload.FromString(transform.spec.payload)
            check_known([payload.accumulator_coder_id], components.coders, key)
        if transform.subtransforms:
            for child in transform.subtransforms:
                visit(child)
            return
        require(transform.spec.urn, key, "is a leaf without a URN")
        require(
            bool(transform.environment_id) == (transform.spec.urn not in WITHOUT_ENVIRONMENT),
            key, "has the wrong environment")
        # In topological order: what is read was made before.
        for pcoll in transform.inputs.values():
            require(pcoll in producers, key, "reads", pcoll, "before it is made")
        for pcoll in transform.outputs.values():
            require(pcoll not in producers, pcoll, "is made twice")
            producers[pcoll] = key
        if transform.spec.urn == PARDO:
            check_par_do(key, transform, components)
        if transform.spec.urn == GBK:
            check_group_by_key(key, transform, components)

    check_known(pipeline.root_transform_ids, components.transforms, "the root")
    for key in pipeline.root_transform_ids:
        visit(key)
    require(seen == set(components.transforms), "transforms outside of the tree:",
            *(set(components.transforms) - seen))
    require(set(producers) == set(components.pcollections), "collections that nobody makes")
    check_composites(components, producers)


def check_composites(components, producers):
    """A composite takes what its leaves read from outside; what others read of it, it gives."""

    def leaves(key):
        transform = components.transforms[key]
        if not transform.subtransforms:
            return {key}
        return set().union(*(leaves(child) for child in transform.subtransforms))

    readers = {}
    for key, transform in components.transforms.items():
        if not transform.subtransforms:
            for pcoll in transform.inputs.values():
                readers.setdefault(pcoll, set()).add(key)
    for key, transform in components.transforms.items():
        inner = leaves(key)
        taken = {p for p, who in readers.items() if who & inner and producers[p] not in inner}
        given = {p for p, who in producers.items() if who in inner and readers.get(p, set()) - inner}
        require(taken <= set(transform.inputs.values()), key, "does not name its inputs", taken)
        require(given <= set(transform.outputs.values()), key, "does not name its outputs", given)


# Python makes objects only of functions that it knows.
@DoFnInfo.register_stateless_dofn("beam:dofn:csdk:v1")
class SomeDoFn(beam.DoFn):
    def process(self, element):
        raise NotImplementedError


@RunnerApiFn.register_urn("beam:combinefn:csdk:v1", None)
def some_combine_fn(*_):
    return beam.combiners.CountCombineFn()


@PTransform.register_urn("beam:transform:test_outer:v1", None)
def some_composite(*_):
    return PTransform()


def has_side_inputs(transform):
    return transform.spec.urn == PARDO and beam_runner_api_pb2.ParDoPayload.FromString(
        transform.spec.payload).side_inputs


def leaf_urns(components):
    return sorted(t.spec.urn for t in components.transforms.values() if not t.subtransforms)


def with_python_windows(pipeline):
    """Where the model has a WindowIntoPayload, this SDK writes and wants a WindowingStrategy."""
    copy = beam_runner_api_pb2.Pipeline()
    copy.CopyFrom(pipeline)
    components = copy.components
    for transform in components.transforms.values():
        if transform.spec.urn == common_urns.primitives.ASSIGN_WINDOWS.urn:
            (made,) = transform.outputs.values()
            strategy = components.pcollections[made].windowing_strategy_id
            transform.spec.payload = components.windowing_strategies[strategy].SerializeToString()
    return copy


def check_round_trip(pipeline):
    components = pipeline.components
    if not components.transforms:
        return  # for Python a pipeline has at least its root
    context = PipelineContext(components)
    for key in components.coders:
        context.coders.get_by_id(key)
    for key in components.windowing_strategies:
        context.windowing_strategies.get_by_id(key)
    for key in components.environments:
        context.environments.get_by_id(key)
    if any(has_side_inputs(t) for t in components.transforms.values()):
        return  # Python makes side inputs of pickled functions only
    python = Pipeline.from_runner_api(
        with_python_windows(pipeline), runner="DirectRunner", options=beam.options.pipeline_options.PipelineOptions())
    back = python.to_runner_api()
    require(leaf_urns(back.components) == leaf_urns(components),
            "Python reads other transforms:", leaf_urns(back.components))


def check_fusion(pipeline):
    """The portable runners' first step, in Python's implementation."""
    if not pipeline.components.transforms:
        return
    _, stages = translations.create_and_optimize_stages(
        pipeline, [
            translations.annotate_downstream_side_inputs,
            translations.fix_side_input_pcoll_coders,
            translations.lift_combiners,
            translations.expand_gbk,
            translations.fix_flatten_coders,
            translations.sink_flattens,
            translations.greedily_fuse,
            translations.read_to_impulse,
            translations.impulse_to_input,
            translations.sort_stages,
        ], known_runner_urns=frozenset(WITHOUT_ENVIRONMENT), use_state_iterables=False)
    require(stages, "nothing is left to run")


def main(files):
    for file in files:
        with open(file, "rb") as opened:
            pipeline = beam_runner_api_pb2.Pipeline.FromString(opened.read())
        try:
            check_components(pipeline.components)
            check_transforms(pipeline)
            check_round_trip(pipeline)
            check_fusion(pipeline)
        except Exception as error:
            print(f"check_python.py: {file}: {type(error).__name__}: {error}", file=sys.stderr)
            raise SystemExit(1)
    print(f"Beam's Python SDK {beam.__version__} reads {len(files)} pipelines")


if __name__ == "__main__":
    main(sys.argv[1:])

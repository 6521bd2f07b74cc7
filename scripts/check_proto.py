#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares proto/ with the descriptors published in Beam's wheel.

    check_proto.py WHEEL_DIR              prints a line for each difference; fails if there is one
    check_proto.py --self-test WHEEL_DIR  breaks proto/ in many ways, each of which has to be found

Both sides become a flat table from a thing's full name to all that matters about it, e.g.

    field org.apache.beam.model.pipeline.v1.Coder.spec -> number 1, message ...FunctionSpec, single

and the tables are compared both ways.  Not compared, because nothing on the wire depends on them:
the order of declarations, imports, options for other languages' generators (java_package,
go_package), and the prose of metrics, which is each project's own (annotation "description").  A
proto3 `optional` field is expected as a oneof with one field, named optional_ and the field's name:
its wire form is the same and protoc-c can compile it.

proto/urns.h is checked too: every constant in its model block has to be the value of some
published option, and every published one has to have a constant.

A descriptor is itself a message; the reader below knows enough of the wire format to need no
protobuf package."""

import ast
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = ("", "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string",
         "group", "message", "bytes", "uint32", "enum", "sfixed32", "sfixed64", "sint32", "sint64")
LABELS = ("", "single", "required", "repeated")
BEAM_URN, BEAM_CONSTANT, LABEL_PROPS, SPEC = 185324356, 185324357, 127337796, 207174266
OTHER_LANGUAGES = {1, 8, 10, 11, 20, 27}    # FileOptions of the Java and Go generators


# ---- wire format --------------------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """All fields of an encoded message, in order, as (number, int or bytes)."""
    at, found = 0, []
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else varint(data, at)
            value, at = data[at:at + size], at + size
        found.append((tag >> 3, value))
    return found


class Message:
    """An encoded message whose fields are asked for by number."""

    def __init__(self, data):
        self.fields = fields(data)

    def all(self, number):
        return [value for found, value in self.fields if found == number]

    def parts(self, number):
        return [Message(value) for value in self.all(number)]

    def number(self, number, default=0):
        return (self.all(number) or [default])[-1]

    def text(self, number):
        return (self.all(number) or [b""])[-1].decode()


# ---- descriptors to tables ----------------------------------------------------------------------

def spec_text(data):
    """A MonitoringInfoSpec, without its description."""
    spec = Message(data)
    notes = [(note.text(1), note.text(2)) for note in spec.parts(4)]
    return (f"{spec.text(1)} type {spec.text(2)} labels {[x.decode() for x in spec.all(3)]} "
            f"notes {[note for note in notes if note[0] != 'description']}")


def options_text(holder, number, ignored=frozenset()):
    """The options in field @number of a descriptor, as text to compare and show."""
    texts = []
    for data in holder.all(number):
        for found, value in fields(data):
            if found in ignored:
                continue
            if found == SPEC:
                value = spec_text(value)
            elif found == LABEL_PROPS:
                value = Message(value).text(1)
            elif isinstance(value, bytes):
                value = value.decode("utf-8", "backslashreplace")
            texts.append(f"({found}) = {value}")
    return ", ".join(sorted(texts))


def add_field(table, scope, field, oneofs, kind="field"):
    """FieldDescriptorProto: 1 name, 2 extendee, 3 number, 4 label, 5 type, 6 type_name, 7 default,
    8 options, 9 oneof_index, 17 proto3_optional."""
    name = field.text(1)
    group = "none"
    if field.all(9):
        index = field.number(9)
        group, members = oneofs[index]
        if field.number(17) or (members == 1 and group == "optional_" + name):
            group = "optional"
    elif field.number(17):
        group = "optional"
    table[f"{kind} {scope}.{name}"] = (
        f"number {field.number(3)}, {TYPES[field.number(5)]} {field.text(6)}, "
        f"{LABELS[field.number(4)]}, oneof {group}, default '{field.text(7)}', "
        f"options [{options_text(field, 8)}]" + (f", of {field.text(2)}" if field.text(2) else ""))


def ranges(holder, number, inclusive):
    """Reserved ranges as one text; a message's leave their end out, an enum's do not."""
    spans = sorted((r.number(1), r.number(2) - (0 if inclusive else 1))
                   for r in holder.parts(number))
    return ", ".join(f"{low}-{high}" for low, high in spans)


def add_enum(table, scope, enum):
    """EnumDescriptorProto: 1 name, 2 value, 3 options, 4 reserved_range, 5 reserved_name."""
    name = f"{scope}.{enum.text(1)}"
    table[f"enum {name}"] = (f"options [{options_text(enum, 3)}], "
                             f"reserved [{ranges(enum, 4, True)}] {sorted(enum.all(5))}")
    for value in enum.parts(2):
        table[f"value {name}.{value.text(1)}"] = (f"number {value.number(2)}, "
                                                  f"options [{options_text(value, 3)}]")


def add_message(table, scope, message):
    """DescriptorProto: 1 name, 2 field, 3 nested_type, 4 enum_type, 5 extension_range,
    6 extension, 7 options, 8 oneof_decl, 9 reserved_range, 10 reserved_name."""
    name = f"{scope}.{message.text(1)}"
    table[f"message {name}"] = (
        f"options [{options_text(message, 7)}], extensions [{ranges(message, 5, False)}], "
        f"reserved [{ranges(message, 9, False)}] {sorted(message.all(10))}")
    parts = message.parts(2)
    oneofs = [(oneof.text(1), sum(1 for part in parts if part.all(9) and part.number(9) == index))
              for index, oneof in enumerate(message.parts(8))]
    for part in parts:
        add_field(table, name, part, oneofs)
    for part in message.parts(6):
        add_field(table, name, part, oneofs, "extension")
    for part in message.parts(3):
        add_message(table, name, part)
    for part in message.parts(4):
        add_enum(table, name, part)


def add_service(table, scope, service):
    """ServiceDescriptorProto: 1 name, 2 method, 3 options.  MethodDescriptorProto: 1 name, 2 input,
    3 output, 4 options, 5 client_streaming, 6 server_streaming."""
    name = f"{scope}.{service.text(1)}"
    table[f"service {name}"] = f"options [{options_text(service, 3)}]"
    for method in service.parts(2):
        table[f"method {name}.{method.text(1)}"] = (
            f"{'stream ' if method.number(5) else ''}{method.text(2)} -> "
            f"{'stream ' if method.number(6) else ''}{method.text(3)}, "
            f"options [{options_text(method, 4)}]")


def add_file(table, data):
    """FileDescriptorProto: 1 name, 2 package, 4 message_type, 5 enum_type, 6 service, 7 extension,
    8 options, 12 syntax."""
    file = Message(data)
    table[f"file {file.text(1)}"] = (
        f"package {file.text(2)}, syntax {file.text(12)}, "
        f"options [{options_text(file, 8, OTHER_LANGUAGES)}]")
    for part in file.parts(4):
        add_message(table, file.text(2), part)
    for part in file.parts(5):
        add_enum(table, file.text(2), part)
    for part in file.parts(6):
        add_service(table, file.text(2), part)
    for part in file.parts(7):
        add_field(table, file.text(2), part, [], "extension")


# ---- the two sides ------------------------------------------------------------------------------

def published_files(wheel):
    """The serialized descriptors in the wheel's modules, which are read but never run."""
    found = []
    for path in sorted(pathlib.Path(wheel).glob("apache_beam/portability/api/**/*_pb2.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
                found.append(node.args[0].value)
    if not found:
        sys.exit(f"check_proto.py: no descriptors below {wheel}")
    return found


def compile_protos(proto):
    """What protoc makes of all .proto files below @proto: FileDescriptorSet has them in field 1."""
    files = sorted(str(path.relative_to(proto)) for path in proto.glob("org/**/*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "set"
        run = subprocess.run(["protoc", f"-I{proto}", f"--descriptor_set_out={out}", *files],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return None, run.stderr
        return Message(out.read_bytes()).all(1), ""


def table_of(files):
    table = {}
    for data in files:
        add_file(table, data)
    return table


def compare(ours, theirs):
    """A line for every difference, messages before their fields."""
    lines = []
    for name in sorted(theirs.keys() | ours.keys(), key=lambda name: name.split(" ")[::-1]):
        if name not in ours:
            lines.append(f"missing: {name}: {theirs[name]}")
        elif name not in theirs:
            lines.append(f"not published: {name}: {ours[name]}")
        elif ours[name] != theirs[name]:
            lines.append(f"differs: {name}:\n    ours:      {ours[name]}\n"
                         f"    published: {theirs[name]}")
    return lines


# ---- urns.h -------------------------------------------------------------------------------------

def option_values(files):
    """Texts in the options of all published enum values: URNs, constants, label names."""
    found = set()

    def visit_enum(enum):
        for value in enum.parts(2):
            for options in value.parts(3):
                for number in (BEAM_URN, BEAM_CONSTANT):
                    found.update(text.decode() for text in options.all(number))
                found.update(props.text(1) for props in options.parts(LABEL_PROPS))
                for spec in options.parts(SPEC):
                    found.update((spec.text(1), spec.text(2)))

    def visit_message(message):
        for part in message.parts(3):
            visit_message(part)
        for part in message.parts(4):
            visit_enum(part)

    for data in files:
        file = Message(data)
        for part in file.parts(4):
            visit_message(part)
        for part in file.parts(5):
            visit_enum(part)
    return found


def header_constants(text):
    """name -> value of the model block of urns.h, and of all the rest."""
    model, private, in_model = {}, {}, False
    define = re.compile(r'#define (BEAMC_\w+)\s+(?:\\\n\s*)?"([^"]*)"')
    for piece in re.split(r"^/\* (model|end of model) \*/$", text, flags=re.M):
        if piece in ("model", "end of model"):
            in_model = piece == "model"
        else:
            (model if in_model else private).update(define.findall(piece))
    return model, private


def compare_urns(text, files):
    model, private = header_constants(text)
    published = option_values(files)
    lines = [f"urns.h: {name} \"{value}\" is not published: it belongs outside of the model block"
             for name, value in model.items() if value not in published]
    lines += [f"urns.h: no constant for \"{value}\"" for value in published - set(model.values())]
    lines += [f"urns.h: {name} \"{value}\" is published: it belongs into the model block"
              for name, value in private.items() if value in published]
    return sorted(lines)


# ---- self-test ----------------------------------------------------------------------------------

# (what is broken, file, text, its replacement, what a reported line has to contain)
RUNNER_API = "org/apache/beam/model/pipeline/v1/beam_runner_api.proto"
FN_API = "org/apache/beam/model/fn_execution/v1/beam_fn_api.proto"
METRICS = "org/apache/beam/model/pipeline/v1/metrics.proto"
ARTIFACT_API = "org/apache/beam/model/job_management/v1/beam_artifact_api.proto"
URNS = "urns.h"
BREAKS = [
    ("a field's number", RUNNER_API, "repeated string component_coder_ids = 2",
     "repeated string component_coder_ids = 9", "Coder.component_coder_ids"),
    ("a field's type", RUNNER_API, "int64 allowed_lateness = 8", "sint64 allowed_lateness = 8",
     "WindowingStrategy.allowed_lateness"),
    ("a field's label", RUNNER_API, "repeated string component_coder_ids = 2",
     "string component_coder_ids = 2", "Coder.component_coder_ids"),
    ("a field's name", RUNNER_API, "string window_coder_id = 3", "string coder_of_window = 3",
     "WindowingStrategy.window_coder_id"),
    ("a field left out", RUNNER_API, "  FunctionSpec protocol = 7;", "//", "StateSpec.protocol"),
    ("a field too many", RUNNER_API, "message SetStateSpec {",
     "message SetStateSpec {\n  bool extra = 2;", "not published: field"),
    ("a message type", RUNNER_API, "SideInput side_input = 11", "Coder side_input = 11",
     "MessageWithComponents.side_input"),
    ("a map's value", RUNNER_API, "map<string, bytes> annotations",
     "map<string, string> annotations", "AnnotationsEntry.value"),
    ("a message left out", RUNNER_API, "message RedistributePayload {",
     "message RedistributionPayload {", "missing: message"),
    ("a reserved number", RUNNER_API, "reserved 6;", "reserved 16;", "ParDoPayload"),
    ("an enum value's number", RUNNER_API, "BOUNDED = 2;", "BOUNDED = 3;",
     "IsBounded.Enum.BOUNDED"),
    ("an enum value left out", RUNNER_API, "ALREADY_MERGED = 3;", "//",
     "missing: value org.apache.beam.model.pipeline.v1.MergeStatus.Enum.ALREADY_MERGED"),
    ("a URN", RUNNER_API, '"beam:coder:kv:v1"', '"beam:coder:kv:v2"', "StandardCoders.Enum.KV"),
    ("a constant", RUNNER_API, '"9223371950454775"', '"9223371950454776"', "GLOBAL_WINDOW_MAX"),
    ("an option's number", RUNNER_API, "string beam_urn = 185324356",
     "string beam_urn = 185324355", "extension"),
    ("a oneof that is left", RUNNER_API, "    MultimapStateSpec multimap_spec = 8;\n  }",
     "  }\n    MultimapStateSpec multimap_spec = 8;", "StateSpec.multimap_spec"),
    ("an optional field that is not", FN_API,
     "oneof optional_consuming_received_data {\n    bool consuming_received_data = 6;\n  }",
     "bool consuming_received_data = 6;", "consuming_received_data"),
    ("a field option", FN_API, "[ctype = CORD]", "", "Elements.Data.data"),
    ("a method's stream", FN_API, "rpc Data(stream Elements)", "rpc Data(Elements)",
     "BeamFnData.Data"),
    ("a method's type", ARTIFACT_API, "returns (stream ArtifactChunk)",
     "returns (stream Manifest)", "LegacyArtifactRetrievalService.GetArtifact"),
    ("a method left out", FN_API, "rpc StopWorker(StopWorkerRequest) returns (StopWorkerResponse);",
     "", "BeamFnExternalWorkerPool.StopWorker"),
    ("a metric's type", METRICS, 'type: "beam:metrics:progress:v1"',
     'type: "beam:metrics:sum_int64:v1"', "WORK_REMAINING"),
    ("a metric's labels", METRICS, 'required_labels: ["PCOLLECTION"]',
     'required_labels: ["PTRANSFORM"]', "ELEMENT_COUNT"),
    ("a metric's label name", METRICS, '{ name: "PTRANSFORM" }', '{ name: "TRANSFORM" }',
     "MonitoringInfoLabels.TRANSFORM"),
    ("a package", ARTIFACT_API, "package org.apache.beam.model.job_management.v1;",
     "package org.apache.beam.model.jobs.v1;", "missing: service"),
    ("a URN in urns.h", URNS, '"beam:coder:kv:v1"', '"beam:coder:kv:v2"', "beam:coder:kv:v2"),
    ("a constant left out of urns.h", URNS, "#define BEAMC_URN_IMPULSE ", "// ",
     'no constant for "beam:transform:impulse:v1"'),
]


def self_test(published, theirs):
    """Each break alone has to give a line that names what was broken."""
    failed = []
    sources = {path.relative_to(ROOT / "proto"): path.read_text()
               for path in (ROOT / "proto").rglob("*") if path.suffix in (".proto", ".h")}
    for what, file, text, replacement, expected in BREAKS:
        if text not in sources[pathlib.Path(file)]:
            failed.append(f"self-test: {file} has no '{text}' to break")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            for path, source in sources.items():
                copy = pathlib.Path(scratch) / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                if str(path) == file:
                    source = source.replace(text, replacement, 1)
                copy.write_text(source)
            files, errors = compile_protos(pathlib.Path(scratch))
            if files is None:
                failed.append(f"self-test: {what}: {errors}")
                continue
            lines = compare(table_of(files), theirs)
            lines += compare_urns((pathlib.Path(scratch) / URNS).read_text(), published)
        if not any(expected in line for line in lines):
            failed.append(f"self-test: {what} was broken and not reported, only: {lines}")
    return failed


def main():
    arguments = sys.argv[1:]
    testing = arguments[:1] == ["--self-test"]
    if len(arguments) != 1 + testing:
        sys.exit(__doc__)
    published = published_files(arguments[-1])
    theirs = table_of(published)
    if testing:
        lines = self_test(published, theirs)
        summary = f"self-test: all of {len(BREAKS)} broken copies were found out"
    else:
        files, errors = compile_protos(ROOT / "proto")
        if files is None:
            sys.exit(errors)
        ours = table_of(files)
        lines = compare(ours, theirs)
        lines += compare_urns((ROOT / "proto" / URNS).read_text(), published)
        counts = {kind: sum(1 for name in ours if name.startswith(kind + " "))
                  for kind in ("file", "message", "field", "enum", "value", "service", "method")}
        summary = "proto/ is as published: " + ", ".join(
            f"{count} {kind}s" for kind, count in counts.items())
    for line in lines:
        print(line)
    if lines:
        sys.exit(f"check_proto.py: {len(lines)} differences")
    print(summary)


if __name__ == "__main__":
    main()

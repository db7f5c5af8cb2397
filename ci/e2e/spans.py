"""Spans as a collector of traces gets them, and the tree that those of one trace must be. What a span has to say is
judged elsewhere."""

import dataclasses
import struct

import protobuf

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")


@dataclasses.dataclass
class Span:
    """One span; `parent` is empty if it has none."""

    trace: str
    id: str
    parent: str
    name: str
    kind: str
    status: str
    attributes: dict
    resource: dict = dataclasses.field(default_factory=dict)
    # in nanoseconds, where its source says so
    start: int = 0
    end: int = 0

    def differs(self, wanted):
        """What is not as wanted: a type stands for any value of it that is not empty."""
        found = {name: self.attributes.get(name) for name in wanted}
        return {name: value for name, value in found.items() if not meets(value, wanted[name])}


def meets(value, wanted):
    if isinstance(wanted, type):
        return type(value) is wanted and value != ""
    return type(value) is type(wanted) and value == wanted


def root(spans, client):
    """The span that was begun for a client's."""
    return next((span for span in spans if span.parent == client), None)


def wrong(spans, client):
    """Why these are not one tree below a client's span, or nothing."""
    by_id = {span.id: span for span in spans}
    roots = [span.name for span in spans if span.parent == client]
    if len(by_id) < len(spans):
        return f"an id is there twice: {sorted(span.id for span in spans)}"
    if len({span.trace for span in spans}) != 1 or len(roots) != 1:
        return f"{len(spans)} spans, below the client's: {roots}"
    strangers = [f"`{span.name}` below `{span.parent}`" for span in spans if span.parent not in by_id.keys() | {client}]
    if strangers:
        return f"a parent is in no span of the trace: {strangers}"
    loose = [span.name for span in spans if client not in ancestors(span, by_id)]
    return f"they lead to no root: {loose}" if loose else None


def ancestors(span, by_id):
    """The ids above a span; a circle ends."""
    above = []
    while span and span.parent not in above:
        above.append(span.parent)
        span = by_id.get(span.parent)
    return above


def shown(spans, client, depth=1):
    """The tree as lines, indented."""
    lines = []
    for span in (span for span in spans if span.parent == client):
        attributes = ", ".join(f"{name}={value}" for name, value in sorted(span.attributes.items()))
        lines.append(f"{'  ' * depth}{span.name} [{span.kind.lower()}] {attributes}")
        lines += shown(spans, span.id, depth + 1) if depth < 20 else []
    return lines


def read(body):
    """ExportTraceServiceRequest: resource_spans 1 (resource 1, scope_spans 2 (spans 2))."""
    found = []
    for part in protobuf.at(body, (1,)):
        resource = attributes(protobuf.at(part, (1, 1)))
        found += [read_span(span, resource) for span in protobuf.at(part, (2, 2))]
    return found


def read_span(message, resource):
    """Span: trace_id 1, span_id 2, parent_span_id 4, name 5, kind 6, start and end 7 and 8, attributes 9, status 15 (code 3)."""
    one = {number: value for number, value in protobuf.fields(message)}
    return Span(
        trace=one[1].hex(),
        id=one[2].hex(),
        parent=one.get(4, b"").hex(),
        name=one[5].decode(),
        kind=KINDS[one.get(6, 0)],
        status=STATUSES[(protobuf.at(message, (15, 3)) or [0])[0]],
        attributes=attributes(protobuf.at(message, (9,))),
        resource=resource,
        start=nanoseconds(one[7]),
        end=nanoseconds(one[8]),
    )


def nanoseconds(double):
    """A whole number of 64 bits, which was read as a float."""
    return struct.unpack("<Q", struct.pack("<d", double))[0]


def attributes(pairs):
    """KeyValue: key 1, value 2."""
    return {protobuf.at(pair, (1,))[0].decode(): value(*protobuf.at(pair, (2,))) for pair in pairs}


def value(message=b""):
    """AnyValue: string 1, bool 2, int 3, double 4; lists and maps are left as they came."""
    for number, it in protobuf.fields(message):
        if number == 1:
            return it.decode()
        if number == 2:
            return bool(it)
        return struct.unpack("<q", struct.pack("<Q", it))[0] if number == 3 else it
    return None

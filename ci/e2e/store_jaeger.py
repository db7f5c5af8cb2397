"""Starts a real Jaeger, version 2, on loopback with its store in memory, and reads traces back through the API of its
pages. What they must be is judged elsewhere."""

import json

import wire
from programs import Program, free_port
from spans import Span

# Everything that a configuration of our own leaves out listens nowhere.
CONFIG = """\
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [jaeger_storage_exporter]
  telemetry:
    metrics:
      level: none
extensions:
  jaeger_storage:
    backends:
      memory_store:
        memory:
          max_traces: 1000
  jaeger_query:
    storage:
      traces: memory_store
    http:
      endpoint: "127.0.0.1:{query}"
    grpc:
      endpoint: "127.0.0.1:{grpc}"
receivers:
  otlp:
    protocols:
      http:
        endpoint: "127.0.0.1:{otlp}"
exporters:
  jaeger_storage_exporter:
    trace_storage: memory_store
"""


class Jaeger(Program):
    """Takes OTLP over HTTP."""

    start_seconds = 60
    settings = {}

    def __init__(self, binary, folder):
        super().__init__("jaeger", folder)
        otlp, query, grpc = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{otlp}"
        self.address = ("127.0.0.1", query)
        config = self.folder / "jaeger.yaml"
        config.write_text(CONFIG.format(otlp=otlp, query=query, grpc=grpc))
        self.start([binary, f"--config={config}"])

    def is_ready(self):
        return wire.get(self.address, "/api/services").status == 200

    def spans(self, trace):
        """The spans of a trace; none while it does not know it."""
        reply = wire.get(self.address, f"/api/traces/{trace}")
        return read(json.loads(reply.body), trace) if reply.status == 200 else []


def read(answer, trace):
    """Kind and status stand among the tags, the parent among the references; ids may lack the zeros that they begin with."""
    return [read_span(span, one["processes"]) for one in answer["data"] for span in one["spans"] if id_of(span) == trace]


def id_of(it):
    return it["traceID"].rjust(32, "0")


def read_span(span, processes):
    tags = values(span["tags"])
    parents = [it["spanID"] for it in span["references"] if it["refType"] == "CHILD_OF" and id_of(it) == id_of(span)]
    process = processes[span["processID"]]
    return Span(
        trace=id_of(span),
        id=span["spanID"].rjust(16, "0"),
        parent=parents[0].rjust(16, "0") if parents else "",
        name=span["operationName"],
        kind=tags.pop("span.kind", "internal").upper(),
        status=tags.pop("otel.status_code", "UNSET"),
        attributes=tags,
        resource=values(process["tags"]) | {"service.name": process["serviceName"]},
    )


def values(tags):
    return {tag["key"]: tag["value"] for tag in tags}

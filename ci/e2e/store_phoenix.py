"""Starts the real Phoenix on loopback, with a store of its own in SQLite, and reads traces back through its API. What they
must be is judged elsewhere."""

import json
import os
import urllib.parse

import wire
from programs import Program, free_port
from spans import Span

PROJECT = "e2e"
PAGE = 1000
# Settings of the caller's shell must not reach it.
THEIRS = ("PHOENIX_", "OTEL_")


class Phoenix(Program):
    """Takes OTLP on the port of its pages; it makes its tables at its first start, which takes long."""

    start_seconds = 180
    # By this attribute of the resource it knows where a trace belongs.
    settings = {"OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={PROJECT}"}

    def __init__(self, python, folder):
        super().__init__("phoenix", folder)
        self.address = ("127.0.0.1", free_port())
        self.url = f"http://127.0.0.1:{self.address[1]}"
        ours = {
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_PORT": str(self.address[1]),
            "PHOENIX_GRPC_PORT": str(free_port()),
            "PHOENIX_WORKING_DIR": str(self.folder / "data"),
            "PHOENIX_TELEMETRY_ENABLED": "false",
            "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(THEIRS)}
        self.start([python, "-m", "phoenix.server.main", "serve"], clean | ours)

    def is_ready(self):
        return wire.get(self.address, "/readyz").status == 200

    def spans(self, trace):
        """The spans of a trace; none while it has no such project."""
        query = urllib.parse.urlencode({"trace_id": trace, "limit": PAGE})
        reply = wire.get(self.address, f"/v1/projects/{PROJECT}/spans?{query}")
        return [read(span) for span in json.loads(reply.body)["data"]] if reply.status == 200 else []


def read(span):
    """Its API has a kind of its own in place of OpenTelemetry's, so there is none here."""
    return Span(
        trace=span["context"]["trace_id"],
        id=span["context"]["span_id"],
        parent=span["parent_id"] or "",
        name=span["name"],
        kind="UNSPECIFIED",
        status=span["status_code"],
        attributes=span["attributes"],
    )

"""Act: spans that a program's own `#[tracing::instrument]` makes, in its handler and in the tasks that this starts,
stand in the tree of the call. The program is an example of the repository, and no document server."""

import re

import spans
from callers import call
from checks import want
from programs import Program
from server import environment

ADDRESS = re.compile(r"^work\s+http://([\d.]+):(\d+)/mcp", re.MULTILINE)
ROOT, PLAN, ASKED = "tools/call work", "plan", "step asked"
STARTED = ("step spawned", "step blocking", "step joined")
NAMES = {ROOT, PLAN, ASKED, *STARTED}
CALLS = 5


def run(options, checks, folder, rotel, receiver):
    with checks.check("the program with spans of its own runs from its start to its end"):
        with Work(options.work, folder, rotel.url) as work:
            calls = [call(work.address, "work", {"job": f"job {at}"}) for at in range(CALLS)]
            receiver.settled(lambda: all(NAMES <= {span.name for span in receiver.of(it.trace)} for it in calls))
        with checks.check(f"foreign spans: {CALLS} calls are one tree each, below the client's span"):
            print("\n".join(spans.shown(receiver.of(calls[0].trace), calls[0].span)), flush=True)
            for it in calls:
                want("result" in it.reply.message(), f"{it.reply.status} {it.reply.text()[:300]}")
                wrong = spans.wrong(receiver.of(it.trace), it.span)
                want(not wrong, f"{wrong}")
        with checks.check("foreign spans: each stands below what it was begun in"):
            for it in calls:
                wrong = misplaced(receiver.of(it.trace), it.span)
                want(not wrong, f"{wrong}")


def misplaced(every, client):
    """What is not where it should be, or nothing."""
    root = spans.root(every, client)
    if not root or root.name != ROOT:
        return f"the root is `{root and root.name}`"
    plans = [span for span in every if span.name == PLAN]
    if [span.parent for span in plans] != [root.id]:
        return f"{len(plans)} spans `{PLAN}`, below {[span.parent for span in plans]}, and not one below the root"
    below = {ASKED: {plans[0].id}} | {name: {root.id, plans[0].id} for name in STARTED}
    for name, wanted in below.items():
        parents = {span.parent for span in every if span.name == name}
        if not parents or not parents <= wanted:
            return f"`{name}` stands below {parents or 'nothing: there is none'}, and not below {wanted}"
    return None


class Work(Program):
    """The running program."""

    def __init__(self, binary, folder, collector):
        super().__init__("work", folder)
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_TRACE_SAMPLE_RATE": "1"}
        self.start([binary, "http"], environment(**settings))

    def is_ready(self):
        found = ADDRESS.search(self.log.read_text(errors="replace"))
        self.address = found and (found[1], int(found[2]))
        return bool(found)

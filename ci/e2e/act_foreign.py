"""Act: spans that a program's own `#[tracing::instrument]` makes, in its handler and in the tasks that this starts,
stand in the tree of the call. The program is an example of the repository, and no document server."""

import os
import re
import subprocess
import threading

import spans
from callers import call
from checks import want
from server import environment

START_SECONDS = 15
END_SECONDS = 10
ADDRESS = re.compile(r"^work\s+http://([\d.]+):(\d+)/mcp")
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


class Work:
    """The running program. Use as a context manager: it never outlives the block."""

    def __init__(self, binary, folder, collector):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_TRACE_SAMPLE_RATE": "1"}
        self.process = subprocess.Popen(
            [binary, "http"],
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=open(os.path.join(folder, "work.log"), "wb"),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.address = None
        self.said = []
        self.told = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if found := ADDRESS.match(line):
                self.address = (found[1], int(found[2]))
                self.told.set()
        self.told.set()

    def __enter__(self):
        if not self.told.wait(START_SECONDS) or not self.address:
            self.__exit__()
            raise RuntimeError(f"no address within {START_SECONDS} s; it said: {self.said[-5:]}")
        return self

    def __exit__(self, *_):
        """Ends this very process."""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

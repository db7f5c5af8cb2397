"""Act: the profiles open in the tool that people use for them, `go tool pprof`, and name functions."""

import itertools
import os
import re
import subprocess
import threading

import wire
from checks import want
from talk import QUESTION

PPROF_SECONDS = 120
CLIENTS = 4
# `flat flat% sum% cum cum% name`
ROW = re.compile(r"^\s*\S+\s+[\d.]+%\s+[\d.]+%\s+\S+\s+[\d.]+%\s+(\S.*)$", re.MULTILINE)


def run(server, checks, folder):
    with busy(server):
        profile(server, checks, folder, "profile", "/debug/pprof/profile?seconds=2")
    profile(server, checks, folder, "heap", "/debug/pprof/heap")


def profile(server, checks, folder, name, path):
    file = folder / f"{name}.pb.gz"
    with checks.check(f"{path} is a gzipped profile"):
        reply = wire.get(server.address("admin"), path, seconds=60)
        want(reply.status == 200, f"{reply.status} {reply.text()[:300]}")
        want(reply.body[:2] == b"\x1f\x8b", f"it begins with {reply.body[:8]!r}")
        file.write_bytes(reply.body)
    with checks.check(f"go tool pprof opens {name} and names functions"):
        names = functions(file, folder)
        print(f"  {len(names)} functions, the first: {names[:3]}", flush=True)
        want(names, "it names none")


def functions(file, folder):
    """The functions of `go tool pprof -top`, with the names that are in the file and no others."""
    command = ["go", "tool", "pprof", "-top", "-symbolize=none", str(file)]
    env = os.environ | {"PPROF_TMPDIR": str(folder), "GOTOOLCHAIN": "local", "HOME": os.environ.get("HOME", str(folder))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PPROF_SECONDS, env=env)
    want(done.returncode == 0, done.stderr)
    names = ROW.findall(done.stdout)
    return [name for name in names if not re.fullmatch(r"(0x)?[0-9a-f]+|<unknown>|\[.*\]", name)]


class busy:
    """Keeps the server at work for as long as the block takes: an idle one has no CPU samples."""

    def __init__(self, server):
        self.address = server.address("mcp")
        self.over = threading.Event()
        self.turns = itertools.count()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CLIENTS)]

    def _work(self):
        while not self.over.is_set():
            # one that was asked before is answered from memory, which is no work
            wire.call(self.address, "search_docs", {"query": f"{QUESTION} {next(self.turns)}", "limit": 20})

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(wire.SECONDS)

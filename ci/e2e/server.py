"""Starts the real binary, reads its addresses, waits until it is ready, and ends it by its process id. Speaks no MCP."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import wire

ADDRESS = re.compile(r"^(mcp|admin)\s+(http://\S+)")
START_SECONDS = 30
READY_SECONDS = 120
END_SECONDS = 10
# A few files, read in no time.
DOCUMENTS = pathlib.Path(__file__).parents[2] / "crates/mcp/tests/documents"

# Settings of the caller's shell must not reach the server.
OURS = ("MCP_", "ADMIN_", "OTEL_", "EMBEDDINGS_")
OURS_EXACTLY = ("PORT", "ENVIRONMENT", "RUST_LOG", "LOG_FORMAT", "DATABASE_URL", "DOCS_PATH", "ENABLE_PROFILING")


def environment(**settings):
    """The caller's environment without settings of ours, and then these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name not in OURS_EXACTLY}
    return clean | settings


def settings(folder):
    """Any free ports, and a store in this folder; no DOCS_PATH, so that the toolchain's own books are indexed."""
    return {
        "MCP_ADDR": "127.0.0.1:0",
        "ADMIN_ADDR": "127.0.0.1:0",
        "DATABASE_URL": f"sqlite://{folder}/docs.db",
    }


class Server:
    """A running server, with these settings changed. Use as a context manager: it never outlives the block."""

    def __init__(self, binary, folder, **changed):
        self.process = subprocess.Popen(
            [binary],
            env=environment(**settings(folder) | changed),
            stdin=subprocess.DEVNULL,
            stdout=open(f"{folder}/stdout.log", "wb"),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.log = pathlib.Path(folder, "stdout.log")
        self.urls = {}
        self.said = []
        self.told = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if found := ADDRESS.match(line):
                self.urls[found[1]] = found[2]
            if {"mcp", "admin"} <= self.urls.keys():
                self.told.set()
        self.told.set()

    def __enter__(self):
        if not self.told.wait(START_SECONDS) or not {"mcp", "admin"} <= self.urls.keys():
            self.kill()
            raise RuntimeError(f"no addresses within {START_SECONDS} s; it said: {self.said[-5:]}")
        return self

    def __exit__(self, *_):
        self.kill()

    def address(self, name):
        """Host and port of `mcp` or `admin`."""
        url = urllib.parse.urlsplit(self.urls[name])
        return url.hostname, url.port

    def until_ready(self):
        """Waits until ingestion is complete; gives the seconds that it took."""
        started = time.monotonic()
        while time.monotonic() - started < READY_SECONDS:
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}; it said: {self.said[-5:]}")
            reply = wire.get(self.address("admin"), "/readyz")
            if reply.status == 200:
                return time.monotonic() - started
            time.sleep(0.25)
        raise RuntimeError(f"not ready within {READY_SECONDS} s: {reply.status} {reply.text()}")

    def panics(self):
        """The lines that tell of one."""
        return [line for line in self.said + self.log.read_text(errors="replace").splitlines() if "panicked" in line]

    def terminate(self):
        """SIGTERM; gives its exit code and the seconds until its end."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS), time.monotonic() - started

    def kill(self):
        """Ends this very process, if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def refused(binary, folder, arguments=(), **changed):
    """Starts it with settings that it must refuse; gives its exit code and what it said on stderr."""
    values = settings(folder) | changed
    process = subprocess.Popen(
        [binary, *arguments],
        env=environment(**values),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        _, said = process.communicate(timeout=START_SECONDS)
        return process.returncode, said
    except subprocess.TimeoutExpired:
        return "still running", ""
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()

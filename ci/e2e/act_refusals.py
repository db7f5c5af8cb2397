"""Act: what the server must refuse at its start, with the right exit code and a sentence that helps."""

import pathlib
import socket

from checks import want
from server import refused

START_UP, USAGE = 1, 64

# A variable, a value that is none, and a word of what is allowed.
BAD_SETTINGS = (
    ("OTEL_TRACE_SAMPLE_RATE", "plenty", "1"),
    ("ENABLE_PROFILING", "perhaps", "cpu"),
    ("LOG_FORMAT", "xml", "json"),
    ("MCP_ADDR", "nowhere", ":"),
    ("ADMIN_ADDR", "nowhere", "off"),
)


def run(options, checks, folder):
    binary = options.binary
    taken_ports(binary, checks, folder)
    for name, value, allowed in BAD_SETTINGS:
        with checks.check(f"refuses {name}={value}"):
            code, said = refused(binary, folder, **{name: value})
            want(code == USAGE, f"exit code {code}: {said}")
            for word in (name, value, allowed):
                want(word in said, f"`{word}` is not named: {said}")
    with checks.check("refuses an open admin port without a token"):
        code, said = refused(binary, folder, ADMIN_ADDR="0.0.0.0:0")
        want(code not in (0, "still running") and "ADMIN_TOKEN" in said, f"exit code {code}: {said}")
    with checks.check("refuses a store that is no database"):
        store = pathlib.Path(folder, "no-database.db")
        store.write_text("These are words, and no database.\n" * 100)
        code, said = refused(binary, folder, DATABASE_URL=f"sqlite://{store}")
        want(code == START_UP and is_sentence(said), f"exit code {code}: {said}")
    with checks.check("refuses a DOCS_PATH that does not exist"):
        missing = f"{folder}/no/such/folder"
        code, said = refused(binary, folder, DOCS_PATH=missing, DATABASE_URL=f"sqlite://{folder}/empty.db")
        want(code not in (0, "still running") and missing in said, f"exit code {code}: {said}")


def taken_ports(binary, checks, folder):
    for name in ("MCP_ADDR", "ADMIN_ADDR"):
        with checks.check(f"refuses a taken port ({name})"), socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            code, said = refused(binary, folder, **{name: f"127.0.0.1:{port}"})
            want(code == START_UP and is_sentence(said) and str(port) in said, f"exit code {code}: {said}")


def is_sentence(said):
    """One line for a person, and no panic."""
    lines = [line for line in said.splitlines() if line.strip()]
    return len(lines) == 1 and "panicked" not in said

"""Act: the same conversations over stdio, on the store that the HTTP server has filled; and nothing but the protocol on
stdout."""

import json
import subprocess

import wire
from act_clients import client
from checks import want
from server import environment

STDIO_SECONDS = 60


def run(options, checks, folder):
    env = environment(DATABASE_URL=f"sqlite://{folder}/docs.db")
    for script, python in (("talk_2.py", options.python_2), ("talk_1.py", options.python_1)):
        for part in ("talk", "cancel"):
            client(checks, python, script, part, "--stdio", options.binary, env=env)
    with checks.check("stdio: only the protocol is on stdout, and the end of input ends it"):
        only_protocol(options.binary, env)


def only_protocol(binary, env):
    body, _ = wire.modern("tools/list")
    process = subprocess.Popen(
        [binary, "stdio"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        process.stdin.write(body + b"\n")
        process.stdin.flush()
        first = process.stdout.readline()
        rest, _ = process.communicate(timeout=STDIO_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    messages = [json.loads(line) for line in (first + rest).splitlines() if line.strip()]
    want(any("tools" in message.get("result", {}) for message in messages), f"{messages}")
    want(all(message.get("jsonrpc") == "2.0" for message in messages), f"{messages}")
    want(process.returncode == 0, f"exit code {process.returncode}")

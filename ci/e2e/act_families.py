"""Act: real MCP clients of the Go and JVM families, built from `families/`, each against a server of its own that is
restarted under it; and the log that this server leaves. What the clients are asked to do stands with them.

By hand: `python3 act_families.py --binary PATH --work FOLDER [--only NAME ...]`; the folder keeps what was built.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time

from checks import Checks, one_line, want
from embedder import Embedder
from programs import free_port
from server import DOCUMENTS, Server

HERE = pathlib.Path(__file__).parent / "families"
CLIENT_SECONDS = 180
BUILD_SECONDS = 1200

# Folder of the program, and what it is told. By themselves the first two speak a revision that has no sessions.
GO = {
    "go-sdk": ("gosdk",),
    "mcp-go": ("mcpgo",),
    "trpc-mcp-go": ("trpc",),
    "go-sdk-session": ("gosdk", "-revision", "2025-11-25"),
    "mcp-go-session": ("mcpgo", "-revision", "2025-11-25"),
}
# Module, main class, and what the build is told.
JVM = {
    "java-sdk-2.0.1": ("java-sdk", "families.JavaSdk", "-Dmcp.version=2.0.1"),
    "java-sdk-2.1.0": ("java-sdk", "families.JavaSdk", "-Dmcp.version=2.1.0"),
    "langchain4j": ("langchain4j", "families.Langchain4j"),
    "kotlin-sdk": ("kotlin", "families.KotlinKt"),
}
QUICK = ("go-sdk", "mcp-go", "trpc-mcp-go", "java-sdk-2.0.1")
REST = tuple(name for name in (*GO, *JVM) if name not in QUICK)


def run(binary, folder, checks, programs):
    """`programs` is what `build` gave, names and commands; the folder takes stores and logs."""
    with Embedder() as embedder:
        for name, command in programs.items():
            print(f"--- {name} ---", flush=True)
            own = pathlib.Path(folder, name)
            own.mkdir(parents=True)
            started = time.monotonic()
            made = None
            served = Served(binary, own, embedder)
            with checks.check(f"{name} and its server run to their end"), served:
                made = talk(command, served, checks)
                served.end()
            print(f"  after {time.monotonic() - started:.1f} s", flush=True)
            judge(name, served.lines, made, checks)


class Served:
    """A client's server: before and after its restart the same port and the same store. A context manager."""

    def __init__(self, binary, folder, embedder):
        self.binary, self.folder = binary, folder
        self.settings = {"MCP_ADDR": f"127.0.0.1:{free_port()}", "DOCS_PATH": str(DOCUMENTS), **embedder.settings()}
        self.lines = []

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.server = Server(self.binary, self.folder, LOG_FORMAT="json", **self.settings)
        self.server.__enter__()
        try:
            self.server.until_ready()
        except BaseException:
            self.server.kill()
            raise

    def end(self):
        """Ends it as an operator does, and keeps what it wrote: the next one writes from its file's beginning on."""
        code, _ = self.server.terminate()
        written = self.server.log.read_text(errors="replace")
        with open(self.folder / "server.log", "a") as whole:
            whole.write(written)
        self.lines += [json.loads(line) for line in written.splitlines()]
        want(code == 0, f"the server's exit code is {code}")
        want(not self.server.panics(), f"{self.server.panics()[:3]}")

    def restart(self):
        self.end()
        self.start()

    def __exit__(self, *_):
        self.server.kill()


def talk(command, served, checks):
    """Runs a client's program, whose counts join ours; gives how many calls of tools it made."""
    log = served.folder / "client.log"
    with open(log, "wb") as errors:
        command = [*command, served.server.urls["mcp"]]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
    late = threading.Timer(CLIENT_SECONDS, process.kill)
    late.start()
    said = ""
    try:
        for line in process.stdout:
            if line == "RESTART\n":
                served.restart()
                process.stdin.write("it runs again\n")
                process.stdin.flush()
            else:
                print(line, end="", flush=True)
                said += line
    finally:
        late.cancel()
        process.kill()
        process.communicate()
    counts = re.search(r"^(\d+) passed, (\d+) failed$", said, re.MULTILINE)
    want(counts, f"it did not come to its counts; it said: {one_line(log.read_text(errors='replace')[-600:])}")
    checks.add(int(counts[1]), int(counts[2]))
    return int(re.search(r"^calls (\d+)$", said, re.MULTILINE)[1])


def judge(name, lines, made, checks):
    """What the server wrote while it served one client."""
    with checks.check(f"{name}: rmcp has nothing to warn of in the server's log"):
        loud = [line for line in lines if line["level"] in ("WARN", "ERROR") and line["target"].startswith("rmcp")]
        want(not loud, f"{len(loud)} lines, the first: {json.dumps(loud[:1])}")
    with checks.check(f"{name}: each request stands in the server's log once, by an id of its own"):
        requests = [line for line in lines if line["message"] == "request"]
        times = collections.Counter(line.get("correlation_id") for line in requests)
        want(None not in times, "a request has no correlation id")
        want(set(times.values()) == {1}, f"ids and how often: {times.most_common(3)}")
        calls = sum(line["method"] == "tools/call" for line in requests)
        want(calls == made, f"{made} calls of tools were made, {calls} are in the log")


def build(cache, names, checks):
    """Builds these, each only if what it is built from has changed; gives the commands of those that could be built."""
    programs = {}
    for name in names:
        with checks.check(f"{name} is built"):
            started = time.monotonic()
            programs[name] = go(cache, *GO[name]) if name in GO else jvm(cache, name, *JVM[name])
            print(f"  after {time.monotonic() - started:.1f} s", flush=True)
    return programs


def go(cache, program, *told):
    """All programs are built at once: they share most of what they are built from."""
    out, source = pathlib.Path(cache, "go"), HERE / "go"

    def compile():
        # A folder that ends with a slash takes the programs, and packages without one are only compiled.
        execute([["go", "build", "-o", f"{out}/", "./..."]], source)

    once(out, [source], "", compile)
    return [str(out / program), *told]


def jvm(cache, name, module, main, *told):
    out, source = pathlib.Path(cache, name), HERE / "jvm"

    def package():
        maven = ["mvn", "-q", "-B", "-pl", module, "-am", "package", f"-Dout={out}", *told]
        execute([maven, [*maven, "-o"]], source)

    once(out, [source / "pom.xml", source / "talk", source / module], f"{told}", package)
    return ["java", "-cp", f"{out / module}/{module}-1.jar:{out / module}/lib/*", main]


def once(out, sources, told, make):
    """Makes `out` anew, unless it was made from these very sources."""
    stamp = out / "made-from"
    files = sorted(file for source in sources for file in [source, *source.rglob("*")] if file.is_file())
    now = hashlib.sha256(told.encode())
    for file in files:
        now.update(f"{file.relative_to(HERE)}\n".encode() + file.read_bytes())
    if stamp.exists() and stamp.read_text() == now.hexdigest():
        return
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    make()
    stamp.write_text(now.hexdigest())


def execute(commands, folder):
    """The first of these that succeeds; says what the first one said if none does."""
    said = []
    for command in commands:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=BUILD_SECONDS
        )
        if done.returncode == 0:
            return
        said.append(done.stdout)
    raise RuntimeError(f"{commands[0][0]} failed: {one_line(said[0])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--work", required=True, help="a folder for what is built and for what the runs leave")
    parser.add_argument("--only", nargs="+", choices=(*QUICK, *REST), default=(*QUICK, *REST), help="these by themselves")
    options = parser.parse_args()
    work = pathlib.Path(options.work).resolve()
    shutil.rmtree(work / "runs", ignore_errors=True)
    checks = Checks()
    programs = build(work / "built", options.only, checks)
    run(options.binary, work / "runs", checks, programs)
    checks.end()


if __name__ == "__main__":
    main()

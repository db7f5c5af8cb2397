"""Drives the real binary from end to end: the acts in their order. What each act checks stands in its own file.

Only the standard library; the official clients run in environments of their own. Prints `ok NAME` or
`FAILED NAME: why` for each check, and `N passed, N failed` as the last line.
"""

import argparse
import pathlib
import tempfile

import act_admin
import act_bad_input
import act_clients
import act_ports
import act_refusals
import act_stdio
from checks import Checks, want
from server import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--python-1", required=True, help="an interpreter with the client 1.x")
    parser.add_argument("--python-2", required=True, help="an interpreter with the client 2.x")
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        with checks.check("the server runs from its start to its end"):
            serve(options, checks, folder)
        act_stdio.run(options, checks, folder)
        act_refusals.run(options, checks, folder)
    checks.end()


def serve(options, checks, folder):
    with Server(options.binary, folder) as server:
        with checks.check("ready once the toolchain's books are indexed"):
            print(f"  after {server.until_ready():.1f} s", flush=True)
        act_ports.run(server, checks)
        act_clients.run(options, server, checks)
        act_bad_input.run(server, checks)
        act_admin.run(server, checks, pathlib.Path(folder))
        with checks.check("SIGTERM ends it within 10 s, with exit code 0"):
            code, seconds = server.terminate()
            print(f"  after {seconds:.1f} s", flush=True)
            want(code == 0, f"exit code {code}")
        with checks.check("nothing panicked"):
            log = pathlib.Path(folder, "stdout.log").read_text(errors="replace").splitlines()
            panics = [line for line in server.said + log if "panicked" in line]
            want(not panics, f"{panics[:3]}")


if __name__ == "__main__":
    main()

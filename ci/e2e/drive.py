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
import act_crowd
import act_disk
import act_families
import act_ports
import act_prometheus
import act_proxies
import act_refusals
import act_stdio
import act_traces
from checks import Checks, want
from server import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--python-1", required=True, help="an interpreter with the client 1.x")
    parser.add_argument("--python-2", required=True, help="an interpreter with the client 2.x")
    parser.add_argument("--python-prometheus", required=True, help="an interpreter with prometheus-client")
    parser.add_argument("--python-rotel", required=True, help="an interpreter with rotel, a collector of traces")
    parser.add_argument("--work", required=True, help="the example that has spans of its own")
    parser.add_argument("--families", required=True, help="a folder that keeps the clients of other families, built")
    parser.add_argument("--long", action="store_true", help="all of those clients, and crowds in their full number")
    parser.add_argument("--only", choices=ACTS, help="one act by itself")
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        for name, act in ACTS.items():
            if options.only in (None, name):
                act(options, checks, folder)
    checks.end()


def serve(options, checks, folder):
    with checks.check("the server runs from its start to its end"), Server(options.binary, folder) as server:
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
            want(not server.panics(), f"{server.panics()[:3]}")


def families(options, checks, folder):
    names = (*act_families.QUICK, *act_families.REST) if options.long else act_families.QUICK
    own = pathlib.Path(folder, "families")
    own.mkdir()
    act_families.run(options.binary, own, checks, act_families.build(pathlib.Path(options.families).resolve(), names, checks))


def crowd(options, checks, folder):
    if options.long:
        act_crowd.run(options.binary, folder, checks)
    else:
        act_crowd.run(options.binary, folder, checks, seconds=8, scale=0.2)


# Those that start a server of their own; stdio takes the store that the first one fills, if it has run.
ACTS = {
    "serve": serve,
    "stdio": act_stdio.run,
    "refusals": act_refusals.run,
    "prometheus": act_prometheus.run,
    "traces": act_traces.run,
    "families": families,
    "proxies": lambda options, checks, folder: act_proxies.run(options.binary, folder, checks),
    "crowd": crowd,
    "disk": lambda options, checks, folder: act_disk.run(options.binary, folder, checks),
}

if __name__ == "__main__":
    main()

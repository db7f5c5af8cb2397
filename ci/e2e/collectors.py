"""Starts a real collector of traces, rotel, between our server and a receiver of our own, and says where it listens.
What comes out of it is judged elsewhere."""

import pathlib
import socket
import subprocess

from programs import Program, free_port

FIND_SECONDS = 30
# Its interpreter says where the package keeps its program.
FIND = "import importlib.util as it; print(it.find_spec('rotel').origin)"


class Rotel(Program):
    """Takes OTLP over HTTP, and hands it on by OTLP over HTTP."""

    def __init__(self, python, folder, receiver):
        super().__init__("rotel", folder)
        done = subprocess.run([python, "-c", FIND], capture_output=True, text=True, timeout=FIND_SECONDS, check=True)
        self.address = ("127.0.0.1", free_port())
        self.url = f"http://127.0.0.1:{self.address[1]}"
        options = {
            "otlp-http-endpoint": f"127.0.0.1:{self.address[1]}",
            "otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
            "pid-file": self.folder / "pid",
            "log-file": self.folder / "daemon.log",
            "exporter": "otlp",
            "otlp-exporter-endpoint": receiver,
            "otlp-exporter-protocol": "http",
            "batch-timeout": "50ms",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.start([str(pathlib.Path(done.stdout.strip()).parent / "rotel-agent"), "start", *words])

    def is_ready(self):
        with socket.create_connection(self.address, timeout=1):
            return True

"""Starts the real Prometheus and VictoriaMetrics on loopback, each in a folder of its own, lets them scrape one target,
and asks them. Knows no series. A service of theirs that the system runs is left alone."""

import json
import pathlib
import socket
import subprocess
import time
import urllib.parse

import wire
from checks import one_line, want

START_SECONDS = 30
END_SECONDS = 10
JOB = "mcp"
CONFIG = """\
global:
  scrape_interval: 2s
  scrape_timeout: 2s
scrape_configs:
  - job_name: {job}
    static_configs:
      - targets: ["{target}"]
"""


class Scraper:
    """A running one. Use as a context manager: it never outlives the block."""

    ready = "/-/ready"

    def __init__(self, name, folder, target):
        self.name = name
        self.folder = pathlib.Path(folder, name.replace(" ", "-"))
        self.folder.mkdir()
        config = self.folder / "scrape.yml"
        config.write_text(CONFIG.format(job=JOB, target=f"{target[0]}:{target[1]}"))
        self.address = ("127.0.0.1", free_port())
        self.log = self.folder / "log"
        self.process = subprocess.Popen(
            self.command(config, f"{self.address[0]}:{self.address[1]}", self.folder / "data"),
            stdin=subprocess.DEVNULL,
            stdout=open(self.log, "wb"),
            stderr=subprocess.STDOUT,
        )

    def __enter__(self):
        try:
            self._until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _until_ready(self):
        started = time.monotonic()
        while time.monotonic() - started < START_SECONDS and self.process.poll() is None:
            try:
                if wire.get(self.address, self.ready).status == 200:
                    return
            except OSError:
                pass  # it does not listen yet
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not start: {one_line(self.log.read_text(errors='replace')[-600:])}")

    def __exit__(self, *_):
        """Ends this very process."""
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def get(self, path, **parameters):
        """The data of an API's answer."""
        reply = wire.get(self.address, f"{path}?{urllib.parse.urlencode(parameters)}")
        want(reply.status == 200, f"{self.name}: {parameters} {reply.status} {reply.text()[:300]}")
        return json.loads(reply.body)["data"]

    def ask(self, query):
        """The numbers that a PromQL query gives now."""
        return [float(it["value"][1]) for it in self.get("/api/v1/query", query=query)["result"]]

    def trouble(self):
        """What it says of its last scrape that failed."""
        return [target["lastError"] for target in self.get("/api/v1/targets")["activeTargets"]]

    def exemplars(self, series, seconds):
        """Labels of all exemplars of a series, from so long ago until now."""
        now = time.time()
        data = self.get("/api/v1/query_exemplars", query=series, start=now - seconds, end=now + 1)
        return [exemplar["labels"] for it in data for exemplar in it["exemplars"]]


class Prometheus(Scraper):
    """Asks for protobuf where it stores native histograms, else for OpenMetrics."""

    def __init__(self, name, folder, target, features):
        self.features = features
        super().__init__(name, folder, target)

    def command(self, config, address, data):
        return [
            "prometheus",
            f"--config.file={config}",
            f"--web.listen-address={address}",
            f"--storage.tsdb.path={data}",
            f"--enable-feature={self.features}",
            "--log.level=warn",
        ]


class VictoriaMetrics(Scraper):
    """Asks for text 0.0.4."""

    ready = "/health"

    def command(self, config, address, data):
        return [
            "victoria-metrics",
            f"-promscrape.config={config}",
            f"-httpListenAddr={address}",
            f"-storageDataPath={data}",
            "-search.latencyOffset=1ms",  # else the last 30 s are not shown
            "-search.disableCache",
            "-loggerLevel=WARN",
        ]


def free_port():
    """A port that nobody has: neither program takes 0 and says which one it got."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]

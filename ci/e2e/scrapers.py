"""Starts the real Prometheus and VictoriaMetrics on loopback, each in a folder of its own, lets them scrape one target,
and asks them. Knows no series. A service of theirs that the system runs is left alone."""

import json
import time
import urllib.parse

import wire
from checks import want
from programs import Program, free_port

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


class Scraper(Program):
    """A running one. Use as a context manager: it never outlives the block."""

    ready = "/-/ready"

    def __init__(self, name, folder, target):
        super().__init__(name, folder)
        config = self.folder / "scrape.yml"
        config.write_text(CONFIG.format(job=JOB, target=f"{target[0]}:{target[1]}"))
        self.address = ("127.0.0.1", free_port())
        self.start(self.command(config, f"{self.address[0]}:{self.address[1]}", self.folder / "data"))

    def is_ready(self):
        return wire.get(self.address, self.ready).status == 200

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

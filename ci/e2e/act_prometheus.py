"""Act: the real Prometheus, once with native histograms (it asks for protobuf) and once without (for OpenMetrics), and
VictoriaMetrics (for text) scrape a server under load, and answer questions about it. The page itself is judged by two
acts that run here because they need the same load."""

import json
import math
import pathlib
import subprocess
import time

import act_page
import act_steady
import pages
import wire
from checks import want
from fakes import Collector, Model
from load import Load
from scrapers import JOB, Prometheus, VictoriaMetrics
from server import Server, environment

# There are only as many as the system allows: a control group without a limit has none.
OF_THE_SYSTEM = {
    "cgroup_cpu_limit",
    "cgroup_cpu_throttled_periods_total",
    "cgroup_memory_limit_bytes",
    "cgroup_memory_usage_bytes",
}
CATALOG_SECONDS = 30
# A catalogue with fewer has lost some.
LEAST_SERIES = 50
CALLS = "mcp_server_operation_duration_seconds"
LEAST_SCRAPES = 3  # one in two seconds; Prometheus begins 5 s after its start
SECONDS = 60  # longer than the act has run when it asks
SETTLE_SECONDS = 20
# Interpolation in buckets of 1, 2, 5 against buckets of 9 %: within this factor they mean the same.
CLOSE = 3


def run(options, checks, folder):
    folder = pathlib.Path(folder, "prometheus")
    folder.mkdir()
    with checks.check("the server and its scrapers run from their start to their end"):
        with Collector() as collector, Model() as model:
            settings = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_TRACE_SAMPLE_RATE": "1",  # every call is an exemplar
                "EMBEDDINGS_URL": f"{model.url}/v1/embeddings",  # the built-in model counts no tokens
                "EMBEDDINGS_MODEL": "small",
            }
            with Server(options.binary, folder, **settings) as server:
                scrape(options, checks, folder, server, collector)
                code, _ = server.terminate()
                want(code == 0 and not server.panics(), f"exit code {code}, {server.panics()[:3]}")


def scrape(options, checks, folder, server, collector):
    target = server.address("admin")
    with (
        Prometheus("Prometheus with native histograms", folder, target, "exemplar-storage,native-histograms") as native,
        Prometheus("Prometheus", folder, target, "exemplar-storage") as classic,
        VictoriaMetrics("VictoriaMetrics", folder, target) as victoria,
    ):
        with checks.check("a change is taken, so that it can be counted"):
            changed = wire.request(target, "PUT", "/trace/sampling", body=b"1")
            want(changed.status == 200, f"{changed.status} {changed.text()[:300]}")
        with checks.check("every request of the load is answered as it should be"), Load(server) as load:
            print(f"  ready after {server.until_ready():.1f} s", flush=True)
            act_steady.run(server, checks)
            print(f"  {load.requests} requests", flush=True)
            want(not load.wrong, f"{len(load.wrong)} are not, the first: {load.wrong[:1]}")
        act_page.run(server, checks, options.python_prometheus)
        every_scrape(checks, (native, classic, victoria))
        every_series(options, checks, server, native, (classic, victoria))
        same_calls(checks, server, native, (classic, victoria))
        quantiles(checks, native, (classic, victoria))
        exemplars(checks, collector, native, CALLS)
        exemplars(checks, collector, classic, f"{CALLS}_bucket")


def every_scrape(checks, scrapers):
    for scraper in scrapers:
        with checks.check(f"{scraper.name}: the target is up, and was at every scrape"):
            up, worst, count = (
                scraper.ask(f'{of}(up{{job="{JOB}"}}[{SECONDS}s])')
                for of in ("last_over_time", "min_over_time", "count_over_time")
            )
            print(f"  scrapes: {count}", flush=True)
            want(up == worst == [1], f"up: {up}, the worst: {worst}: {scraper.trouble()}")
            want(count and count[0] >= LEAST_SCRAPES, f"{count} scrapes")
        with checks.check(f"{scraper.name}: its log complains of nothing"):
            said = scraper.log.read_text(errors="replace").splitlines()
            want(not said, f"{len(said)} lines, the first: {said[:1]}")


def every_series(options, checks, server, native, others):
    """All that the catalogue declares; a histogram must have been recorded in."""
    command = [options.binary, "catalog", "--format", "json"]
    done = subprocess.run(command, env=environment(), capture_output=True, timeout=CATALOG_SECONDS)
    declared = {it["series"]: it["kind"] for it in json.loads(done.stdout)}
    absent = OF_THE_SYSTEM - pages.scrape(server.address("admin")).kinds.keys()
    wanted = {series: kind for series, kind in declared.items() if series not in absent}
    histograms = {series for series, kind in wanted.items() if kind == "histogram"}
    with checks.check(f"{native.name}: every series of the catalogue has data, histograms native ones"):
        print(f"  {len(wanted)} series; the system has no {', '.join(sorted(absent)) or 'series less'}", flush=True)
        none = [it for it in wanted if not native.ask(f"histogram_count({it}) > 0" if it in histograms else it)]
        want(len(wanted) >= LEAST_SERIES and not none, f"{len(wanted)} series, none of {none}")
    with checks.check(f"{native.name}: every series is of the kind that the catalogue says"):
        known = {it["metric"]: it["type"] for it in native.get("/api/v1/targets/metadata")}
        other = {series: known.get(series) for series, kind in wanted.items() if known.get(series) != kind}
        want(not other, f"{other}")
    for scraper in others:
        with checks.check(f"{scraper.name}: every series of the catalogue has data"):
            none = [it for it in wanted if not scraper.ask(f"{it}_count > 0" if it in histograms else it)]
            want(not none, f"none of {none}")


def same_calls(checks, server, native, others):
    """The load is over: what stands on the page must stand in every store."""
    for scraper in (native, *others):
        count = f"sum(histogram_count({CALLS}))" if scraper is native else f"sum({CALLS}_count)"
        for query, family in (("sum(mcp_server_requests_total)", "mcp_server_requests_total"), (count, CALLS)):
            with checks.check(f"{scraper.name}: {query} is what the page says"):
                got, shown = settled(server, scraper, query, family)
                print(f"  {shown:g}", flush=True)
                want(shown > 0 and got == [shown], f"{got}, and not {shown}")


def settled(server, scraper, query, family):
    """The store's number and the page's: the store is a scrape behind, and the server may still count a last call."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        got, shown = scraper.ask(query), pages.scrape(server.address("admin")).total(family)
        if got == [shown] or time.monotonic() > deadline:
            return got, shown
        time.sleep(0.25)


def quantiles(checks, native, others):
    """Both Prometheus look at the same calls for as long; VictoriaMetrics looks sooner, and so at others too."""
    found = {}
    for scraper in (native, *others):
        classic = f"sum by (le) (rate({CALLS}_bucket[{SECONDS}s]))"
        rates = f"sum(rate({CALLS}[{SECONDS}s]))" if scraper is native else classic
        query = f"histogram_quantile(0.9, {rates})"
        with checks.check(f"{scraper.name}: {query} is a number"):
            got = scraper.ask(query)
            want(len(got) == 1 and math.isfinite(got[0]) and 0 < got[0] < 30, f"{got}")
            found[scraper.name] = got[0]
    with checks.check("the native and the classic buckets say about the same"):
        print(f"  {', '.join(f'{name}: {seconds * 1000:.2f} ms' for name, seconds in found.items())}", flush=True)
        same = [found[name] for name in (native.name, others[0].name) if name in found]
        want(len(same) == 2 and max(same) < CLOSE * min(same), f"{found}")


def exemplars(checks, collector, scraper, series):
    with checks.check(f"{scraper.name}: every exemplar of {series} is a trace that the collector has"):
        labels = scraper.exemplars(series, SECONDS)
        print(f"  {len(labels)} exemplars, {len(collector.traces)} traces", flush=True)
        strangers = [it for it in labels if it.get("trace_id") not in collector.traces]
        want(labels and not strangers, f"{len(labels)} in all, strangers: {strangers[:3]}")

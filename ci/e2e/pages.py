"""Our metrics page as numbers, whichever form it has. Trusts the form: that it is well formed is judged by the
official parsers and by the scrapers themselves."""

import dataclasses
import itertools
import re

import protobuf
import wire
from checks import want

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
FORMS = (TEXT, OPEN_METRICS, PROTOBUF)

LABELS = r'(?:[^"{}]|"(?:[^"\\]|\\.)*")*'
SAMPLE = re.compile(rf"^([a-zA-Z_:][\w:]*)(?:{{({LABELS})}})? (\S+)(?: # {{{LABELS}}} (\S+) \S+)?$")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
KINDS = {0: "counter", 1: "gauge", 4: "histogram"}
INFINITY = float("inf")


@dataclasses.dataclass
class Histogram:
    """One series: pairs of a bound and how many are up to it, in their order; `native` is how many its native buckets
    hold, `exemplars` are pairs of a bound and a value."""

    buckets: list = dataclasses.field(default_factory=list)
    sum: float = None
    count: float = None
    native: int = None
    exemplars: list = dataclasses.field(default_factory=list)

    def wrong(self):
        """What it contradicts itself in, or nothing."""
        if not self.buckets:
            return "it has no buckets"
        bounds, counts = zip(*self.buckets)
        if list(bounds) != sorted(set(bounds)) or bounds[-1] != INFINITY:
            return f"bounds {bounds}"
        if list(counts) != sorted(counts):
            return f"its buckets are not cumulative: {counts}"
        if counts[-1] != self.count:
            return f"up to +Inf there are {counts[-1]}, and {self.count} in all"
        if self.native not in (None, self.count):
            return f"in its native buckets there are {self.native}, and {self.count} in all"
        below = dict(zip(bounds, (-INFINITY, *bounds)))
        outside = [(value, bound) for bound, value in self.exemplars if not below[bound] < value <= bound]
        return f"an exemplar lies outside of its bucket: {outside[0]}" if outside else None


class Page:
    """Kinds by family (a counter by its whole name), single numbers and histograms by family and labels."""

    def __init__(self):
        self.kinds = {}
        self.numbers = {}
        self.histograms = {}

    def growing(self):
        """All that may only grow, by name and labels."""
        numbers = {key: value for key, value in self.numbers.items() if self.kinds[key[0]] == "counter"}
        for (name, labels), it in self.histograms.items():
            numbers |= {(f"{name}_bucket", labels, bound): count for bound, count in it.buckets}
            numbers |= {(f"{name}_sum", labels): it.sum, (f"{name}_count", labels): it.count}
        return numbers

    def total(self, name):
        """The sum of a family: of its numbers, or of its histograms' counts."""
        counts = [it.count for (family, _), it in self.histograms.items() if family == name]
        return sum(counts + [value for (family, _), value in self.numbers.items() if family == name])


def fetch(address, form=TEXT, query=""):
    """A page in this form and no other."""
    reply = wire.get(address, f"/metrics{query}", {"Accept": form})
    want(reply.status == 200, f"{reply.status} {reply.text()[:300]}")
    want(reply.headers["content-type"] == form, f"{form} was asked for, and {reply.headers['content-type']} came")
    return reply.body


def read(body, form):
    """A page from its body."""
    return read_protobuf(body) if form == PROTOBUF else read_text(body.decode(), form == OPEN_METRICS)


def scrape(address, form=TEXT, query=""):
    """Both."""
    return read(fetch(address, form, query), form)


def add(series, key, value):
    """One that is new: a second of the same labels goes unseen, also by the official parser of OpenMetrics."""
    want(key not in series, f"{key} is there twice")
    series[key] = value


def shown(labels):
    """Labels, in one order whatever the page has."""
    return ",".join(f'{name}="{labels[name]}"' for name in sorted(labels))


def read_text(text, is_open_metrics):
    page = Page()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            name += "_total" if is_open_metrics and kind == "counter" else ""
            page.kinds[name] = kind
        elif not line.startswith("#"):
            found = SAMPLE.match(line)
            want(found, f"no sample: {line}")
            put(page, found[1], dict(LABEL.findall(found[2] or "")), float(found[3]), found[4])
    return page


def put(page, name, labels, value, exemplar):
    family, _, part = name.rpartition("_")
    if page.kinds.get(family) != "histogram":
        add(page.numbers, (name, shown(labels)), value)
        return
    bound = float(labels.pop("le", "nan"))
    it = page.histograms.setdefault((family, shown(labels)), Histogram())
    if part == "bucket":
        it.buckets.append((bound, value))
        it.exemplars += [(bound, float(exemplar))] if exemplar else []
    else:
        want(getattr(it, part) is None, f"{name} {shown(labels)} is there twice")
        setattr(it, part, value)


def read_protobuf(body):
    """MetricFamily: name 1, type 3, metric 4; Metric: label 1, gauge 2, counter 3, histogram 7."""
    page = Page()
    for family in protobuf.delimited(body):
        name, kind = protobuf.at(family, (1,))[0].decode(), KINDS[(protobuf.at(family, (3,)) or [0])[0]]
        page.kinds[name] = kind
        for metric in protobuf.at(family, (4,)):
            pairs = [dict(protobuf.fields(label)) for label in protobuf.at(metric, (1,))]
            key = name, shown({pair[1].decode(): pair[2].decode() for pair in pairs})
            if kind == "histogram":
                add(page.histograms, key, read_histogram(protobuf.at(metric, (7,))[0]))
            else:
                add(page.numbers, key, protobuf.at(metric, (3 if kind == "counter" else 2, 1))[0])
    return page


def read_histogram(message):
    """Histogram: count 1, sum 2, bucket 3 (count 1, bound 2, exemplar 3 (value 2)), zero_count 7, positive_delta 13."""
    it = Histogram(sum=protobuf.at(message, (2,))[0], count=protobuf.at(message, (1,))[0])
    for bucket in protobuf.at(message, (3,)):
        bound = protobuf.at(bucket, (2,))[0]
        it.buckets.append((bound, protobuf.at(bucket, (1,))[0]))
        it.exemplars += [(bound, value) for value in protobuf.at(bucket, (3, 2))]
    deltas = itertools.chain.from_iterable(map(protobuf.packed, protobuf.at(message, (13,))))
    it.native = sum(protobuf.at(message, (7,))) + sum(itertools.accumulate(deltas))
    return it

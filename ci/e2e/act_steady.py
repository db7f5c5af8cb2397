"""Act: under load, scraped every 100 ms in each form by turns, no number that only grows goes back, none is gone again,
and every histogram agrees with itself."""

import itertools
import time

import pages
from checks import want

SECONDS = 10
EVERY = 0.1
# A machine at its limit may be late with some.
LEAST = 0.7 * SECONDS / EVERY


def run(server, checks):
    taken = []  # without any there is nothing more to judge
    with checks.check(f"/metrics: a page every {EVERY * 1000:g} ms for {SECONDS} s, in each form by turns"):
        bodies = list(scraped(server.address("admin")))
        taken = [pages.read(body, form) for body, form in bodies]
        print(f"  {len(taken)} pages", flush=True)
        want(len(taken) >= LEAST, f"{len(taken)} pages")
    if not taken:
        return
    with checks.check("/metrics: nothing that only grows goes back, from any page to any later one"):
        wrong = went_back(taken)
        want(not wrong, f"{len(wrong)}, the first: {wrong[:1]}")
    with checks.check("/metrics: the load is seen in these pages"):
        first, last = (taken[at].total("mcp_server_requests_total") for at in (0, -1))
        want(last >= first + SECONDS, f"{first:g} requests at the first, {last:g} at the last")
    with checks.check("/metrics: every histogram of every page agrees with itself, exemplars too"):
        all_of = [(key, it) for page in taken for key, it in page.histograms.items()]
        exemplars, natives = sum(len(it.exemplars) for _, it in all_of), sum(it.native is not None for _, it in all_of)
        print(f"  {len(all_of)} histograms, {natives} of them native too, {exemplars} exemplars", flush=True)
        wrong = [f"{key}: {it.wrong()}" for key, it in all_of if it.wrong()]
        want(all_of and natives and exemplars, "there are none")
        want(not wrong, f"{len(wrong)}, the first: {wrong[:1]}")


def scraped(admin):
    """Bodies and forms; read only afterwards, so that reading does not slow the next."""
    started = time.monotonic()
    for at, form in zip(range(round(SECONDS / EVERY)), itertools.cycle(pages.FORMS)):
        late = time.monotonic() - started - at * EVERY
        if late > SECONDS - at * EVERY:
            return
        time.sleep(max(0, -late))
        yield pages.fetch(admin, form), form


def went_back(taken):
    """What is less, or gone, from one page to the next."""
    wrong = []
    for at, (before, after) in enumerate(itertools.pairwise(page.growing() for page in taken)):
        for key, value in before.items():
            if key not in after:
                wrong.append(f"page {at + 1}: {key} is gone")
            elif after[key] < value:
                wrong.append(f"page {at + 1}: {key} {value} > {after[key]}")
    return wrong

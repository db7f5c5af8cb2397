"""What a client says to the server, whichever revision it speaks: written once, and the two clients are adapters to it.

An adapter has `revision`, `await tools()` (names), `await call(name, arguments)` (an `Answer`, or raises `Refused`), and
`await cancelled_call(name, arguments, seconds)` (true if the call was still under way when it was cancelled).
"""

import argparse
import asyncio
import dataclasses
import json

from checks import Checks, want

QUESTION = "how do I borrow a value mutably"


class Refused(Exception):
    """The server answered with a JSON-RPC error."""


@dataclasses.dataclass
class Answer:
    """A tool's result."""

    is_error: bool
    texts: list
    structured: object

    def value(self):
        """What the tool says as data: structured content, else its text as JSON."""
        return self.structured if self.structured is not None else json.loads(self.texts[0])


def hits(answer):
    """The hits of a search, best first."""
    value = answer.value()
    return value["hits"] if isinstance(value, dict) else value


async def conversation(client, checks, expected_revision):
    """Every tool once, the second page of a document, and two calls that must fail. Gives the number of calls."""
    calls = 0
    with checks.check(f"speaks {expected_revision}"):
        want(client.revision == expected_revision, f"it speaks {client.revision}")
    with checks.check("lists the tools"):
        names = await client.tools()
        want({"list_sources", "search_docs", "read_document"} <= set(names), f"listed: {names}")
    with checks.check("list_sources names the book"):
        calls += 1
        answer = await client.call("list_sources", {})
        want(not answer.is_error and "book" in " ".join(answer.texts), f"{answer}")
    found = None
    with checks.check("search_docs finds a passage of the book"):
        calls += 1
        answer = await client.call("search_docs", {"query": QUESTION, "limit": 5})
        want(not answer.is_error, f"{answer.texts}")
        found = hits(answer)
        want(0 < len(found) <= 5, f"{len(found)} hits")
        want(any(hit["source"] == "book" for hit in found), f"sources: {[hit['source'] for hit in found]}")
    calls += await pages(client, checks, found)
    with checks.check("an unknown tool is an error"):
        calls += 1
        want(await is_refused(client, "no_such_tool", {}), "it was answered")
    with checks.check("bad arguments are an error result"):
        calls += 1
        answer = await client.call("search_docs", {"limit": "many"})
        want(answer.is_error and answer.texts, f"{answer}")
    return calls


async def pages(client, checks, found):
    """The first hit's document, and the same from further on. Gives the number of calls."""
    if not found:
        with checks.check("read_document reads the first hit"):
            want(False, "there is no hit to read")
        return 0
    document, calls = found[0]["id"], 0
    first = None
    with checks.check("read_document reads the first hit"):
        calls += 1
        first = await client.call("read_document", {"id": document})
        want(not first.is_error and len("".join(first.texts)) > 100, f"{first}")
    with checks.check("read_document goes on from an offset"):
        calls += 1
        later = await client.call("read_document", {"id": document, "offset": 100})
        want(not later.is_error and later.texts, f"{later}")
        want(first is not None and later.texts != first.texts, "the offset changes nothing")
    return calls


async def is_refused(client, name, arguments):
    try:
        return (await client.call(name, arguments)).is_error
    except Refused:
        return True


async def cancellation(client, checks):
    """Cancels calls under way; the next call on the same connection works. Gives calls and cancelled calls."""
    tried, cancelled = 0, 0
    with checks.check("a call can be cancelled under way"):
        while cancelled < CANCELLED and tried < TRIES:
            query = f"{QUESTION * 20} {tried}"  # one that was asked before is answered too soon
            seconds = SECONDS[tried % len(SECONDS)]
            cancelled += await client.cancelled_call("search_docs", {"query": query, "limit": 50}, seconds)
            tried += 1
        want(cancelled > 0, "every call was over before it could be cancelled")
    with checks.check("the next call on the same connection works"):
        answer = await client.call("search_docs", {"query": QUESTION, "limit": 1})
        want(not answer.is_error and len(hits(answer)) == 1, f"{answer.texts}")
    return 1 + tried - cancelled, cancelled  # what was over before is a call like any other


def main(connect, expected_revision):
    """`connect(http_url, command)` is an async context manager that gives an adapter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["talk", "cancel"])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--http", metavar="URL")
    where.add_argument("--stdio", metavar="BINARY")
    options = parser.parse_args()
    checks = Checks()
    asyncio.run(part(connect, options, checks, expected_revision))
    checks.end()


async def part(connect, options, checks, expected_revision):
    with checks.check("connects and leaves"):
        async with asyncio.timeout(TALK_SECONDS), connect(options.http, options.stdio) as client:
            if options.part == "talk":
                print(f"calls {await conversation(client, checks, expected_revision)} 0", flush=True)
            else:
                calls, cancelled = await cancellation(client, checks)
                print(f"calls {calls} {cancelled}", flush=True)


TALK_SECONDS = 120
# How long a call has before it is cancelled, by turns: a busy machine is late with all of it.
SECONDS = (0.004, 0.003, 0.002, 0.001, 0.0005)
CANCELLED, TRIES = 5, 40

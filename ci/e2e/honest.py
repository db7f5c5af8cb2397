"""Calls as honest clients do, at a steady pace, each on a connection of its own; prints as JSON how many were answered
and how soon. A program, so that nothing else takes its time: `honest.py HOST PORT SECONDS SEED`."""

import concurrent.futures
import http.client
import json
import math
import random
import sys
import time

import load
import wire

# What documents and questions are made of.
WORDS = [f"{word}{number}" for word in load.WORDS for number in range(100)]
# Few, so that they cost the server little; and many enough for a 99th percentile within some seconds.
CALLS_PER_SECOND = 25
# Whoever waits does not hold up the next; as many as this never wait while the server answers.
CALLERS = 40
# An answer that comes later is none.
SECONDS = 10


def called(address, chance, turn):
    """Seconds until a whole answer, and what went wrong, if anything did."""
    if turn % 5:
        asked = {"name": "search_docs", "arguments": {"query": " ".join(chance.choices(WORDS, k=4)), "limit": 5}}
    else:
        asked = {"name": "list_sources", "arguments": {}}
    started = time.monotonic()
    try:
        reply = wire.request(address, "POST", "/mcp", *wire.modern("tools/call", asked), seconds=SECONDS)
        took = time.monotonic() - started
        if reply.status != 200:
            return SECONDS, f"status {reply.status}"
        result = reply.message().get("result")
        if not result or result.get("isError"):
            return SECONDS, f"an answer without a result: {reply.text()[:200]}"
        return took, None if took <= SECONDS else "late"
    except (OSError, ValueError, IndexError, http.client.HTTPException) as error:
        return SECONDS, f"{type(error).__name__}: {error}"


def main():
    address, seconds, chance = (sys.argv[1], int(sys.argv[2])), float(sys.argv[3]), random.Random(sys.argv[4])
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as callers:
        started, calls = time.monotonic(), []
        for turn in range(round(seconds * CALLS_PER_SECOND)):
            time.sleep(max(0, started + turn / CALLS_PER_SECOND - time.monotonic()))
            calls.append(callers.submit(called, address, chance, turn))
            if sum(not call.done() for call in calls[-CALLERS:]) == CALLERS:  # all wait, and so would the next
                concurrent.futures.wait(calls[-CALLERS:], return_when=concurrent.futures.FIRST_COMPLETED)
                if time.monotonic() - started > seconds:
                    break
    done = [call.result() for call in calls]
    times = sorted(took for took, _ in done)
    wrong = {}
    for _, why in done:
        if why:
            wrong[why] = wrong.get(why, 0) + 1
    print(json.dumps({
        "calls": len(done),
        "answered": sum(why is None for _, why in done),
        "p50_ms": round(1000 * times[len(times) // 2], 1),
        "p99_ms": round(1000 * times[math.ceil(len(times) * 0.99) - 1], 1),
        "wrong": wrong,
    }))


if __name__ == "__main__":
    main()

"""A hostile crowd: many connections that cost their owner nothing, from one process that sends rarely. Leaves after
some time, or at SIGTERM, and prints as JSON what became of it.

A program: `crowd.py KIND HOST PORT NUMBER SECONDS [URI]`."""

import collections
import errno
import heapq
import json
import resource
import select
import signal
import socket
import sys
import time

import wire
from limited import allow

HEAD = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
BODY = HEAD + b"".join(f"{name}: {value}\r\n".encode() for name, value in wire.modern("tools/list")[1].items())
# Whoever was turned away comes back, and not at once: the crowd shall hold places, and not keep the processor busy.
BACK_SECONDS = 5
# So many come in a second. The question of one that never reads is work that the server does rightly: so few that the
# crowd takes places, and not the processor.
ARRIVALS, READERS_ARRIVALS = 400, 100
# As small as the system lets them be, so that a reply waits in the server and not in the system's buffers; and segments
# as on a network, because the system gives a loopback's large ones larger buffers.
RECEIVE_BYTES, SEGMENT_BYTES = 2048, 1400
# Questions of each that never reads: the second is heard if the first reply finds room somewhere.
QUESTIONS = 2


def first_bytes(kind, uri):
    """What each says at once."""
    if kind == "slow-heads":
        return HEAD + b"X-Slow: "
    if kind == "slow-bodies":
        return BODY + b"Content-Length: 100000\r\n\r\n"
    if kind == "non-readers":
        body, headers = wire.modern("resources/read", {"uri": uri})
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | {"Mcp-Name": uri}).items())
        return (HEAD + f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body) * QUESTIONS
    return b""  # the idle ones


class Crowd:
    """Places in the crowd, by number; each has a connection most of the time."""

    def __init__(self, kind, address, number, seconds, uri):
        self.kind, self.address, self.number = kind, address, number
        self.first = first_bytes(kind, uri)
        self.drips = kind in ("slow-heads", "slow-bodies")
        self.reads = kind != "non-readers"
        self.poll = select.epoll()
        self.places = {}  # by descriptor: place and connection
        self.sockets = [None] * number
        self.standing = set()
        self.begun = time.monotonic()
        arrivals = ARRIVALS if self.reads else READERS_ARRIVALS
        self.end = self.begun + seconds
        # when, which place, and which of its connections that was meant for
        self.due = [(self.begun + at / arrivals, at, 0) for at in range(number)]
        self.turn = [0] * number
        self.seen = collections.Counter()
        self.most = 0

    def run(self):
        while (now := time.monotonic()) < self.end:
            while self.due and self.due[0][0] <= now:
                self._act(*heapq.heappop(self.due), now)
            until = min(self.end, self.due[0][0] if self.due else self.end)
            # by ticks, so that many are served by one turn
            for descriptor, events in self.poll.poll(max(0.02, until - time.monotonic()), 1024):
                self._hear(descriptor, events)

    def leave(self):
        self.end = 0

    def _act(self, when, at, turn, now):
        if turn != self.turn[at]:
            return  # meant for a connection that is gone
        if self.sockets[at] is None:
            self._connect(at)
        elif at in self.standing:
            try:
                self.sockets[at].send(b"a")
            except OSError:
                self._lose(at)
            else:
                heapq.heappush(self.due, (now + 1, at, turn))

    def _connect(self, at):
        it = socket.socket()
        it.setblocking(False)
        if not self.reads:
            it.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            it.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        self.sockets[at] = it
        self.places[it.fileno()] = at
        said = it.connect_ex(self.address)
        if said not in (0, errno.EINPROGRESS):
            self.seen[f"not connected: {errno.errorcode.get(said, said)}"] += 1
            self._lose(at, registered=False)
            return
        self.poll.register(it.fileno(), select.EPOLLOUT)

    def _hear(self, descriptor, events):
        at = self.places[descriptor]
        it = self.sockets[at]
        if at not in self.standing:
            if failed := it.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.seen[f"not connected: {errno.errorcode.get(failed, failed)}"] += 1
                self._lose(at)
                return
            self._stand(at, it)
            return
        if events & (select.EPOLLERR | select.EPOLLHUP) or (events & select.EPOLLRDHUP and not self.reads):
            self._lose(at)
        elif events & (select.EPOLLIN | select.EPOLLRDHUP):
            try:
                said = it.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            if said:
                self.seen[f"told {said[9:12].decode(errors='replace')}"] += 1
            else:
                self._lose(at)

    def _stand(self, at, it):
        self.standing.add(at)
        self.seen["connected"] += 1
        self.most = max(self.most, len(self.standing))
        try:
            if self.first:
                it.send(self.first)
        except OSError:
            self._lose(at)
            return
        self.poll.modify(it.fileno(), select.EPOLLRDHUP | (select.EPOLLIN if self.reads else 0))
        if self.drips:
            heapq.heappush(self.due, (time.monotonic() + 1, at, self.turn[at]))

    def _lose(self, at, registered=True):
        it = self.sockets[at]
        if registered:
            self.poll.unregister(it.fileno())
        if at in self.standing:
            self.standing.discard(at)
            self.seen["ended by the server"] += 1
        del self.places[it.fileno()]
        it.close()
        self.sockets[at] = None
        self.turn[at] += 1
        heapq.heappush(self.due, (time.monotonic() + BACK_SECONDS, at, self.turn[at]))


def main():
    kind, host, port, number, seconds = sys.argv[1:6]
    allow(int(number) + 64)
    crowd = Crowd(kind, (host, int(port)), int(number), float(seconds), next(iter(sys.argv[6:]), None))
    signal.signal(signal.SIGTERM, lambda *_: crowd.leave())
    crowd.run()
    used = resource.getrusage(resource.RUSAGE_SELF)
    left = len(crowd.standing)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"most": crowd.most, "left": left, "seen": dict(crowd.seen), "cpu_seconds": round(cpu, 2)}))


if __name__ == "__main__":
    main()

"""Receivers of traces that do harm, on loopback: each in one way, and all of them for as long as the block takes. None
reads what it is sent."""

import contextlib
import socket
import threading

from fakes import Fake
from programs import free_port

# A body of a few KiB takes longer than anybody waits.
SIP_BYTES, SIP_SECONDS = 64, 0.2
ROOM_BYTES = 4096
BACKLOG = 128


class Good(Fake):
    """Takes everything."""

    content_type = "application/x-protobuf"

    def reply(self, body, headers):
        return b""


class Throttling(Good):
    """Asks for patience that nobody has."""

    status = 429
    headers = {"Retry-After": "30"}


class Unavailable(Good):
    """Is there, and not ready."""

    status = 503


class Choosy(Good):
    """Takes an export, and refuses one of its spans: ExportTraceServiceResponse: partial_success 1 (rejected_spans 1,
    error_message 2)."""

    def reply(self, body, headers):
        partial = b"\x08\x01\x12\x03no!"
        return b"\x0a" + bytes([len(partial)]) + partial


class Refusing:
    """A port that nobody listens on."""

    def __init__(self):
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Silent:
    """Accepts a connection, and never answers."""

    def __init__(self):
        self.over = threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)  # those accepted have the same
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(BACKLOG)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while not self.over.is_set():
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _attend(self, connection):
        """Leaves it alone."""


class Slow(Silent):
    """Reads a few bytes now and then, and never answers."""

    def _attend(self, connection):
        with contextlib.suppress(OSError):  # whoever sent may have left
            while not self.over.wait(SIP_SECONDS) and connection.recv(SIP_BYTES):
                pass


# What each is, in words.
HARMFUL = {
    "a refused port": Refusing,
    "one that never answers": Silent,
    "429, to be tried again in 30 s": Throttling,
    "503": Unavailable,
    "a slow reader": Slow,
    "one that rejects a span of each export": Choosy,
}

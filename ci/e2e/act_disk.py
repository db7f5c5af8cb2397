"""Act: a disk that is full. The call that needs room fails with its own sentence, all others go on, and as soon as there is
room it is used, by the same process. The disk is a small file system in memory, which only root may make."""

import contextlib
import pathlib
import subprocess
import time

import wire
from checks import want
from server import Server

SIZE_MIB = 48
FILLER_MIB = 46.5
DOCUMENTS = 60
SECONDS = 60


def run(binary, folder, checks):
    with checks.check("a store on a disk that is full, and then is not"), disk(folder) as full:
        documents = pathlib.Path(folder, "many")
        documents.mkdir()
        for at in range(DOCUMENTS):
            words = " ".join(f"word{at}x{word}" for word in range(1500))
            (documents / f"{at}.md").write_text(f"# Document {at}\n\n{words}\n")
        filler = full / "filler"
        filler.write_bytes(bytes(int(FILLER_MIB * 2**20)))
        settings = {"DATABASE_URL": f"sqlite://{full}/docs.db", "DOCS_PATH": str(documents)}
        with Server(binary, folder, **settings) as server:
            with checks.check("a disk that is full is told with its own sentence, and the server answers"):
                until(server, lambda reply: "no room left on its disk" in reply.text(), "/readyz")
                want(wire.call(server.address("mcp"), "list_sources", {}).status == 200, "it does not answer")
            with checks.check("when there is room it is used, without a new start"):
                filler.unlink()
                until(server, lambda reply: reply.status == 200, "/readyz")
                reply = wire.call(server.address("mcp"), "search_docs", {"query": "word59x7"})
                want("59.md" in reply.text(), reply.text()[:300])
            with checks.check("nothing panicked on the full disk"):
                want(not server.panics(), f"{server.panics()[:3]}")


def until(server, is_so, path):
    started = time.monotonic()
    while time.monotonic() - started < SECONDS:
        reply = wire.get(server.address("admin"), path)
        if is_so(reply):
            return
        time.sleep(0.25)
    want(False, f"{path}: {reply.status} {reply.text()[:300]}")


@contextlib.contextmanager
def disk(folder):
    """A small disk, gone with the block."""
    place = pathlib.Path(folder, "disk")
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)

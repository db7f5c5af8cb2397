"""Another's program, started for a test: waits until it is ready, and ends it by its process id. Knows none of them;
what it is asked when it runs stands with each."""

import pathlib
import socket
import subprocess
import time

from checks import one_line

START_SECONDS = 30
END_SECONDS = 10


class Program:
    """A running one, in a folder of its own. Use as a context manager: it never outlives the block."""

    start_seconds = START_SECONDS

    def __init__(self, name, folder):
        self.name = name
        self.folder = pathlib.Path(folder, name.replace(" ", "-"))
        self.folder.mkdir()
        self.log = self.folder / "log"

    def start(self, command, env=None):
        """Starts it; whoever enters the block waits for it."""
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=open(self.log, "wb"),
            stderr=subprocess.STDOUT,
        )

    def is_ready(self):
        """Whether it answers; an OSError says that it does not listen yet."""
        raise NotImplementedError

    def __enter__(self):
        try:
            self._until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _until_ready(self):
        started = time.monotonic()
        while time.monotonic() - started < self.start_seconds and self.process.poll() is None:
            try:
                if self.is_ready():
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


def free_port():
    """A port that nobody has: for programs that do not take 0 and say which one they got."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]

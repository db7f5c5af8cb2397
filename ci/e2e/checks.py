"""Counts checks and prints each. Knows nothing of what is checked."""

import contextlib
import sys


class Failed(Exception):
    """A check that did not hold; its text says why."""


class Checks:
    """One count for one program."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, name):
        """Runs the body: `ok NAME`, or `FAILED NAME: why`. The run goes on either way."""
        try:
            yield
        except Exception as error:  # whatever it was, it is this check's failure
            self.failed += 1
            why = f"{error}" if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            print(f"FAILED {name}: {one_line(why)}", flush=True)
        else:
            self.passed += 1
            print(f"ok {name}", flush=True)

    def add(self, passed, failed):
        """What another program counted and printed."""
        self.passed += passed
        self.failed += failed

    def end(self):
        """Prints the counts as the last line, and ends the program."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


def want(held, why):
    """Fails the check that is under way unless `held`."""
    if not held:
        raise Failed(why)


def one_line(text, most=600):
    """A text without line breaks, cut."""
    line = " | ".join(part.strip() for part in str(text).splitlines() if part.strip())
    return line if len(line) <= most else line[:most] + " ..."

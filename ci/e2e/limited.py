"""Limits of file descriptors: of a server that shall have few, and of ourselves who need many. Starts nothing."""

import pathlib
import resource


def limited(binary, folder, files):
    """A program that runs the server with so many: a shell that sets both limits and becomes the server, under the same
    process id."""
    file = pathlib.Path(folder, "limited")
    file.write_text(f'#!/bin/sh\nulimit -n {files}\nexec "{pathlib.Path(binary).resolve()}" "$@"\n')
    file.chmod(0o755)
    return str(file)


def allow(files):
    """At least so many for this process; says it where the system does not allow them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise RuntimeError(f"{files} file descriptors are needed, and the hard limit is {hard}: raise it (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))

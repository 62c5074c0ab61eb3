"""A PostgreSQL of the tests' own: Debian's package, a private cluster on a free loopback port, gone when they end."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "postgres"

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30
"""Bytes that must be free there for a cluster: a container often has but a little of it."""


class NoPostgres(Exception):
    """There is no PostgreSQL server to be had here; the text says what is missing."""


def binaries() -> Path:
    """Where Debian keeps initdb and postgres; the newest version. Raises `NoPostgres`."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise NoPostgres("PostgreSQL is not installed (Debian's package postgresql)")
    return Path(found[-1]).parent


@contextlib.contextmanager
def cluster(immortal: bool = False) -> Iterator[str]:
    """A running server; its address without a database, such as postgresql+psycopg://postgres@127.0.0.1:5433/.

    As root it runs as the user postgres, in a directory that user owns. An `immortal` one writes nothing through to
    the disk, and lives in memory where there is room: for tests in which only its clients are killed, and which copy
    a database of 300 files each. Raises `NoPostgres`.
    """
    bin = binaries()
    as_other = os.geteuid() == 0
    in_memory = immortal and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    home = Path(tempfile.mkdtemp(prefix="puente-pg-", dir=MEMORY if in_memory else "/tmp" if as_other else None))
    if as_other:
        owner = pwd.getpwnam(USER)
        os.chown(home, owner.pw_uid, owner.pw_gid)
    port = _free_port()
    data = home / "data"
    demote = {"user": USER, "group": USER, "extra_groups": []} if as_other else {}

    def run(*command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, cwd=home, **demote)  # type: ignore[call-overload]
        if done.returncode:
            raise NoPostgres(f"{Path(command[0]).name} failed: {done.stderr.strip()[-300:]}")

    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c max_connections=200 "
        "-c shared_buffers=64MB -c jit=off -c track_commit_timestamp=on"
        + (" -c fsync=off -c full_page_writes=off" if immortal else "")
    )
    run(
        str(bin / "initdb"),
        "-D",
        str(data),
        "-U",
        USER,
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    )
    run(str(bin / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "-t", "30", "start")
    try:
        yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/"
    finally:
        with contextlib.suppress(NoPostgres):
            run(str(bin / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

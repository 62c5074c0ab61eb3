"""Failing on purpose, at a named place, so that tests can show that nothing a person wrote is lost by it.

Off unless a test arms it or `PUENTE_FAIL=name:action[:n][,…]` is set; then one comparison a place. `n` (1 by itself)
is which passing fails. Besides the names of places, `statement` and `commit` stand for the n-th of any transaction.
"""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

PLACES = (
    "accept.before", "accept.kept", "accept.after",
    "turn.before", "turn.taken", "turn.effect", "turn.state", "turn.words", "turn.done",
    "bulk.row", "claim.before", "claim.row", "claim.after",
    "send.before", "send.after", "receipt.before", "receipt.after",
    "callback.before", "callback.after", "timer.ring", "timer.after", "reclaim", "migration",
    "statement", "commit", "committed",
)  # fmt: skip
"""Every place that can fail, in the order a message passes them."""


class Injected(Exception):
    """A fault that a test asked for: an error nobody foresaw."""


class Unknown(Exception):
    """There is no such place or action; the text names those there are."""


def kill(driver: Any) -> None:
    """The end of the process as power cuts and the kernel bring it: at once, with nothing tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(driver: Any) -> None:
    raise Injected


def full(driver: Any) -> None:
    if isinstance(driver, psycopg.Connection):
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")
    raise sqlite3.OperationalError("database or disk is full")


def locked(driver: Any) -> None:
    if isinstance(driver, psycopg.Connection):
        raise psycopg.errors.LockNotAvailable("canceling statement due to lock timeout")
    raise sqlite3.OperationalError("database is locked")


def drop(driver: Any) -> None:
    """The database goes away in the middle: PostgreSQL's socket is really cut; SQLite's disk does not answer."""
    if isinstance(driver, psycopg.Connection):
        with suppress(OSError), socket.socket(fileno=os.dup(driver.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        return  # the next word on this connection fails by itself
    raise sqlite3.OperationalError("disk I/O error")


ACTIONS: dict[str, Callable[[Any], None]] = {
    "kill": kill, "raise": fail, "full": full, "locked": locked, "drop": drop
}  # fmt: skip

_armed: dict[str, tuple[Callable[[Any], None], int]] = {}
_passed: Counter[str] = Counter()
_guard = threading.Lock()
on = False
"""Whether anything is armed or counted; what a place looks at before it calls `at`."""


def at(place: str, driver: Any = None) -> None:
    """Pass a place; fail there if it is armed and this is the passing it is armed for."""
    with _guard:
        _passed[place] += 1
        armed = _armed.get(place)
        if armed is None or armed[1] != _passed[place]:
            return
        del _armed[place]
    armed[0](driver)


def arm(place: str, action: str | Callable[[Any], None], n: int = 1) -> None:
    """Let the n-th passing from now on fail. Raises `Unknown`."""
    global on
    if place not in PLACES:
        raise Unknown(f"no place {place!r}; there are: {', '.join(PLACES)}")
    if isinstance(action, str) and action not in ACTIONS:
        raise Unknown(f"no action {action!r}; there are: {', '.join(ACTIONS)}")
    with _guard:
        _armed[place] = (ACTIONS[action] if isinstance(action, str) else action, _passed[place] + n)
    on = True


def count() -> Counter[str]:
    """Start to count passings, and the counts so far."""
    global on
    on = True
    with _guard:
        return Counter(_passed)


def armed() -> bool:
    """Whether something is still waiting to fail."""
    return bool(_armed)


def clear() -> None:
    """Nothing fails any more, and nothing is counted."""
    global on
    with _guard:
        _armed.clear()
        _passed.clear()
    on = False


def from_environment(given: str) -> None:
    """Arm what `PUENTE_FAIL` names. Raises `Unknown`."""
    for one in filter(None, given.split(",")):
        place, _colon, rest = one.partition(":")
        action, _colon, n = rest.partition(":")
        arm(place, action, int(n) if n else 1)


from_environment(os.environ.get("PUENTE_FAIL", ""))

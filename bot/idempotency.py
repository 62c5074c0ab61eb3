"""The same call with the same key is done once, however often it comes (SAFETY B8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.crypto import vault
from bot.record import Tx


class Mismatch(Exception):
    """The key was used before, for something else."""


@dataclass(frozen=True, slots=True)
class Call:
    """One API call: who, under which key, what, and with which body."""

    actor: str
    key: str
    action: str
    body: str


def once(tx: Tx, call: Call, work: Callable[[], int]) -> int:
    """The status `work` gives, from the first time it was asked. Raises `Mismatch`.

    The key is taken before the work is done: of simultaneous calls one does it, the others wait and get its answer.
    """
    keys = vault()
    key = keys.blind("idempotency", f"{call.actor}|{call.key}")
    request = keys.blind("request", f"{call.action}|{call.body}")
    taken = tx.run(
        "INSERT INTO idempotent (key, request, status, answer, at) VALUES (:key, :request, 0, :none, :at) "
        "ON CONFLICT (key) DO NOTHING",
        key=key,
        request=request,
        none=keys.seal("idempotent.answer", ""),
        at=time.time(),
    )
    if not taken:
        row = tx.one("SELECT request, status FROM idempotent WHERE key = :key", key=key)
        if bytes(row["request"]) != request:
            raise Mismatch(call.action)
        return int(row["status"])
    try:
        status = work()
    except Exception:  # it was not done: the same key may be tried again
        tx.run("DELETE FROM idempotent WHERE key = :key", key=key)
        raise
    tx.run("UPDATE idempotent SET status = :status WHERE key = :key", key=key, status=status)
    return status

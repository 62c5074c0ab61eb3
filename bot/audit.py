"""Who did or looked at what, without content, in the same transaction as the deed."""

from __future__ import annotations

import time

from bot.record import Tx


def audit(
    tx: Tx, actor: str, action: str, object: str | None = None, detail: str | None = None, now: float | None = None
) -> None:
    """One line of the record's memory. `actor` is "contact:…", "staff:…", "token:…", "bot" or "house"."""
    tx.run(
        "INSERT INTO audit (at, actor, action, object, detail) VALUES (:at, :actor, :action, :object, :detail)",
        at=time.time() if now is None else now,
        actor=actor,
        action=action,
        object=object,
        detail=detail,
    )

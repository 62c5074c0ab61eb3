"""Keys to the API: random, shown once, kept as keyed hashes, bound to scopes and an office, and they expire."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass

from bot.crypto import vault
from bot.record import Tx
from bot.scope import Scope

SCOPES = ("cases:read", "cases:write", "directory:read", "directory:write")
DAYS = 90
"""How long a token is good for unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Token:
    scope: Scope
    scopes: frozenset[str]


def create(
    tx: Tx,
    scopes: Iterable[str],
    *,
    office_id: str | None,
    staff_id: str | None = None,
    days: float = DAYS,
    now: float | None = None,
) -> str:
    """A new token, to be shown once. Raises ValueError for a scope that does not exist."""
    wanted = sorted(set(scopes))
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise ValueError(f"no such scope: {', '.join(unknown)} (there are: {', '.join(SCOPES)})")
    at = time.time() if now is None else now
    token = f"puente_{secrets.token_urlsafe(32)}"
    tx.run(
        "INSERT INTO token (hash, staff_id, office_id, scopes, created_at, expires_at) "
        "VALUES (:hash, :staff, :office, :scopes, :at, :expires)",
        hash=vault().blind("token", token),
        staff=staff_id,
        office=office_id,
        scopes=json.dumps(wanted),
        at=at,
        expires=at + days * 86400,
    )
    return token


def look_up(tx: Tx, token: str, now: float) -> Token | None:
    """What a token is good for now; None when it is unknown, expired, revoked or its owner is disabled."""
    hashed = vault().blind("token", token)
    row = tx.one(
        "SELECT t.staff_id, t.office_id, t.scopes, s.disabled_at FROM token t LEFT JOIN staff s ON s.id = t.staff_id "
        "WHERE t.hash = :hash AND t.expires_at > :now AND t.revoked_at IS NULL",
        hash=hashed,
        now=now,
    )
    if row is None or row["disabled_at"] is not None:
        return None
    actor = f"staff:{row['staff_id']}" if row["staff_id"] else f"token:{hashed.hex()[:12]}"
    scopes = json.loads(row["scopes"]) if isinstance(row["scopes"], str) else row["scopes"]
    scope = Scope(actor, row["office_id"], every_office=row["office_id"] is None, staff_id=row["staff_id"])
    return Token(scope, frozenset(scopes))

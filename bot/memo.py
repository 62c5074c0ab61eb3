"""Numbers the house must not forget at a restart, and that all machines share."""

from __future__ import annotations

from bot.record import Tx

PUT = """INSERT INTO memo (name, value, at) VALUES (:name, :value, :at)
ON CONFLICT (name) DO UPDATE SET value = :value, at = :at"""
ADD = """INSERT INTO memo (name, value, at) VALUES (:name, :value, :at)
ON CONFLICT (name) DO UPDATE SET value = memo.value + :value, at = :at"""


def get(tx: Tx, name: str) -> float | None:
    row = tx.one("SELECT value FROM memo WHERE name = :name", name=name)
    return None if row is None else float(row["value"])


def put(tx: Tx, name: str, value: float, at: float) -> None:
    tx.run(PUT, name=name, value=value, at=at)


def add(tx: Tx, name: str, value: float, at: float) -> None:
    tx.run(ADD, name=name, value=value, at=at)


def total(tx: Tx, beginning: str, since: float) -> float:
    """The sum of what was counted under names with this beginning since a time, in seconds since 1970."""
    row = tx.one(
        "SELECT COALESCE(SUM(value), 0) AS n FROM memo WHERE name LIKE :like AND at >= :since",
        like=f"{beginning}%",
        since=since,
    )
    return float(row["n"])


def forget(tx: Tx, beginning: str, before: float) -> None:
    tx.run("DELETE FROM memo WHERE name LIKE :like AND at < :before", like=f"{beginning}%", before=before)

"""Reading every row of ours, sealed or not, for what must not be in it."""

from __future__ import annotations

from typing import Any

from bot.crypto import NoKeys, vault
from tests.installation import Home


def opened(home: Home) -> dict[str, list[str]]:
    """Every value of every table of ours, with what is sealed opened: what whoever has the keys could read."""
    found: dict[str, list[str]] = {}
    for table in home.tables():
        for row in home.rows(table):
            found.setdefault(table, []).append(" ".join(_shown(table, name, value) for name, value in row.items()))
    return found


def _shown(table: str, name: str, value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return vault().open(f"{table}.{name}", value)
        except NoKeys:
            return value.hex()
    return str(value)


def where(home: Home, canary: str) -> set[str]:
    return {table for table, rows in opened(home).items() if any(canary.lower() in row.lower() for row in rows)}

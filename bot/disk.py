"""How much room is left where the database is, when that is a disk of this machine."""

from __future__ import annotations

import shutil

from bot.settings import Settings

FEW = 500 * 2**20
"""Bytes below which somebody must make room soon."""

LAST = 64 * 2**20
"""Bytes that are kept for the work that is under way: with fewer this machine asks for no more."""


def left(settings: Settings) -> int | None:
    """Free bytes; None where the database is a server's."""
    return shutil.disk_usage(settings.sqlite_path.resolve().parent).free if settings.on_sqlite else None

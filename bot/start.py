"""The first thing a start does: see whether it can succeed, and begin to learn while the rest is being loaded."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from contextlib import closing, suppress

from bot import learning
from bot.settings import Settings, Unusable, WrongSetting, load

SERVING = {"serve", "web", "worker"}


def main() -> int:
    """The command `puente`. Loading it takes as long as learning: on a first start both happen at once."""
    command = sys.argv[1] if len(sys.argv) > 1 else "serve"
    if command in SERVING:
        if (why := _why_not(command)) is not None:
            print(f"puente: {why}", file=sys.stderr)
            return 1
        learning.ahead(load().var, ("dangers",))
    return int(importlib.import_module("bot.__main__").main())


def _why_not(command: str) -> Exception | None:
    """What keeps us from starting and can be seen at once: settings, port, keys. All of it is asked again later."""
    from bot import crypto, port

    try:
        given = load()
        if command != "worker" or "port" in given.model_fields_set:
            port.listen(given).close()
        if given.puente_keys.exists() or _ours(given):
            crypto.only(given.puente_keys)
    except (WrongSetting, Unusable, crypto.NoKeys) as error:
        return error
    return None


def _ours(given: Settings) -> bool:
    """Whether something was ever kept in the database; only of SQLite it can be said so soon."""
    if given.on_sqlite and given.sqlite_path.exists():
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{given.sqlite_path}?mode=ro", uri=True)) as file:
            return file.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is not None
    return False


if __name__ == "__main__":
    sys.exit(main())

"""The first thing a start does: begin to learn, while everything else is still being loaded."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from bot import learning

SERVING = {"serve", "worker"}


def main() -> int:
    """The command `puente`. Loading it takes as long as learning: on a first start both happen at once."""
    if len(sys.argv) == 1 or sys.argv[1] in SERVING:
        learning.ahead(_var(), ("dangers",))
    return int(importlib.import_module("bot.__main__").main())


def _var() -> Path:
    """`Settings.var`, before there are settings: reading those is part of what takes long."""
    url = os.environ.get("DATABASE_URL") or "sqlite:///var/puente.db"
    return Path(url.removeprefix("sqlite:///")).parent if url.startswith("sqlite:///") else Path("var")

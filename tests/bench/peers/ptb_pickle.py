"""python-telegram-bot with the persistence it ships: a pickle of everybody, written anew after every turn."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from telegram.ext import PicklePersistence

from tests.bench.peers import meter, ptb


def opened(given: ptb.Given) -> Any:
    path = given.folder / "ptb.pickle"
    kept = PicklePersistence(path, store_data=ptb.STORED, single_file=False, update_interval=3600)
    return ptb.opened(given, kept, lambda: _kept(Path(f"{path}_user_data")))


def _kept(path: Path) -> int:
    return ptb.complete(list(pickle.loads(path.read_bytes()).values())) if path.exists() else 0


if __name__ == "__main__":
    meter.main(opened)

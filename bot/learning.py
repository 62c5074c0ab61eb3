"""What takes long to learn is learnt once, beside the rest of a first start, and kept until its sources change."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def kept(folder: Path | None, name: str, sources: Iterable[str], learn: Callable[[], T]) -> T:
    """What an earlier start learnt from the same sources with the same code, or what is learnt now, and kept.

    Without a folder it is always learnt. A file that cannot be read is learnt anew.
    """
    if folder is None:
        return learn()
    path = _path(folder, name, sources)
    if (found := _read(path)) is None:
        with _alone(folder, name):  # whoever waited here finds what the other has learnt
            if (found := _read(path)) is None:
                found = learn()
                _keep(path, name, found)
    return found  # type: ignore[return-value]


def forget(folder: Path) -> None:
    """Everything learnt so far is learnt anew the next time it is asked for."""
    for path in folder.glob("*.learnt"):
        path.unlink(missing_ok=True)


def ahead(folder: Path, names: Iterable[str]) -> None:
    """On a first start, begin to learn in processes of their own, so that it uses every core."""
    for name in names:
        if not list(folder.glob(f"{name}-*.learnt")):
            subprocess.Popen([sys.executable, "-m", "bot.knowledge", str(folder), name])  # noqa: S603 - ourselves


@contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _path(folder: Path, name: str, sources: Iterable[str]) -> Path:
    told = hashlib.sha256(f"{version('numpy')} {sys.version_info[:2]} {release()}".encode())
    for source in sources:
        told.update(source.encode())
    return folder / f"{name}-{told.hexdigest()[:16]}.learnt"


def _read(path: Path) -> object | None:
    """Only what this installation wrote itself: the folder is ours alone, like the keys in it."""
    try:
        return pickle.loads(path.read_bytes())  # type: ignore[no-any-return]  # noqa: S301
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError):
        return None


def _keep(path: Path, name: str, learnt: object) -> None:
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        pickle.dump(learnt, file, protocol=pickle.HIGHEST_PROTOCOL)
    Path(part).replace(path)
    for old in path.parent.glob(f"{name}-*.learnt"):
        if old != path:
            old.unlink(missing_ok=True)


@cache
def release() -> str:
    """A fingerprint of the understanding's code: what another release learnt is not used."""
    modules = {file.name: file for file in files("flows.understanding").iterdir() if file.name.endswith(".py")}
    return hashlib.sha256("".join(modules[name].read_text("utf-8") for name in sorted(modules)).encode()).hexdigest()

"""What takes long to learn is learnt once, beside the rest of a first start, and kept until its sources change."""

from __future__ import annotations

import ctypes
import fcntl
import gc
import hashlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_LEARNER = (sys.executable, "-m", "bot.knowledge")
"""Learns one engine and keeps it; what only this house knows is told it on standard input."""


class Later:
    """An engine that is made when it is first asked, or before by `warm`: the first answers need not wait for it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made(), name)

    def made(self) -> Any:
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made


def warm(engines: Iterable[object]) -> None:
    """Make in the background what was put off."""
    threading.Thread(target=make, args=([*engines],), name="warm", daemon=True).start()


def make(engines: Iterable[object]) -> None:
    """Make now what was put off, and give the system back what making it took."""
    for engine in engines:
        if isinstance(engine, Later):
            engine.made()
    release_memory()


def release_memory() -> None:
    """Hand freed memory back to the system; without it a start keeps tens of megabytes nobody uses (glibc only)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def kept(
    folder: Path | None, name: str, sources: Iterable[str], learn: Callable[[], T], apart: str | None = None
) -> T:
    """What an earlier start learnt from the same sources with the same code, or what is learnt now, and kept.

    Without a folder it is always learnt. A file that cannot be read is learnt anew; in a process of its own when
    `apart` is what that needs to be told, so that this one never holds what learning takes.
    """
    if folder is None:
        return learn()
    path = _path(folder, name, sources)
    found = _read(path)
    if found is None and apart is not None:
        subprocess.run([*_LEARNER, str(folder), name], input=apart.encode(), check=False)  # noqa: S603 - ourselves
        found = _read(path)
    if found is None:
        with _alone(folder, name):  # whoever waited here finds what the other has learnt
            if (found := _read(path)) is None:
                found = learn()
                _keep(path, name, found)
    return found  # type: ignore[return-value]


def forget(folder: Path) -> None:
    """Everything learnt so far is learnt anew the next time it is asked for."""
    for path in folder.glob("*.learnt"):
        path.unlink(missing_ok=True)


def ahead(folder: Path, names: Iterable[str]) -> list[subprocess.Popen[bytes]]:
    """On a first start, begin to learn in processes of their own, so that it uses every core."""
    missing = [name for name in names if not list(folder.glob(f"{name}-*.learnt"))]
    return [
        subprocess.Popen([*_LEARNER, str(folder), name], stdin=subprocess.DEVNULL)  # noqa: S603 - ourselves
        for name in missing
    ]


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

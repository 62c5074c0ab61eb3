"""What a stolen database must not say: names, numbers, texts and notes are sealed, look-ups go by keyed hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

NONCE = 12
"""Bytes; random for every value (NIST SP 800-38D, 8.2.2)."""


KEY = 32
"""Bytes of every key."""


packed: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A JSON value as the text that is sealed; `json.dumps` would make such an encoder anew every time."""


class NoKeys(Exception):
    """There is a database but not the keys it was written with."""


class Sealed(TypeDecorator[str]):
    """A text column that is AES-256-GCM on disk, bound to its table and column; it can be read, not compared."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else vault().seal(self.column, value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else vault().open(self.column, value)

    class comparator_factory(TypeDecorator.Comparator[str]):
        def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
            raise TypeError("a sealed column cannot be compared; look it up by its keyed hash")


class Vault:
    """The keys of one installation: data keys by id, the newest of them seals; one key for look-ups."""

    def __init__(self, keys: dict[int, bytes], current: int, index: bytes) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in keys.items()}
        self._current = bytes([current])
        self._seal = self._ciphers[current]
        self._index = index

    def seal(self, column: str, text: str) -> bytes:
        """Key id, nonce and ciphertext of a text; `column` is "table.column", and only there it opens again."""
        nonce = os.urandom(NONCE)
        return self._current + nonce + self._seal.encrypt(nonce, _bytes(text), column.encode())

    def open(self, column: str, sealed: bytes) -> str:
        """The text again. Raises `NoKeys` when it was sealed with another key or for another column."""
        try:
            cipher = self._ciphers[sealed[0]]
            opened = cipher.decrypt(bytes(sealed[1 : NONCE + 1]), bytes(sealed[NONCE + 1 :]), column.encode())
        except (InvalidTag, KeyError, IndexError, ValueError):  # another key or column, or cut short
            raise NoKeys(f"a value of {column} cannot be opened with these keys") from None
        return opened.decode("utf-8", "surrogatepass")

    def blind(self, kind: str, value: str) -> bytes:
        """A keyed hash (HMAC-SHA256) of an address or id, for look-ups: 32 bytes, useless without the key."""
        return hmac.digest(self._index, _bytes(f"{kind}|{value}"), hashlib.sha256)

    def __repr__(self) -> str:
        return "Vault(…)"


_vault: Vault | None = None


def vault() -> Vault:
    """The keys of this process. Raises `NoKeys` before `use` was called."""
    if _vault is None:
        raise NoKeys("no keys are loaded")
    return _vault


def use(keys: Vault) -> None:
    """Make these the keys of this process: sealed columns of every session are read and written with them."""
    global _vault
    _vault = keys


def generate(path: Path) -> None:
    """Write new keys to a file only its owner can read. Raises `FileExistsError` rather than replace keys."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = {"current": 1, "data": {"1": _encoded(os.urandom(KEY))}, "index": _encoded(os.urandom(KEY))}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "w") as file:
        json.dump(keys, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def load(path: Path) -> Vault:
    """The keys in a file. Raises `NoKeys` saying what is wrong with it."""
    try:
        stored = json.loads(path.read_text())
        data = {int(number): _key(key) for number, key in stored["data"].items()}
        return Vault(data, int(stored["current"]), _key(stored["index"]))
    except FileNotFoundError:
        raise NoKeys(f"there are no keys at {path}") from None
    except OSError as error:
        raise NoKeys(f"the keys at {path} cannot be read: {error.strerror}") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NoKeys(f"{path} is not a file of keys ({type(error).__name__})") from None


def ready(path: Path, database_exists: bool) -> Vault:
    """The keys for a start: made where no database exists yet, and otherwise the ones it was written with."""
    if not path.exists() and not database_exists:
        generate(path)
    return only(path)


def only(path: Path) -> Vault:
    """The keys of a database that is there. Raises `NoKeys`, and says so where the file is not."""
    if not path.exists():
        raise NoKeys(
            f"There is a database but its keys are missing: {path}. Without them nothing in it can be read. "
            "Put the file back from your backup, or point PUENTE_KEYS to it. New keys were not made, because "
            "with them the old data would be lost for good."
        )
    return load(path)


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _key(encoded: str) -> bytes:
    key = base64.b64decode(encoded, validate=True)
    if len(key) != KEY:
        raise ValueError(f"a key has {KEY} bytes")
    return key


def _bytes(text: str) -> bytes:
    """Any text at all: a vendor's id may hold what is no Unicode, and no message may be lost over it."""
    return text.encode("utf-8", "surrogatepass")

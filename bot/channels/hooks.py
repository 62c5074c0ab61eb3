"""What some providers can tell us afterwards: what they took, what we missed, whether all is well.

A channel that can say one of these things has the method; the runtime asks `isinstance`, never for a channel's name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bot.channels import Event, Incoming, Spoken


@dataclass(frozen=True, slots=True)
class Taken:
    """A message of ours as the provider has it: its id, when (seconds since 1970), its words, what became of it."""

    provider: str
    at: float
    text: str
    state: str
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for us at the provider, and when it last failed to bring us something (seconds since 1970)."""

    waiting: int
    failed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing `puente doctor` looked at. `level` is ok, warn or bad; the words say what to do."""

    level: str
    name: str
    es: str
    en: str


@runtime_checkable
class Recounts(Protocol):
    """A provider that keeps a list of what it took from us."""

    async def taken(self, address: str, since: float) -> list[Taken]:
        """What it took for an address since a time, oldest first. Raises `Failed`."""

    def listed_as(self, spoken: Spoken) -> Collection[str]:
        """The words under which it would list a message of ours."""


@runtime_checkable
class Recalls(Protocol):
    """A provider that keeps a list of what people wrote to us."""

    async def heard(self, since: float) -> list[Incoming]:
        """What people wrote since a time, oldest first, each with its `at`. Raises `Failed`."""


@runtime_checkable
class Queues(Protocol):
    """A provider that says how much it could not bring us."""

    async def queue(self) -> Queue:
        """Raises `Failed`."""


@runtime_checkable
class Rereads(Protocol):
    """A channel that can read again what was kept as unreadable, perhaps by an older release."""

    def reread(self, raw: str) -> list[Event]:
        """What it says now; `Unreadable` still where it cannot be read. Never raises."""


@runtime_checkable
class Examined(Protocol):
    """A channel that can look at its own setup from outside."""

    async def examine(self) -> list[Finding]:
        """Registration, credentials, stored contents, the provider's clock. Never raises."""

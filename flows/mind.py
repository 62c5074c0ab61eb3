"""What the bot can make of a text: the engines of `flows.understanding`, as the conversations see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Danger(Protocol):
    """A danger heard in a text: its kind, its urgency (R0, R1, R2)."""

    @property
    def kind(self) -> str: ...
    @property
    def level(self) -> str: ...


class Where(Protocol):
    """What a text says of a place: "place", "ask" or "unknown"; INE codes, best first; outside Guatemala?"""

    @property
    def decision(self) -> str: ...
    @property
    def codes(self) -> Sequence[str]: ...
    @property
    def abroad(self) -> bool: ...


class Trade(Protocol):
    """A trade a text may mean: its ISCO-08 code."""

    @property
    def code(self) -> str: ...


class Decision(Protocol):
    """What a question is about: "answer", "menu" or "unknown", and service ids, best first."""

    @property
    def decision(self) -> str: ...
    @property
    def ids(self) -> Sequence[str]: ...
    @property
    def score(self) -> float: ...


class HearsDanger(Protocol):
    def hear(self, text: str, /) -> Danger | None: ...


class HearsCommands(Protocol):
    def hear(self, text: str, /) -> str | None: ...


class KnowsPlaces(Protocol):
    def find(self, text: str, /) -> Where: ...
    def name(self, code: str, /) -> str: ...
    def full_name(self, code: str, /) -> str: ...


class KnowsTrades(Protocol):
    def find(self, text: str, /) -> Sequence[Trade]: ...
    def title(self, code: str, locale: str, /) -> str: ...


class KnowsServices(Protocol):
    def find(self, text: str, /) -> Decision: ...


class Verdict(Protocol):
    """What speaks against a job offer: "red", "yellow" or "green", and the reasons' ids, heaviest first."""

    @property
    def label(self) -> str: ...
    @property
    def reasons(self) -> Sequence[str]: ...


class JudgesOffers(Protocol):
    def judge(self, text: str, /) -> Verdict: ...
    def offered(self, text: str, /, surely: bool = False) -> bool:
        """Whether a text is a job offer somebody shows us, or tells of."""
        ...


@dataclass(frozen=True, slots=True)
class Mind:
    """The engines together, built once by the runtime from the knowledge files."""

    dangers: HearsDanger
    commands: HearsCommands
    places: KnowsPlaces
    trades: KnowsTrades
    services: KnowsServices
    scams: JudgesOffers
    age: Any = None
    """`declared_age(text) -> int | None`: an age the person says is theirs, in years."""

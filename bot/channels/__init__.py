"""What every way of talking to a person has in common: how a message comes in, goes out, and fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from flows.message import Message


class Limits(NamedTuple):
    """What fits on this channel: counts of options, lengths in characters, messages a second."""

    name: str
    buttons: int
    button_label: int
    rows: int
    row_label: int
    row_hint: int
    body: int
    per_second: float
    per_chat: float


@dataclass(frozen=True, slots=True)
class Choice:
    """An option as it goes out, already in the person's language."""

    id: str
    label: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One outgoing message in the person's language. `speaker` is bot, person or notice."""

    text: str
    choices: tuple[Choice, ...] = ()
    speaker: str = "bot"

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"text": self.text}
        if self.choices:
            shown["choices"] = [[choice.id, choice.label, choice.hint] for choice in self.choices]
        return shown

    @classmethod
    def from_json(cls, shown: Mapping[str, Any], speaker: str = "bot") -> Spoken:
        choices = (Choice(id, label, hint) for id, label, hint in shown.get("choices", ()))
        return cls(shown["text"], tuple(choices), speaker)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as a channel read it: whose address, which vendor's id, and what it says.

    `aliases` are further addresses of the same person (a number and a scoped id). `courtesy` is what the
    channel needs to acknowledge it at once (a callback to answer, a message to show typing for). `at` is when it
    was written, in seconds since 1970 by the vendor's clock, where the vendor says so.
    """

    provider: str
    address: str
    message: Message
    aliases: tuple[str, ...] = ()
    courtesy: Mapping[str, str] = field(default_factory=dict)
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message we sent. `reference` is our own, when the channel carries it back.

    `state` is sent, delivered, read or failed; `unreachable` when the person cannot be reached here at all.
    """

    provider: str
    state: str
    why: str | None = None
    reference: str | None = None
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """A person has blocked the bot on this channel, or let it in again."""

    address: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something the vendor surely sent, of a form we cannot read: kept as it came, for staff (SAFETY A6)."""

    provider: str
    raw: str


Event = Incoming | Status | Reach | Unreadable


class Payload(NamedTuple):
    """One call to a provider: which method, and what with."""

    method: str
    values: dict[str, Any]


class Receipt(NamedTuple):
    """The provider has it, under this id where it will say more; or the person fetches it from us (`fetched`)."""

    provider: str | None = None
    fetched: bool = False


UNWELCOME = "token"
"""Why nothing is sent at all: the provider does not accept our credentials."""


class Failed(Exception):
    """A message did not surely go out. `outcome` says what to do about it, `why` is a short code for staff.

    not_sent: it surely did not; try again after `wait` seconds (None: our own backoff). With `everyone` the whole
        channel has to wait, not only this chat.
    refused: it never will; `unreachable` when the person cannot be reached on this channel at all.
    unknown: it may have gone.
    """

    def __init__(
        self, outcome: str, why: str, wait: float | None = None, unreachable: bool = False, everyone: bool = False
    ) -> None:
        super().__init__(why)
        self.outcome, self.why, self.wait = outcome, why, wait
        self.unreachable, self.everyone = unreachable, everyone


class Refused(Exception):
    """A webhook call that is not what this channel accepts; the text is safe to show."""


class Request(NamedTuple):
    """A webhook call as it came: raw, so that what is verified is what was sent."""

    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Channel(Protocol):
    """One way of talking to people. Only `send` and `courtesy` touch the network."""

    @property
    def limits(self) -> Limits: ...

    def genuine(self, request: Request) -> bool:
        """Whether the vendor itself made this call."""

    def read(self, request: Request) -> list[Event]:
        """What a genuine call says. Raises `Refused` when it is not of the vendor's form."""

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        """The one call that says this here: buttons where they fit, then a list, then numbered text."""

    async def send(self, payload: Payload) -> Receipt:
        """Make the call. Raises `Failed`."""

    def owes(self, given: Mapping[str, str]) -> bool:
        """Whether a message must be acknowledged even when its answer goes out at once."""

    async def courtesy(self, given: Mapping[str, str], writing: bool) -> None:
        """Acknowledge a message at once: stop the spinner and, when the bot is `writing`, show it. Never raises."""

    async def close(self) -> None: ...


def numbered(spoken: Spoken) -> str:
    """The text with its options as a numbered list, for where nothing can be tapped."""
    if not spoken.choices:
        return spoken.text
    lines = [f"{number}. {choice.label}" for number, choice in enumerate(spoken.choices, 1)]
    return "\n".join([spoken.text, "", *lines])


def cut(label: str, length: int) -> str:
    """A label that fits, cut between words where it must be."""
    if len(label) <= length:
        return label
    head = label[: length - 1]
    return (head[: head.rindex(" ")] if " " in head[length // 2 :] else head).rstrip(" ,;:·") + "…"


def parts(text: str, length: int) -> Sequence[str]:
    """A long text in pieces of at most `length` characters, broken at paragraphs, lines, then words."""
    pieces: list[str] = []
    rest = text.strip()
    while len(rest) > length:
        head = rest[: length + 1]
        at = max(head.rfind("\n\n"), 0) or max(head.rfind("\n"), 0) or max(head.rfind(" "), 0) or length
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces

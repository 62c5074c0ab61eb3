"""The steps a conversation is made of, as data: what is said, what is asked, and where each exit leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.effects import Effect, Query
from flows.kinds import Kind
from flows.text import Text

END = "end"
"""The exit that leaves a flow, back to the one that called it."""

HOME = "home"
"""The exit to the menu, whatever called this flow."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a Choose: its label, where it leads, a hint for lists, other words people type for it."""

    label: Text
    then: str
    hint: Text | None = None
    also: Text | None = None


@dataclass(frozen=True, slots=True, init=False)
class Say:
    """Words, and on we go. Lines with a slot that has nothing to say are left out."""

    lines: tuple[Text, ...]
    then: str

    def __init__(self, *lines: Text, then: str) -> None:
        object.__setattr__(self, "lines", lines)
        object.__setattr__(self, "then", then)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question answered in own words, read by a kind. `skip` is where "Prefiero no decir" leads.

    `options` may be tapped instead. With `adds` what was said before stays and the new words come after it.
    """

    text: Text
    save: str
    kind: Kind
    sorry: Text
    then: str
    skip: str | None = None
    options: Mapping[str, Choice] = field(default_factory=dict)
    adds: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """A question with fixed options; the chosen option's id is saved.

    `read` finds the option in own words where no list of words could: an age in years.
    """

    text: Text
    options: Mapping[str, Choice]
    save: str | None = None
    read: Callable[[str], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """A question whose options are rows found before (each with id and label); the row is saved."""

    text: Text
    rows: str
    then: str
    save: str
    options: Mapping[str, Choice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """The bot waits and says nothing: a case manager has the conversation."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A Query to the record. `first` saves the first row instead of all of them."""

    query: type[Query]
    save: str
    some: str
    none: str
    needs: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    first: bool = False


@dataclass(frozen=True, slots=True)
class Do:
    """An Effect, left in the log; its fields come from answers (`needs`) and from the flow (`given`)."""

    effect: type[Effect]
    then: str
    needs: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """Another flow, and then on here."""

    flow: str
    then: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Which exit, computed from the answers; where it leads stands in `exits`."""

    decide: Callable[[Mapping[str, Any]], str]
    exits: Mapping[str, str]


Step = Say | Ask | Choose | Pick | Hold | Lookup | Do | Call | Branch
Waiting = (Ask, Choose, Pick, Hold)


def exits(step: Step) -> dict[str, str]:
    """Every way out of a step: the exit's name and the step it leads to."""
    match step:
        case Ask(then=then, skip=skip, options=options):
            skipped = {} if skip is None else {"skip": skip}
            return {"then": then, **skipped, **{name: choice.then for name, choice in options.items()}}
        case Choose(options=options):
            return {name: choice.then for name, choice in options.items()}
        case Pick(then=then, options=options):
            return {"then": then, **{name: choice.then for name, choice in options.items()}}
        case Lookup(some=some, none=none):
            return {"some": some, "none": none}
        case Branch(exits=ways):
            return dict(ways)
        case Say(then=then) | Do(then=then) | Call(then=then):
            return {"then": then}
        case Hold():
            return {}


def saves(step: Step) -> str | None:
    """The answer a step leaves behind, if it leaves one."""
    return getattr(step, "save", None)


def texts(step: Step) -> Iterator[Text]:
    """Every literal a step can say, for translators and checks."""
    match step:
        case Say(lines=lines):
            yield from lines
        case Ask() | Choose() | Pick():
            yield step.text
            if isinstance(step, Ask):
                yield step.sorry
            for choice in step.options.values():
                yield choice.label
                yield from (words for words in (choice.hint, choice.also) if words is not None)
        case _:
            return


@dataclass(frozen=True, slots=True)
class Flow:
    """A conversation with a name: steps in the order the dialogue runs.

    `takes` are answers it is given when called. `keeps` are answers that stay when the flow ends (all others it
    took or saved are dropped with it); `remembers` are those
    that go into the profile as soon as they are given. `renamed` maps step names that were once stored to
    today's: changing a name without it strands the people who wait there.
    """

    name: str
    start: str
    steps: Mapping[str, Step]
    title: Text
    takes: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    remembers: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    def saved(self) -> frozenset[str]:
        return frozenset(name for step in self.steps.values() if (name := saves(step)))

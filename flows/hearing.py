"""Which of the options on offer a person means: by tap, number, label or other words for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz import fuzz

from flows.message import Message
from flows.talk import Option
from flows.text import Tongue, words
from flows.understanding.normalise import fold

CLOSE = 86
"""How alike a typed label must be, of 100; two mistyped letters in "documentos" pass, "si" and "se" do not."""

_NUMBER = re.compile(r"(?:(?:la|el|opcion|option|numero|number|no)\s+)*(?:la\s+|el\s+)?(\d{1,2})")
_ONE = re.compile(r"^(?:la|el|the) | one$")
_ORDINALS = {
    "primera": 1, "primero": 1, "first": 1, "uno": 1, "una": 1, "one": 1,
    "segunda": 2, "segundo": 2, "second": 2, "dos": 2, "two": 2,
    "tercera": 3, "tercero": 3, "third": 3, "tres": 3, "three": 3,
    "cuarta": 4, "cuarto": 4, "fourth": 4, "cuatro": 4, "four": 4,
    "quinta": 5, "quinto": 5, "fifth": 5, "cinco": 5, "five": 5,
}  # fmt: skip


def exactly(message: Message, options: Sequence[Option], tongue: Tongue) -> Option | None:
    """The option tapped, numbered or written out: no doubt about it."""
    if message.tapped is not None:
        return next((option for option in options if option.id == message.tapped), None)
    said = fold(message.text)
    if not said or not options:
        return None
    if (number := _number(said)) is not None:
        return options[number - 1] if 1 <= number <= len(options) else None
    if (named := next((option for option in options if _label(option, tongue) == said), None)) is not None:
        return named
    place = _ORDINALS.get(_ONE.sub("", said))
    if place is None or place > len(options) or any(said in _others(option, tongue) for option in options):
        return None
    return options[place - 1]


def named(message: Message, options: Sequence[Option], tongue: Tongue) -> bool:
    """Whether the whole message is one of the other words for an option."""
    said = fold(message.text)
    return bool(said) and any(said in _others(option, tongue) for option in options)


def roughly(message: Message, options: Sequence[Option], tongue: Tongue) -> Option | None:
    """The option meant by other words for it, a typo, or its label inside a short sentence."""
    said = fold(message.text)
    if message.tapped is not None or not said or not options:
        return None
    spoken = f" {said} "
    scored = [(_closeness(spoken, option, tongue), option) for option in options]
    best, meant = max(scored, key=lambda pair: pair[0])
    rivals = [score for score, option in scored if option is not meant and score >= best]
    return meant if best >= CLOSE and not rivals else None


def _number(said: str) -> int | None:
    found = _NUMBER.fullmatch(said)
    return int(found.group(1)) if found else None


def _others(option: Option, tongue: Tongue) -> tuple[str, ...]:
    """Other words for an option; "tercero" is a school year before it is the third option."""
    return _listed(tongue(option.also)) if option.also else ()


@lru_cache(maxsize=1024)
def _listed(also: str) -> tuple[str, ...]:
    return tuple(fold(word) for word in also.split(","))


def _label(option: Option, tongue: Tongue) -> str:
    return _folded(words(option.label, tongue))


_folded = lru_cache(maxsize=1024)(fold)
"""For labels, which come back with every message; never for what people write."""


def _closeness(spoken: str, option: Option, tongue: Tongue) -> float:
    """0–100 (101 for another word that stands there as such, longer ones above shorter)."""
    also = _others(option, tongue)
    label = _label(option, tongue)
    whole = max((len(name) for name in (label, *also) if name and _stands_in(name, spoken)), default=0)
    if whole:
        return 101 + whole
    if len(label) < 4:
        return 0
    return max(fuzz.ratio(spoken.strip(), name) for name in (label, *also) if len(name) >= 4)


def _stands_in(name: str, spoken: str) -> bool:
    """Whether a name stands in what was said, in a sentence short enough to mean just that."""
    return f" {name} " in spoken and len(spoken.split()) <= len(name.split()) + 4

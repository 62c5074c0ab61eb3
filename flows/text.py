"""The words we say to people: Spanish literals that wait for their language, and the values that fill them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LONGEST = 600
"""Characters of one outgoing message: what a tired person reads on a small screen (feature e15)."""

_SLOT = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)*)(?::([a-z]+))?\}")


class Text(str):
    """A plain Spanish literal, found by Babel, translated only when it is spoken.

    Slots are `{name}`, `{row.field}` and, for values that need words of their own, `{name:day}`,
    `{name:list}` and `{name:lines}`. A text with a slot that has nothing to say is not said at all;
    `{name:if}` says nothing itself and only decides that.
    """

    __slots__ = ()


def _(msgid: str) -> Text:
    return Text(msgid)


@dataclass(frozen=True, slots=True)
class Tongue:
    """The language of one conversation: its locale and how a Spanish literal reads in it.

    `knows` says whether its catalogue has words for a literal; Spanish, the source, needs none.
    """

    locale: str
    gettext: Callable[[str], str]
    knows: Callable[[str], bool] | None = None

    def __call__(self, text: str) -> str:
        return self.gettext(text)


SPANISH = Tongue("es", str)


@lru_cache(maxsize=4096)
def slots(text: str) -> tuple[str, ...]:
    """The names of the answers a text needs: `{town}` and `{service.cost}` give `town` and `service`."""
    return tuple(dict.fromkeys(found.group(1).split(".")[0] for found in _SLOT.finditer(text)))


def speak(text: str, fills: Mapping[str, Any], tongue: Tongue) -> str | None:
    """The text in the person's language with its slots filled; None when a slot has nothing to say."""
    phrase = tongue(text) if isinstance(text, Text) else text
    if not isinstance(text, Text) or "{" not in phrase:
        return phrase
    silent = False

    def fill(slot: re.Match[str]) -> str:
        nonlocal silent
        value = _reach(fills, slot.group(1))
        if slot.group(2) == "if":
            silent = silent or not value
            return ""
        said = _say(value, slot.group(2), tongue)
        silent = silent or not said
        return said

    filled = _SLOT.sub(fill, phrase)
    return None if silent else filled


def words(value: Any, tongue: Tongue) -> str:
    """One value in the person's language: a literal, a number, or a record's `{"es": …, "en": …}`."""
    return _say(value, None, tongue)


def _reach(fills: Mapping[str, Any], path: str) -> Any:
    value: Any = fills
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _say(value: Any, form: str | None, tongue: Tongue) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, Mapping):  # a record's words, one entry a language; Spanish is the source
        return _say(value.get(tongue.locale) or value.get("es"), form, tongue)
    if isinstance(value, str):
        return day(value, tongue) if form == "day" else tongue(value) if isinstance(value, Text) else value
    if isinstance(value, Sequence):
        parts = [said for item in value if (said := _say(item, None, tongue))]
        if form == "lines":
            return "\n".join(f"• {part}" for part in parts)
        return _listed(parts, tongue)
    return str(value)


def _listed(parts: list[str], tongue: Tongue) -> str:
    if len(parts) < 2:
        return "".join(parts)
    first, last = ", ".join(parts[:-1]), parts[-1]
    return tongue(_("{first} y {last}")).replace("{first}", first).replace("{last}", last)


MONTHS = (
    _("enero"), _("febrero"), _("marzo"), _("abril"), _("mayo"), _("junio"), _("julio"), _("agosto"),
    _("septiembre"), _("octubre"), _("noviembre"), _("diciembre"),
)  # fmt: skip
WEEKDAYS = (
    _("lunes"), _("martes"), _("miércoles"), _("jueves"), _("viernes"), _("sábado"), _("domingo"),
)  # fmt: skip


def day(iso: str, tongue: Tongue) -> str:
    """A date in words, as exact as it is known: "2026-02-20", "2026-02", "2026"; "s/f" is no date.

    Our own month names, because Babel has none for the Mayan languages we serve.
    """
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:[T ].*)?", iso)
    if not found:
        return tongue(_("sin fecha")) if iso == "s/f" else iso
    year, month, number = found.groups()
    if month is None:
        return year
    name = tongue(MONTHS[int(month) - 1])
    pattern = tongue(_("{month} de {year}")) if number is None else tongue(_("{day} de {month} de {year}"))
    said = pattern.replace("{month}", name).replace("{year}", year)
    return said.replace("{day}", str(int(number or 0)))

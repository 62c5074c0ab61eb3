"""The languages we can speak: which words may reach a person in each, and which still wait for a translator.

Spanish is the source and needs no catalogue; every other language is one `locales/<locale>/LC_MESSAGES/messages.po`
that Weblate and Poedit open. English is kept by the team. A text in any other language, above all the six Mayan ones,
reaches people only where a native reader has flagged it `reviewed`; all the rest is said in Spanish, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po, write_po

from flows.conversations import FLOWS
from flows.steps import Choice, Choose, Pick
from flows.text import LONGEST, SPANISH, Tongue
from flows.walk import MORE, OTHER, SKIP

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "locales"

KEPT_BY_US = frozenset({"en"})
"""Catalogues the team writes and reads itself; all others need a native reader's flag on every text."""

REVIEWED = "reviewed"
"""The flag a native reader sets on a text (`#, reviewed`): what has it may be said."""

BUTTON, ROW, HINT = 20, 24, 72
"""Characters of a label with up to three options, of one with more, and of a hint (WhatsApp's own limits)."""

_SLOT = re.compile(r"\{[^{}]*\}")
_HEADER = (
    "# PROJECT: what the bot says, in Spanish as it stands in the code.\n# Translations are licensed as the code is."
)


class _Words(dict[str, str]):
    """Spanish to another language; what has no translation stays Spanish."""

    def __missing__(self, msgid: str) -> str:
        return msgid


@lru_cache
def tongues(folder: Path = LOCALES) -> Mapping[str, Tongue]:
    """Every language with something to say, by locale. Raises ValueError for a file that is no catalogue."""
    spoken = {SPANISH.locale: SPANISH}
    for locale, path in _files(folder):
        if words := _sayable(_read(path, locale), locale):
            spoken[locale] = Tongue(locale, _Words(words).__getitem__)
    return spoken


def tongue(locale: str | None) -> Tongue:
    """The language of a locale ("en", "en-US", "quc"); Spanish for none, unknown ones and those without words yet."""
    spoken = tongues()
    code = (locale or "").replace("_", "-").lower()
    return spoken.get(code) or spoken.get(code.partition("-")[0], SPANISH)


def missing(locale: str, folder: Path = LOCALES) -> list[str]:
    """The texts a person with this language still gets in Spanish, in the order the dialogues stand in the code."""
    if locale == SPANISH.locale:
        return []
    path = _path(folder, locale)
    said = _sayable(_read(path, locale), locale) if path.exists() else {}
    return [msgid for msgid in _msgids(extract()) if msgid not in said]


def extract() -> Catalog:
    """Every literal the code can say, where it stands, and what a translator must know about it."""
    # Only translators' commands need these; a start of the bot does not wait for them.
    from babel.messages.extract import extract_from_dir
    from babel.messages.frontend import parse_mapping_cfg

    with (LOCALES / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)
    advice = _advice()
    found = Catalog(project="Puente", header_comment=_HEADER, fuzzy=False)
    for file, line, msgid, _comments, _context in extract_from_dir(ROOT, methods, options, keywords={"_": None}):
        found.add(msgid, locations=[(file, line)], auto_comments=advice.get(str(msgid), ()))
    return found


def update(*new: str, folder: Path = LOCALES) -> None:
    """Write messages.pot anew and bring every catalogue up to date; locales named here that have none get one.

    Translations and their flags stay. A text that changed in Spanish waits for a new translation; its old one is
    kept at the end of the file and never said. Without a change in the code the files stay as they are.
    """
    template = extract()
    pot = folder / "messages.pot"
    if pot.exists() and outline(before := _read(pot, None)) == outline(template):
        template.creation_date = before.creation_date
    _write(pot, template)
    for locale, path in [*_files(folder), *((locale, _path(folder, locale)) for locale in new)]:
        catalogue = _read(path, locale) if path.exists() else _empty(locale, template)
        catalogue.update(template, no_fuzzy_matching=True)
        _write(path, catalogue)


def outline(catalogue: Catalog) -> dict[str, tuple[list[str], list[str]]]:
    """What a catalogue asks a translator for: each text with the files it stands in and the advice on it."""
    return {
        str(message.id): (sorted({file for file, _line in message.locations}), list(message.auto_comments))
        for message in catalogue
        if message.id
    }


def choices() -> Iterator[list[Choice]]:
    """The options of every question that has some, as they stand together on the screen."""
    for flow in FLOWS.values():
        for step in flow.steps.values():
            if isinstance(step, Choose | Pick) and step.options:
                yield list(step.options.values())


def label_limit(options: list[Choice], among_rows: bool = False) -> int:
    """Characters a label may have: buttons hold fewer than the rows of a list."""
    return ROW if among_rows or len(options) > 3 else BUTTON


def _advice() -> dict[str, list[str]]:
    """For each option's label, hint and other words: what the screens allow and what the words are for."""
    advice: dict[str, list[str]] = {}
    shortest: dict[str, int] = {}
    also = [option.also for option in (MORE, OTHER, SKIP) if option.also]
    for options in choices():
        for choice in options:
            shortest[choice.label] = min(label_limit(options), shortest.get(choice.label, ROW))
            also += [choice.also] if choice.also else []
            if choice.hint:
                advice[choice.hint] = [f"At most {HINT} characters."]
    advice |= {label: [f"An option to tap: at most {limit} characters."] for label, limit in shortest.items()}
    return advice | {words: [_ALSO] for words in also}


_ALSO = "What people type instead of the option above it: natural words, comma-separated, not a translation."


def _sayable(catalogue: Catalog, locale: str) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue if _may_be_said(message, locale)}


def _may_be_said(message: Message, locale: str) -> bool:
    """A text that lost a slot would lose a fact, and one with a slot of its own would not be said at all."""
    if not (isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string):
        return False
    vouched = not message.fuzzy and (locale in KEPT_BY_US or REVIEWED in message.flags)
    return vouched and len(message.string) <= LONGEST and slots(message.id) == slots(message.string)


def slots(text: str) -> list[str]:
    """The slots of a text as written, `{desk.hours}` or `{fair.date:day}`, sorted."""
    return sorted(_SLOT.findall(text))


def _msgids(catalogue: Catalog) -> list[str]:
    return [str(message.id) for message in catalogue if message.id]


def _path(folder: Path, locale: str) -> Path:
    return folder / locale / "LC_MESSAGES" / "messages.po"


def _files(folder: Path) -> list[tuple[str, Path]]:
    return [(path.parent.parent.name, path) for path in sorted(folder.glob("*/LC_MESSAGES/messages.po"))]


def _read(path: Path, locale: str | None) -> Catalog:
    try:
        with path.open("rb") as file:
            return read_po(file, locale=locale, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a catalogue that can be read: {error}") from error


def _empty(locale: str, template: Catalog) -> Catalog:
    made = Catalog(locale, project="Puente", header_comment=_HEADER, fuzzy=False)
    made.creation_date = template.creation_date
    return made


def _write(path: Path, catalogue: Catalog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, include_lineno=False)

"""The languages we can speak: what may be said to a person in each, until a translator says more.

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
from flows.steps import Ask, Choose, Pick
from flows.text import LONGEST, SPANISH, Text, Tongue
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
_ALSO = "What people type instead of the option above it: natural words, comma-separated, not a translation."

Outline = dict[str, tuple[list[str], list[str]]]
"""Each text of a catalogue, the files it stands in and the advice on it."""


class _Words(dict[str, str]):
    """Spanish to another language; what has no translation stays Spanish."""

    def __missing__(self, msgid: str) -> str:
        return msgid


@lru_cache
def tongues(folder: Path = LOCALES) -> Mapping[str, Tongue]:
    """Every language with something to say, by locale. Raises ValueError for a file that is no catalogue."""
    spoken = {SPANISH.locale: SPANISH}
    for locale, path in _files(folder):
        if words := _Words(_sayable(_read(path, locale), locale)):
            spoken[locale] = Tongue(locale, words.__getitem__, words.__contains__)
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
    advice = _advice()
    found = _empty(None)
    for file, msgid in _literals():
        found.add(msgid, locations=[(file, 0)], auto_comments=advice.get(msgid, ()))
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
        catalogue = _read(path, locale) if path.exists() else _empty(locale)
        catalogue.update(template, no_fuzzy_matching=True)
        _write(path, catalogue)


def outline(catalogue: Catalog) -> Outline:
    """What a catalogue asks a translator for; two with the same outline need no merging."""
    return {
        str(message.id): (sorted({file for file, _line in message.locations}), list(message.auto_comments))
        for message in catalogue
        if message.id
    }


def other_words() -> list[Text]:
    """The other words people type for an option: lists a translator writes anew, word by word."""
    also = [choice.also for step in _questions() for choice in step.options.values()]
    return list(dict.fromkeys(words for words in (*also, MORE.also, OTHER.also, SKIP.also) if words))


def _advice() -> dict[str, list[str]]:
    """For each option's label, hint and other words: what the screens allow and what the words are for."""
    limits: dict[str, int] = {}
    for step in _questions():
        limit = ROW if isinstance(step, Pick) or len(step.options) > 3 else BUTTON
        for choice in step.options.values():
            limits[choice.label] = min(limit, limits.get(choice.label, limit))
            if choice.hint:
                limits[choice.hint] = HINT
    advice = {text: [f"At most {limit} characters: an option to tap."] for text, limit in limits.items()}
    return advice | {words: [_ALSO] for words in other_words()}


def _questions() -> Iterator[Ask | Choose | Pick]:
    for flow in FLOWS.values():
        yield from (step for step in flow.steps.values() if isinstance(step, Ask | Choose | Pick))


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


@lru_cache
def _literals() -> tuple[tuple[str, str], ...]:
    """What stands in `_("…")` in the code, with its file; the code does not change while it runs."""
    # Only translators' commands need these; a start of the bot does not wait for them.
    from babel.messages.extract import extract_from_dir
    from babel.messages.frontend import parse_mapping_cfg

    with (LOCALES / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    found = extract_from_dir(ROOT, methods, options, keywords={"_": None})
    return tuple((file, str(msgid)) for file, _line, msgid, _comments, _context in found)


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


def _empty(locale: str | None) -> Catalog:
    """A catalogue with nothing but its header; each translator signs there."""
    return Catalog(
        locale,
        header_comment="# What Puente says. The Spanish stands in the code; translations have the code's licence.",
        project="Puente",
        version="0.1",
        msgid_bugs_address="the issues of the project",
        last_translator="nobody yet",
        language_team="Puente",
        fuzzy=False,
    )


def _write(path: Path, catalogue: Catalog) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, include_lineno=False)

"""What people read in each language: complete in English, whole on their screens, and never an unread guess."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from bot import catalogues
from bot.catalogues import BUTTON, HINT, LOCALES, REVIEWED, ROW, extract, missing, outline, tongue, tongues, update
from bot.channels import Limits
from bot.knowledge import facts
from flows import checks
from flows.conversations import FLOWS
from flows.steps import Choose, texts
from flows.text import LONGEST, SPANISH, Tongue, _
from flows.understanding.commands import Commands
from flows.walk import MORE, OTHER, SKIP

MAYAN = ("quc", "kek", "cak", "mam", "ixl", "kjb")
ENGLISH = LOCALES / "en/LC_MESSAGES/messages.po"
SMALLEST_SCREEN = Limits("the smallest screen", 3, BUTTON, 10, ROW, HINT, LONGEST, 1, 1)
EVERY_TONGUE = pytest.mark.parametrize("spoken", tongues().values(), ids=list(tongues()))

COMMANDS = {
    "PERSONA": "PERSON", "MENÚ": "MENU", "ATRÁS": "BACK", "MI CASO": "MY CASE", "MIS DATOS": "MY DATA",
    "BORRAR MIS DATOS": "DELETE MY DATA", "BAJA": "STOP", "ALTA": "START", "OCULTAR": "HIDE", "IDIOMA": "LANGUAGE",
}  # fmt: skip
"""What people write to be understood anywhere, as the texts name it in both languages."""
HEARD_AS = (
    "person", "menu", "back", "case_status", "my_data", "erase_data", "stop_notices", "resume_notices", "panic",
    "language",
)  # fmt: skip


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


@pytest.fixture(scope="module")
def asked() -> catalogues.Outline:
    """What the code asks a translator for."""
    return outline(extract())


def test_the_template_holds_every_literal_of_the_code(asked: catalogues.Outline) -> None:
    assert outline(catalogue(LOCALES / "messages.pot")) == asked, "run: puente locales --update"


@pytest.mark.parametrize("path", sorted(LOCALES.glob("*/LC_MESSAGES/messages.po")), ids=lambda path: path.parts[-3])
def test_catalogues_follow_the_template(path: Path, asked: catalogues.Outline) -> None:
    assert outline(catalogue(path)) == asked, "run: puente locales --update"
    assert [message.id for message in catalogue(path) if message.fuzzy] == []


def test_no_step_says_what_no_translator_sees(asked: catalogues.Outline) -> None:
    """A text made by joining would be said, but never extracted."""
    said = {str(text) for flow in FLOWS.values() for step in flow.steps.values() for text in texts(step)}
    assert said | {str(flow.title) for flow in FLOWS.values()} <= set(asked)


def test_english_is_complete() -> None:
    assert missing("en") == []


def test_english_keeps_every_slot() -> None:
    english = catalogue(ENGLISH)
    lost = {m.id: m.string for m in english if m.id and catalogues.slots(m.id) != catalogues.slots(m.string)}
    assert lost == {}


def test_english_names_the_same_commands() -> None:
    """A person who is told to write a word must be told the one that works in the language they write."""
    wrong = {}
    for message in catalogue(ENGLISH):
        told = [english for spanish, english in COMMANDS.items() if re.search(rf"\b{spanish}\b", str(message.id))]
        left = [word for word in COMMANDS if message.id and re.search(rf"\b{word}\b", message.string)]
        if left or not all(re.search(rf"\b{word}\b", message.string) for word in told):
            wrong[message.id] = message.string
    assert wrong == {}


def test_the_commands_we_name_are_heard() -> None:
    heard = Commands.learn(facts("commands.yaml")).hear
    assert {spanish: (heard(spanish), heard(english)) for spanish, english in COMMANDS.items()} == {
        spanish: (name, name) for spanish, name in zip(COMMANDS, HEARD_AS, strict=True)
    }


def test_english_is_english() -> None:
    """A text that reads as in Spanish is a name, a number or nothing but slots."""
    same = {m.id for m in catalogue(ENGLISH) if m.id and m.id == m.string}
    worded = {text for text in same if re.sub(r"\{[^{}]*\}|\s", "", text)}
    names = {step.options[code].label for step in FLOWS["language"].steps.values() if isinstance(step, Choose)
             for code in step.options if code in {"es", "en", *MAYAN}}  # fmt: skip
    spellings = {choice.also for choice in FLOWS["language"].steps["other"].options.values()}  # type: ignore[union-attr]
    assert worded - names - spellings == {"No", "Guatemala"}


@EVERY_TONGUE
def test_words_that_hurt_are_not_used(spoken: Tongue, asked: catalogues.Outline) -> None:
    """The programme's rule on work in the United States is the one text that has to name deportation."""
    hurting = re.compile(
        r"\b(deportad[oa]s?|ilegal(es)?|indocumentad[oa]s?|mojad[oa]s?|repatriad[oa]s?|fracas\w*"
        r"|deportees?|deported|illegals?|aliens?|undocumented|failures?|returnees?)\b",
        re.IGNORECASE,
    )
    said = [spoken(text) for text in asked if not text.startswith("Ofrecen volver a Estados Unidos")]
    assert [text for text in said if hurting.search(text)] == []


@EVERY_TONGUE
def test_every_text_is_short(spoken: Tongue, asked: catalogues.Outline) -> None:
    assert [text for text in asked if not 0 < len(spoken(text)) <= LONGEST] == []


@EVERY_TONGUE
def test_conversations_are_whole_on_the_smallest_screen(spoken: Tongue) -> None:
    """Labels and hints fit, no slot is lost, and every label and other word, typed, is heard as its own option."""
    assert checks.check(FLOWS, [spoken], [SMALLEST_SCREEN]) == []
    assert [option for option in (MORE, SKIP, OTHER) if len(spoken(option.label)) > BUTTON] == []


@EVERY_TONGUE
def test_other_words_are_written_as_people_type_them(spoken: Tongue) -> None:
    for also in catalogues.other_words():
        words = [word.strip() for word in spoken(also).split(",")]
        assert len(set(words)) == len(words), f"a word stands twice in {words}"
        assert [word for word in words if word not in {word.lower(), "DPI"}] == []


@pytest.mark.parametrize("locale", ["es", "es-GT", "es_419", "ES", None, "", *MAYAN, "mam-GT", "xx", "¿?", "e" * 300])
def test_who_has_no_catalogue_hears_spanish(locale: str | None) -> None:
    assert tongue(locale) is SPANISH


@pytest.mark.parametrize("locale", ["en", "EN", "en-US", "en_GB"])
def test_english_is_spoken_in_all_its_countries(locale: str) -> None:
    assert tongue(locale) is tongues()["en"]
    assert tongue(locale)(_("Sí")) == "Yes"
    assert tongue(locale)("Lo que nadie tradujo") == "Lo que nadie tradujo"


def written(folder: Path, locale: str, *texts: tuple[str, str, set[str]]) -> Path:
    made = Catalog(locale, fuzzy=False)
    for text, translation, flags in texts:
        made.add(text, translation, flags=flags)
    path = folder / locale / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)
    return path


@pytest.mark.parametrize("locale", MAYAN)
def test_only_what_a_native_reader_approved_is_said(locale: str, tmp_path: Path) -> None:
    written(
        tmp_path,
        locale,
        ("Sí", "(read and approved)", {REVIEWED}),
        ("No", "(a draft)", set()),
        ("Menú", "(approved for an older text)", {REVIEWED, "fuzzy"}),
        ("Ayuda", "", {REVIEWED}),
    )
    spoken = tongues(tmp_path)[locale]
    assert [spoken(text) for text in ("Sí", "No", "Menú", "Ayuda")] == ["(read and approved)", "No", "Menú", "Ayuda"]
    assert spoken.locale == locale
    assert "Sí" not in missing(locale, tmp_path) and "No" in missing(locale, tmp_path)


def test_a_language_of_drafts_is_not_spoken(tmp_path: Path, asked: catalogues.Outline) -> None:
    written(tmp_path, "mam", ("Sí", "(a draft)", set()))
    assert set(tongues(tmp_path)) == {"es"}
    assert missing("mam", tmp_path) == list(asked)
    assert missing("es", tmp_path) == []


def test_a_translation_that_lost_its_facts_is_not_said(tmp_path: Path) -> None:
    flags: set[str] = set()
    texts = [("Pago: {vacancy.pay}", "Pay: {vacancy.salary}"), ("Sí", "Yes {name}"), ("No", "No" * LONGEST)]
    written(tmp_path, "en", ("Menú", "Menu", flags), *((text, wrong, flags) for text, wrong in texts))
    spoken = tongues(tmp_path)["en"]
    assert spoken("Menú") == "Menu"
    assert [spoken(text) for text, _wrong in texts] == [text for text, _wrong in texts]


@pytest.mark.parametrize("damage", [b"\n<<<<<<< HEAD\n", '\nmsgid "ñ"'.encode("latin-1")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, damage: bytes) -> None:
    path = written(tmp_path, "en", ("Sí", "Yes", set()))
    path.write_bytes(path.read_bytes() + damage)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        tongues(tmp_path)


def test_updating_keeps_what_translators_did(tmp_path: Path, asked: catalogues.Outline) -> None:
    today, before = "Puede tocar una opción o escribir su número.", "Puede tocar la opción o escribir su número."
    flags = {REVIEWED}
    path = written(tmp_path, "mam", ("Sí", "(read and approved)", flags), (before, "(approved once)", flags))
    update("kek", folder=tmp_path)
    kept = catalogue(path)
    assert kept["Sí"].string == "(read and approved)" and REVIEWED in kept["Sí"].flags
    assert before not in kept and before in kept.obsolete
    assert not kept[today].string, "what was approved for other words is no translation of these"
    assert outline(kept) == asked == outline(catalogue(tmp_path / "kek/LC_MESSAGES/messages.po"))
    files = {file: file.read_bytes() for file in tmp_path.rglob("messages.po*")}
    update(folder=tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("messages.po*")} == files
    assert len(files) == 3


def test_updating_the_catalogues_changes_nothing_today(tmp_path: Path) -> None:
    shutil.copytree(LOCALES, tmp_path / "locales")
    update(folder=tmp_path / "locales")
    for file in LOCALES.rglob("messages.po*"):
        assert (tmp_path / "locales" / file.relative_to(LOCALES)).read_bytes() == file.read_bytes(), file

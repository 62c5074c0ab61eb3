"""What we tell people is the same in Spanish and English, and holds no number nobody has confirmed."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

KNOWLEDGE = Path(__file__).parent.parent / "flows" / "knowledge"
LISTS = ("facts", "requirements", "where")
LINES = ("institution", "for_whom", "cost", "hours")


def load(name: str) -> Any:
    return yaml.safe_load((KNOWLEDGE / name).read_text(encoding="utf-8"))


SPANISH: dict[str, dict[str, Any]] = {
    record["id"]: record for record in load("services.yaml")["services"] if record["ship"] in ("yes", "confirm_first")
}
ENGLISH: dict[str, dict[str, Any]] = load("services.en.yaml")
EMERGENCY = load("emergency.yaml")

every_service = pytest.mark.parametrize("id", sorted(SPANISH))


def said(record: dict[str, Any], name: str) -> str:
    """Everything a person may be shown of a record, but its phone."""
    parts = [record[name], *(record[line] for line in LINES)]
    for many in LISTS:
        parts += record[many] or []
    return "\n".join(part for part in parts if part)


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def unconfirmed(record: dict[str, Any]) -> list[str]:
    """The digits of a phone that must be called before it is published; none when the phone has a source."""
    return numbers(record["phone"] or "") if record["phone_status"] == "reconfirm" else []


def test_both_languages_have_the_same_services_in_the_same_order() -> None:
    assert list(ENGLISH) == list(SPANISH)


@every_service
def test_english_says_as_much_as_spanish(id: str) -> None:
    spanish, english = SPANISH[id], ENGLISH[id]
    assert set(english) == {"name", *LISTS, *LINES}
    for many in LISTS:
        assert (english[many] is None) == (spanish[many] is None), many
        assert len(english[many] or ()) == len(spanish[many] or ()), many
    for line in LINES:
        assert bool(english[line]) == bool(spanish[line]), line


@every_service
def test_every_number_is_in_both_languages(id: str) -> None:
    """Prices, dates, phones and addresses; what is withheld in one language may be withheld in the other."""
    withheld = set(unconfirmed(SPANISH[id]))
    spanish, english = said(SPANISH[id], "name_es"), said(ENGLISH[id], "name")
    assert Counter(n for n in numbers(spanish) if n not in withheld) == Counter(
        n for n in numbers(english) if n not in withheld
    )


@every_service
def test_no_unconfirmed_phone_hides_in_the_words(id: str) -> None:
    phone = unconfirmed(SPANISH[id])
    for text in (said(SPANISH[id], "name_es"), said(ENGLISH[id], "name")):
        digits = numbers(text)
        assert not any(digits[i : i + len(phone)] == phone for i in range(len(digits))) or not phone


@every_service
def test_english_speaks_of_people_with_respect(id: str) -> None:
    label = re.compile(r"\b(deportees?|returnees?|illegals?|illegal (im)?migrants?|undocumented)\b", re.IGNORECASE)
    assert not label.search(said(ENGLISH[id], "name"))


@every_service
def test_english_sentences_are_short(id: str) -> None:
    for fact in ENGLISH[id]["facts"]:
        for sentence in re.split(r"[.:;]\s", fact):
            assert len(sentence.split()) <= 35, sentence


def test_every_emergency_line_speaks_both_languages() -> None:
    for line in EMERGENCY["lines"]:
        assert line["name_en"] and line["use_for_en"], line["id"]
        assert numbers(line["name_en"] + line["use_for_en"]) == numbers(line["name_es"] + line["use_for"])


def test_emergency_lines_shown_for_a_danger_may_be_shown() -> None:
    lines = {line["id"]: line for line in EMERGENCY["lines"]}
    assert len(lines) == len(EMERGENCY["lines"])
    for flag, order in EMERGENCY["display_order_by_flag"].items():
        shown = [lines[id] for id in order if id != "persona humana"]
        assert shown and all(line["show"] == "yes" for line in shown), flag


def test_emergency_numbers_that_must_not_be_published_are_gone() -> None:
    """Old or contradictory numbers: an outdated line for the defence of women, unofficial call centres."""
    assert "do_not_publish" not in EMERGENCY
    text = (KNOWLEDGE / "emergency.yaml").read_text(encoding="utf-8")
    for number in ("1571", "2411-2412", "4214-3566", "2424-1717", "2232-9916", "2288-6856"):
        assert number not in text

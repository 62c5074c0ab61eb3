"""Words for people: slots filled, lines with nothing to say left out, dates as people say them."""

import pytest

from flows.text import SPANISH, Text, Tongue, _, day, slots, speak, words

ENGLISH = Tongue(
    "en",
    lambda text: {
        "{first} y {last}": "{first} and {last}",
        "{month} de {year}": "{month} {year}",
        "{day} de {month} de {year}": "{month} {day}, {year}",
        "febrero": "February",
        "Lleve: {papers:list}": "Bring: {papers:list}",
        "Trabajo": "Work",
    }.get(text, text),
)


@pytest.mark.parametrize(
    ("text", "fills", "said"),
    [
        ("Hola.", {}, "Hola."),
        ("Está en {town}.", {"town": "Xela"}, "Está en Xela."),
        ("Está en {town}.", {}, None),
        ("Está en {town}.", {"town": ""}, None),
        ("Está en {town}.", {"town": None}, None),
        ("{row.name}: {row.pay}", {"row": {"name": "Soldador", "pay": 90}}, "Soldador: 90"),
        ("{row.name}: {row.pay}", {"row": {"name": "Soldador"}}, None),
        ("{row.name}", {"row": "no row at all"}, None),
        ("Faltan {count}", {"count": 0}, "Faltan 0"),
        ("{row.late:if}Confírmelo.", {"row": {"late": True}}, "Confírmelo."),
        ("{row.late:if}Confírmelo.", {"row": {"late": False}}, None),
        ("{papers:list}", {"papers": ["DPI"]}, "DPI"),
        ("{papers:list}", {"papers": ["DPI", "recibo", "foto"]}, "DPI, recibo y foto"),
        ("{papers:list}", {"papers": []}, None),
        ("{papers:lines}", {"papers": ["DPI", None, "foto"]}, "• DPI\n• foto"),
        ("Hasta el {when:day}", {"when": "2026-02-20"}, "Hasta el 20 de febrero de 2026"),
        ("{town} {town}", {"town": "{town}"}, "{town} {town}"),
    ],
)
def test_a_text_is_said_with_its_slots_or_not_at_all(text: str, fills: dict[str, object], said: str | None) -> None:
    assert speak(Text(text), fills, SPANISH) == said


def test_a_persons_own_words_are_never_read_as_a_text_of_ours() -> None:
    assert speak("{town}", {"town": "Xela"}, SPANISH) == "{town}"
    assert words("Trabajo", ENGLISH) == "Trabajo"
    assert words(_("Trabajo"), ENGLISH) == "Work"


def test_the_language_decides_the_order_of_words() -> None:
    assert speak(_("Lleve: {papers:list}"), {"papers": ["DPI", "foto"]}, ENGLISH) == "Bring: DPI and foto"
    assert day("2026-02-20", ENGLISH) == "February 20, 2026"


def test_a_records_words_are_said_in_the_language_or_else_in_spanish() -> None:
    record = {"es": "Gratis", "en": "Free"}
    assert words(record, ENGLISH) == "Free"
    assert words(record, SPANISH) == "Gratis"
    assert words({"es": "Gratis"}, ENGLISH) == "Gratis"
    assert words({"es": ["uno", "dos"], "en": ["one", "two"]}, ENGLISH) == "one and two"


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-02-20", "20 de febrero de 2026"),
        ("2026-12-05T09:00:00", "5 de diciembre de 2026"),
        ("2026-02", "febrero de 2026"),
        ("2026", "2026"),
        ("s/f", "sin fecha"),
        ("pronto", "pronto"),
    ],
)
def test_a_date_is_as_exact_as_it_is_known(iso: str, said: str) -> None:
    assert day(iso, SPANISH) == said


def test_the_answers_a_text_needs() -> None:
    assert slots(_("{fair.date:day} {fair.hours} {town}")) == ("fair", "town")
    assert slots(_("{ } {A} {a:1} {}")) == ()

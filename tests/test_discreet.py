"""Messages we start speak of work openly, and give nothing else away."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flows.discreet import revealing
from flows.understanding.normalise import fold

GROUPS: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parent.parent / "flows" / "knowledge" / "sensitive.yaml").read_text(encoding="utf-8")
)
LEXICON = [entry for group in GROUPS.values() for entry in group]


@pytest.mark.parametrize(
    "text",
    [
        "Apoyo para personas retornadas",
        "Su caso sigue abierto",
        "Los DEPORTADOS tienen un nuevo servicio",
        "Información sobre migración",
        "Sabemos que está en peligro",
        "Cita con la psicóloga mañana",
        "¿Sigue la violencia en su casa?",
        "News about your deportation",
        "Your case manager wrote to you",
        "Line for victims of trafficking",
        "Are you safe from threats?",
        "Gracias por su seguimiento con la OIM",
        "Para quienes regresaron de Estados Unidos",
        "Su re­torno al hogar",
        "Your pregnancy appointment",
    ],
)
def test_what_others_must_not_read_is_found(text: str) -> None:
    assert revealing(text, LEXICON)


@pytest.mark.parametrize(
    "text",
    [
        "Tiene un mensaje.",
        "You have a message.",
        "Hay vacantes de albañil y soldador en Coatepeque.",
        "Feria de empleo el sábado en el parque central. La entrada es gratis.",
        "Curso de panadería. ¿Le interesa?",
        "New jobs near you: drivers, cooks, carpenters.",
        "El restaurante La Casona busca meseros.",
        "Office hours are Monday to Friday.",
        "Entrevista mañana a las 9. Responda SÍ para confirmar.",
        "No quiero más avisos: escriba ALTO.",
        "Lleve DPI, antecedentes policíacos y dos referencias. Plaza de enfermera, tarjeta de salud vigente.",
        "Sueldo base más bono, consulte en recepción. Menores de 40 años.",
        "Puede regresar al menú cuando quiera.",
    ],
)
def test_work_and_neutral_lines_may_be_said(text: str) -> None:
    assert revealing(text, LEXICON) == ()


def test_words_are_named_by_their_entry_once_and_in_order() -> None:
    lexicon = ["deport", "=caso", "=casos"]
    assert revealing("Casos y caso: deportado, deportada", lexicon) == ("deport", "=caso", "=casos")


def test_a_beginning_is_of_a_word_not_inside_one() -> None:
    assert revealing("desviolento", ["violen"]) == ()
    assert revealing("violento", ["violen"]) == ("violen",)


def test_a_whole_word_is_not_the_beginning_of_another() -> None:
    assert revealing("casona casual", ["=caso"]) == ()


def test_the_end_of_a_long_text_is_read_too() -> None:
    assert revealing("hola " * 700 + "deportado", LEXICON) == ("deport",)


def test_hidden_characters_and_accents_do_not_hide_a_word() -> None:
    assert revealing("de\u200bpor\u00adtación", LEXICON) == ("deport",)
    assert revealing("PSICÓLOGA", LEXICON) == ("psicolog",)


def test_the_lexicon_is_folded_and_says_nothing_twice() -> None:
    assert len(LEXICON) == len(set(LEXICON)) >= 150
    assert all(fold(entry) == entry.removeprefix("=") for entry in LEXICON)


@pytest.mark.parametrize("entry", LEXICON)
def test_every_entry_is_found_where_it_stands(entry: str) -> None:
    assert entry in revealing(f"Buenos días, {entry.removeprefix('=')}!", LEXICON)


@given(st.text(max_size=3000))
def test_any_text_is_read(text: str) -> None:
    assert set(revealing(text, LEXICON)) <= set(LEXICON)

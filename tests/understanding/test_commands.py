"""Commands are recognised when they are the whole message, and never inside a question."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge import facts, lines
from flows.understanding.normalise import clean
from tests.understanding.mutations import by_ear, emoji, no_accents, punctuated, shouted, stretched, zero_width
from tests.understanding.report_danger import commands

NAMES = {
    "greeting", "thanks", "menu", "back", "person", "cancel", "stop_notices", "resume_notices", "erase_data",
    "my_data", "language", "case_status", "help", "repeat", "who_are_you", "trust_question", "correction", "panic",
    "leave",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Hola", "greeting"), ("muchas gracias", "thanks"), ("MENÚ", "menu"), ("atrás", "back"),
        ("cancelar", "cancel"),
        ("quiero hablar con una persona porfa", "person"), ("ALTO", "stop_notices"), ("baja", "stop_notices"),
        ("Stop", "stop_notices"), ("PARAR", "stop_notices"), ("ALTA", "resume_notices"), ("START", "resume_notices"),
        ("borrar mis datos", "erase_data"), ("qué saben de mí", "my_data"), ("english please", "language"),
        ("cómo va mi caso", "case_status"), ("ayuda", "help"), ("no entendí, otra vez", "repeat"),
        ("¿quién es usted?", "who_are_you"), ("¿esto es de migración?", "trust_question"),
        ("me van a deportar otra vez por dar mis datos?", "trust_question"), ("es oficial?", "trust_question"),
        ("no, soy de Xela", "correction"), ("me equivoqué, es Mixco", "correction"), ("ocultar", "panic"),
        ("esconder", "panic"), ("salir rápido", "panic"), ("salir", "leave"),
    ],
)  # fmt: skip
def test_commands_are_recognised(text: str, command: str) -> None:
    assert commands().hear(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "ayuda con mi DPI", "quiero aprender inglés", "no soy menor, cómo saco mi dpi?",
        "necesito ayuda para sacar el pasaporte",
        "busco trabajo de agente de ventas", "quiero regresar a Estados Unidos legalmente", "darme de baja en la SAT",
        "mi mamá tiene la presión alta", "quiero salir del país con mi hijo", "cómo borro mis antecedentes penales",
        "Quetzaltenango", "25", "soy albañil", "sí", "no", "no tengo hijos", "", "...", "👍",
    ],
)  # fmt: skip
def test_questions_and_answers_are_not_commands(text: str) -> None:
    assert commands().hear(text) is None


def test_unseen_wordings() -> None:
    told = lines("commands_test.jsonl")
    wrong = [line["text"] for line in told if commands().hear(line["text"]) != line["command"]]
    assert len(wrong) <= 0.07 * len(told), wrong


def test_the_panic_word_and_stop_survive_how_they_are_typed() -> None:
    typed = (("ocultar", "panic"), ("alto", "stop_notices"), ("borrar mis datos", "erase_data"), ("menú", "menu"))
    for text, command in typed:
        for change in (no_accents, shouted, stretched, zero_width, by_ear, emoji, punctuated):
            assert commands().hear(clean(change(text))) == command, (change.__name__, text)


def test_the_panic_word_is_the_whole_message() -> None:
    assert commands().hear("quiero ocultar mis tatuajes para la entrevista") is None
    assert commands().hear("dónde puedo esconder mi dinero en el viaje") is None


def test_the_data() -> None:
    data, test = facts("commands.yaml"), lines("commands_test.jsonl")
    taught = [line for lines_ in data["commands"].values() for line in lines_]
    assert len(taught) >= 400 and len(data["others"]) >= 200
    assert set(data["commands"]) | set(data["exact"]) == NAMES
    assert {line["command"] for line in test} - {None} <= NAMES
    assert set(data["ways"]) <= NAMES
    for line in taught:
        assert commands().hear(line), line


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    assert commands().hear(text) in NAMES | {None}

"""Danger is heard from writers it was not taught by, through every disguise, and is not heard where there is none."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.knowledge import danger_lines, danger_patterns, lines
from flows.understanding.age import declared_age, is_minor
from flows.understanding.danger import KINDS, Dangers
from flows.understanding.levels import level
from flows.understanding.normalise import clean
from tests.understanding.mutations import MUTATIONS, mutated
from tests.understanding.report_danger import is_look_alike, learnt

PLAIN = (
    "me quiero matar", "ya no quiero vivir", "me voy a suicidar", "i want to kill myself",
    "mi marido me está pegando", "mi esposo me golpea", "me violaron", "mi padrastro me toca",
    "me tienen encerrada y no me dejan salir", "me quitaron el pasaporte y me obligan a trabajar sin pago",
    "los mareros me amenazaron de muerte", "secuestraron a mi hermano y piden rescate",
    "me vienen siguiendo unos hombres armados", "auxilio me quieren matar", "there's a man with a gun outside",
    "mi bebé no respira", "mi mamá se desmayó y no despierta", "estoy embarazada y estoy sangrando mucho",
    "se robaron a mi hija", "no encuentro a mi niño desde ayer", "mi hermano desapareció en el desierto",
    "tengo 15 años y estoy solo", "no tengo donde dormir esta noche", "mis hijos no han comido desde ayer",
    "la policía me golpeó y me quitó mi dinero", "quiero morirme", "me tomé todas las pastillas",
    "ya no aguanto más, me voy a colgar", "mi hijo se quiere suicidar", "mi pareja me quiere matar",
    "mi papá le pega a mi mamá", "tengo miedo de que mi marido me mate", "mi tío abusa de mi hermanita",
    "me obligan a prostituirme", "me tienen secuestrada", "si no pago la renta me matan",
    "los pandilleros quieren matar a mi hijo", "están disparando afuera de mi casa", "hay un hombre armado en mi puerta",
    "mi esposo se está ahogando, no puede respirar", "mi niña está convulsionando", "me robaron a mi bebé",
    "encontré a un niño solo y perdido en la calle", "mi esposo se perdió en el desierto y no aparece",
    "soy menor de edad y viajo solo", "duermo en la calle con mis hijos", "no tengo comida para mis hijos",
    "los soldados nos golpearon en el retén", "i was raped", "my husband beats me",
    "they won't let me leave and took my passport", "my son is missing", "we have nowhere to sleep tonight",
)  # fmt: skip
"""Said outright: these may not be missed however they are typed."""

ORDINARY = (
    "hola", "gracias", "sí", "no", "Xela", "15", "menú", "soy albañil", "busco trabajo", "cómo saco mi DPI",
    "me muero de hambre, ya voy a almorzar", "este calor me mata", "¿dónde denuncio una extorsión?",
    "requisitos para la alerta Alba-Keneth", "mi esposo busca trabajo de chofer", "tengo 15 años de experiencia",
    "mi hijo de 15 años quiere estudiar", "hace diez años mi ex me pegaba, hoy vivo tranquila",
    "i have 12 years of experience in framing", "this heat is killing me",
)  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_words_of_danger_are_heard(text: str) -> None:
    assert learnt().hear(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_messages_raise_no_alarm(text: str) -> None:
    assert learnt().hear(text) is None


def test_unseen_writers_are_heard_and_look_alikes_are_not() -> None:
    real = [line for line in danger_lines("test") if line["kind"]]
    calm = [line for line in danger_lines("test") if not line["kind"]]
    alike = [line for line in calm if is_look_alike(line)]
    hear = learnt().hear
    assert sum(hear(line["text"]) is not None for line in real) >= 0.90 * len(real)
    assert sum(hear(line["text"]) is not None for line in alike) <= 0.25 * len(alike)
    ordinary = [line for line in calm if not is_look_alike(line)]
    assert sum(hear(line["text"]) is not None for line in ordinary) <= 0.08 * len(ordinary)


@pytest.mark.parametrize("mutation", [m.__name__ for m in MUTATIONS])
def test_danger_survives_how_it_is_typed(mutation: str) -> None:
    lost = [
        changed
        for text in PLAIN
        for name, changed in mutated(text)
        if name == mutation and not learnt().hear(clean(changed))
    ]
    assert not lost


def test_a_question_beside_it_does_not_hide_danger() -> None:
    question = "¿Qué requisitos piden para sacar el pasaporte de mi hijo y cuánto cuesta?"
    for text in PLAIN:
        assert learnt().hear(f"{question} {text}"), text
        assert learnt().hear(f"{text}. {question}"), text


def test_a_cry_inside_a_long_message_is_heard() -> None:
    talk = "Le cuento que vine hace un mes y estoy viendo lo de mi certificación de soldador con el instituto. "
    for text in PLAIN[:12]:
        assert learnt().hear(talk * 3 + text + ". " + talk * 3), text


@pytest.mark.parametrize(
    ("text", "kind", "soon"),
    [
        ("me quiero matar", "suicide_selfharm", "R0"),
        ("mi marido me está pegando ahorita", "partner_or_family_violence", "R0"),
        ("mi esposo me golpeaba la semana pasada y tengo miedo de volver", "partner_or_family_violence", "R1"),
        ("un hombre abusó de mi hija", "sexual_violence", "R0"),
        ("me violaron en el camino", "sexual_violence", "R1"),
        ("los mareros me cobran renta y me amenazan", "extortion_or_threats", "R1"),
        ("mi bebé no respira", "medical_emergency", "R0"),
        ("no encuentro a mi niña desde ayer", "child_alone_or_missing", "R0"),
        ("no sabemos nada de mi hermano desde que cruzó el desierto", "missing_relative_on_route", "R1"),
        ("tengo 16 años y quiero trabajar", "minor_writing_alone", "R1"),
        ("no tengo donde dormir esta noche", "no_shelter_tonight", "R1"),
        ("no hemos comido desde ayer", "hunger_or_stranded", "R2"),
        ("la policía me golpeó", "official_abuse", "R1"),
    ],
)
def test_the_kind_and_how_soon(text: str, kind: str, soon: str) -> None:
    heard = learnt().hear(text)
    assert heard and (heard.kind, heard.level) == (kind, soon)


def test_every_kind_has_a_level() -> None:
    assert {level(kind, frozenset(), False) for kind in KINDS} == {"R0", "R1", "R2"}
    assert level("sexual_violence", frozenset(), minor=True) == "R0"


def test_learning_is_deterministic_and_weights_can_be_kept() -> None:
    few = danger_lines("train")[::12]
    weights = Dangers.train(few, danger_patterns())
    again = Dangers.train(few, danger_patterns())
    assert all((weights[name] == again[name]).all() for name in weights)
    fresh, kept = Dangers.learn(few, danger_patterns()), Dangers.learn(few, danger_patterns(), weights)
    assert [fresh.hear(text) for text in PLAIN] == [kept.hear(text) for text in PLAIN]


def test_the_data_is_large_varied_and_split_by_writer() -> None:
    real, calm = lines("danger/messages.jsonl"), lines("danger/look_alikes.jsonl")
    assert len(real) >= 700 and len(calm) >= 700
    kinds = Counter(line["kind"] for line in real)
    assert set(kinds) == set(KINDS) and min(kinds.values()) >= 40
    assert all(line["level"] in ("R0", "R1", "R2") for line in real)
    assert not any(line["kind"] or line["level"] for line in calm)
    for told in (real, calm):
        styles = {split: {line["style"] for line in told if line["split"] == split} for split in ("train", "test")}
        assert not styles["train"] & styles["test"]
        texts = [line["text"].casefold() for line in told]
        assert len(texts) == len(set(texts))


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    learnt().hear(text)
    learnt().hear(clean(text))


def test_hostile_texts_do_not_break_it() -> None:
    long = ("a" * 5000, "a b " * 2000, "\u0301" * 3000, "ꞌ" * 50, "0" * 4000, "1 " * 900)
    for text in ("", " ", "\u200b", "\ud800", *long):
        learnt().hear(text)
    assert learnt().hear(unicodedata.normalize("NFD", "se desmayó mi bebé y no respira"))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("tengo 15 años", 15), ("tengo quince", 15), ("i'm 16", 16), ("im 14 years old", 14), ("ola tngo 13", 13),
        ("tengo diez y seis años", 16), ("voy a cumplir 17", 16), ("aún no cumplo dieciocho", 17), ("I AM 17", 17),
        ("soy d 14 años y nesesito trabajo", 14), ("soy de 6 calle", None),
        ("tengo 17 años de edad", 17), ("tengo 25 años", 25), ("15", None), ("tengo 15 años de experiencia", None),
        ("tengo un hijo de 15 años", None), ("tengo 12 hijos", None), ("tengo 16 años de ser mecánico", None),
        ("my son is 14", None), ("tengo 10 días sin comer", None), ("hola", None),
    ],
)  # fmt: skip
def test_a_declared_age(text: str, age: int | None) -> None:
    assert declared_age(text) == age


def test_a_declared_minor() -> None:
    minors = ("soy menor de edad", "soy menor y estoy sola", "i'm a minor", "soy una niña", "tengo 11")
    others = ("soy mayor de edad", "permiso para menor de edad", "mi hijo es menor de edad", "hijos menores de edad")
    assert all(map(is_minor, minors))
    assert not any(map(is_minor, others))

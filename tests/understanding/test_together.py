"""The engines together, as a conversation uses them: an answer to our own question is no alarm and no command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot import heldout, knowledge
from bot.catalogues import tongues
from flows import interrupts, repair
from flows.book import Book
from flows.conversations import FLOWS
from flows.conversations.questions import QUESTIONS
from flows.interrupts import FIRST
from flows.message import Message
from flows.mind import Mind
from flows.steps import Ask, Choose, Pick
from flows.text import words
from tests.chat import Chat
from tests.world import World

TONGUES = tongues()
STRAIGHT = {"minors", "danger"}
"""Flows in which danger, said again, is danger."""

KNOWN = {"town": "0901", "since": "weeks", "need": "work", "age": "25_59", "trade": "cook", "learnt": "us",
         "english": "some", "schooling": "basic", "school_country": "us", "aim": "job", "dpi": "yes",
         "children": "no", "support": "no"}  # fmt: skip


@pytest.fixture(scope="session")
def mind(request: pytest.FixtureRequest) -> Mind:
    """The real engines; what is learnt is kept between runs, and learnt again when code or data change."""
    return knowledge.mind(kept=request.config.cache.mkdir("learnt"))  # type: ignore[union-attr]


def alarm(mind: Mind, text: str) -> str | None:
    found = interrupts.danger(Message(text=text), mind)
    return found.answers["danger"] if found else None


def other_words() -> Iterator[tuple[str, str, str]]:
    """Every other word for an option of ours, in every language: where it stands, the option, the word."""
    for flow in FLOWS.values():
        for name, step in flow.steps.items():
            if flow.name in STRAIGHT or not isinstance(step, Ask | Choose | Pick):
                continue
            for option, choice in step.options.items():
                for tongue in TONGUES.values():
                    for word in tongue(choice.also).split(",") if choice.also else ():
                        yield f"{flow.name}.{name}", option, word.strip()


def labels() -> Iterator[tuple[str, str]]:
    for flow in FLOWS.values():
        for step in flow.steps.values():
            if isinstance(step, Ask | Choose | Pick):
                for option, choice in step.options.items():
                    yield from ((option, words(choice.label, tongue)) for tongue in TONGUES.values())


def test_no_other_word_for_an_option_is_danger(mind: Mind) -> None:
    wrong = {(at, word, heard) for at, option, word in other_words()
             if option != "under_18" and (heard := alarm(mind, word))}  # fmt: skip
    assert not wrong


def test_no_label_read_aloud_in_a_sentence_is_a_command_that_nothing_comes_before(mind: Mind) -> None:
    """Labels are heard before anything else; their other words yield to the first of the commands alone."""
    meant = {"data", "notices", "erase", "yes"}
    wrong = {(at, word) for at, option, word in other_words()
             if option not in meant and mind.commands.hear(word) in FIRST}  # fmt: skip
    assert not wrong


def answering(mind: Mind, field: str, text: str, spoken: str = "español") -> World:
    """The world after somebody answered one question of the profile, all others known."""
    world = World(TONGUES, consent={"profile": True, "notices": True})
    world.set_up("profile " + " ".join(f"{name}={value}" for name, value in KNOWN.items() if name != field))
    chat = Chat(Book(FLOWS, mind), world)
    for line in ("hola", spoken, "perfil" if spoken == "español" else "my profile"):
        list(chat.hear(f"> {line}"))
    if chat.place == "profile.go_on":
        list(chat.hear("@ go_on"))
    assert chat.place == f"profile.{field}", chat.place
    list(chat.hear(f"> {text}"))
    return world


def kept(value: Any) -> Any:
    return value["id"] if isinstance(value, dict) else value


ANSWERS = [
    ("dpi", "me robaron el DPI", "no"),
    ("dpi", "no tengo dpi", "no"),
    ("dpi", "no tengo", "no"),
    ("dpi", "sí pero vencido", "expired"),
    ("dpi", "ya venció", "expired"),
    ("dpi", "perdido", "no"),
    ("dpi", "si tengo", "yes"),
    ("since", "hace unas semanas", "weeks"),
    ("since", "ayer", "days"),
    ("since", "hace tres meses", "months"),
    ("since", "hace como un año", "years"),
    ("english", "un poco", "some"),
    ("english", "nada", "none"),
    ("english", "más o menos", "some"),
    ("english", "sí bien", "good"),
    ("age", "tengo 34", "25_59"),
    ("age", "34", "25_59"),
    ("age", "tengo 61 años", "60_64"),
    ("age", "19", "18_24"),
    ("age", "70", "65_plus"),
    ("need", "trabajo", "work"),
    ("need", "papeles", "documents"),
    ("need", "comida", "housing"),
    ("need", "médico", "health"),
    ("need", "seguridad", "safety"),
    ("need", "mis hijos", "family"),
    ("schooling", "sexto", "primary"),
    ("schooling", "tercero básico", "basic"),
    ("schooling", "nada", "none"),
    ("schooling", "high school", "upper"),
    ("learnt", "allá en el norte", "us"),
    ("learnt", "en Guatemala", "guatemala"),
    ("aim", "poner un negocio", "business"),
    ("aim", "trabajo", "job"),
    ("children", "sí", "yes"),
    ("children", "no", "no"),
    ("support", "no", "no"),
    ("town", "Cantel", "0914"),
    ("town", "vivo en Cantel", "0914"),
    ("town", "Casillas", "0604"),
    ("town", "de Casillas", "0604"),
    ("town", "La Libertad, Petén", "1705"),
    ("town", "El Asintal", "1109"),
    ("town", "Santa Cruz del Quiché", "1401"),
    ("town", "Quetzaltenango", "0901"),
    ("town", "mazate", "1001"),
]


@pytest.mark.parametrize(("field", "text", "value"), ANSWERS, ids=[f"{field}-{text}" for field, text, _ in ANSWERS])
def test_an_everyday_answer_is_taken_as_one(mind: Mind, field: str, text: str, value: str) -> None:
    if text == "La Libertad, Petén":
        value = mind.places.find(text).codes[0]
    world = answering(mind, field, text)
    assert kept(world.profile.get(field)) == value
    assert world.case is None and not world.minor


def test_there_are_answers_to_every_question() -> None:
    assert {field for field, _text, _value in ANSWERS} | {"trade", "school_country"} == set(QUESTIONS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mataba pollos", "7511"),
        ("cortaba carne", "7511"),
        ("carnicero", "7511"),
        ("demolición", "9313"),
        ("hacía roofing", "7121"),
        ("manejaba trailer", "8332"),
        ("guardia de seguridad", "5414"),
        ("limpiaba casas", "9111"),
        ("cuidaba niños", "5311"),
    ],
)
def test_a_trade_with_knives_or_walls_is_a_trade(mind: Mind, text: str, code: str) -> None:
    assert alarm(mind, text) is None
    assert mind.commands.hear(text) is None
    assert code in [trade.code for trade in mind.trades.find(text)[:3]]


@pytest.mark.parametrize("text", ["I'm 34", "expired", "a little", "nothing", "weeks ago", "roofing", "I have one"])
def test_everyday_answers_in_english(mind: Mind, text: str) -> None:
    assert alarm(mind, text) is None and mind.commands.hear(text) is None


def test_the_name_of_a_town_is_never_danger(mind: Mind) -> None:
    towns = knowledge.table("municipalities.csv")
    names = {row["name"] for row in towns} | {row["department"] for row in towns}
    said = [f"{before}{name}" for before in ("", "en ", "vivo en ", "soy de ") for name in sorted(names)]
    assert [text for text in said if alarm(mind, text)] == []


def test_what_people_say_of_their_town_and_their_trade_is_hardly_ever_danger(mind: Mind) -> None:
    """The bar for ordinary messages is 8 %, what we are out for 3 %."""
    for file in ("places_test.jsonl", "trades/test.jsonl"):
        texts = [line["text"] for line in knowledge.lines(file)]
        assert sum(alarm(mind, text) is not None for text in texts) <= 0.03 * len(texts), file


def test_a_town_is_taken_at_the_question_for_it_whatever_command_it_sounds_like(mind: Mind) -> None:
    like = [row["name"] for row in knowledge.table("municipalities.csv") if mind.commands.hear(row["name"])]
    for name in like:
        world = answering(mind, "town", name)
        assert world.profile.get("town") or mind.places.find(name).decision == "ask", name


def test_a_question_about_a_service_is_hardly_ever_a_command(mind: Mind) -> None:
    told = [line for line in knowledge.lines("service_questions_test.jsonl") if line["gold"]]
    heard = [line["text"] for line in told if mind.commands.hear(line["text"])]
    assert len(heard) <= 0.02 * len(told), heard


@pytest.mark.parametrize(
    "text",
    [
        "¿cómo cancelo una deuda con el banco?",
        "quiero hablar inglés mejor, ¿hay cursos?",
        "¿me ayuda con mi DPI?",
        "¿hay ayuda para personas mayores?",
        "¿dónde repito el grado que perdí?",
        "quiero cambiar el idioma de mi certificado",
        "busco trabajo de menú del día en un comedor",
        "¿cómo regreso a estudiar?",
        "mis datos en RENAP están malos",
        "¿me pueden dar de baja en el IGSS?",
        "se me borraron mis datos del teléfono y perdí mi partida",
        "¿con qué persona hablo en el RENAP?",
    ],
)
def test_a_command_inside_a_question_is_part_of_the_question(mind: Mind, text: str) -> None:
    assert mind.commands.hear(text) is None


def test_danger_is_hardly_ever_answered_as_an_ordinary_question(request: pytest.FixtureRequest, mind: Mind) -> None:
    """Of danger nobody has learnt from: heard, or at least not answered as if it were a question."""
    learnt = heldout.engines(request.config.cache.mkdir("learnt"))  # type: ignore[union-attr]
    lines = [line["text"] for line in heldout.lines("dangers") if line["kind"]]
    unheard = [text for text in lines if learnt["dangers"].hear(text) is None]
    answered = [text for text in unheard if mind.services.find(text).decision == "answer"]
    assert len(lines) > 100
    assert len(answered) <= 0.01 * len(lines), answered


def test_danger_at_the_place_for_an_offer_is_danger(mind: Mind) -> None:
    """The words of an offer are somebody else's, danger in them may be one's own: it comes first (SAFETY L1)."""
    for text in ("me quieren matar", "mi esposo me está pegando ahorita", "ya no quiero vivir"):
        chat = Chat(Book(FLOWS, mind), World(TONGUES, consent={"profile": False}))
        for line in ("hola", "español", "trabajo", "es estafa", text):
            list(chat.hear(f"> {line}"))
        assert chat.place.startswith("danger."), text


@pytest.mark.parametrize(
    "text",
    [
        "SE BUSCAN 30 PERSONAS PARA TRABAJAR EN CANADÁ, SUELDO Q15,000, DEPOSITE Q500 PARA SU CUPO, INFO 5555-1234",
        "Empresa de alimentos solicita operarios, sueldo mínimo más prestaciones, presentarse con DPI y antecedentes",
    ],
)
def test_an_offer_pasted_at_the_menu_is_judged(mind: Mind, text: str) -> None:
    chat = Chat(Book(FLOWS, mind), World(TONGUES, consent={"profile": False}))
    for line in ("hola", "español", text):
        happened = list(chat.hear(f"> {line}"))
    assert any(line.startswith("? JudgeOffer") for line in happened), happened


def test_questions_and_stories_are_not_taken_for_offers(mind: Mind) -> None:
    told = [line for line in knowledge.lines("service_questions_test.jsonl")
            if line.get("gold") and "denuncia-estafa-laboral" not in line["gold"]]  # fmt: skip
    offers = [line["text"] for line in told if repair.is_offer(line["text"], mind)]
    assert len(offers) <= 0.03 * len(told), offers

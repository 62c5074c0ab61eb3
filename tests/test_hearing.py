"""Which option a person means: by tap, number, label with typos, or other words; and when nobody can know."""

import pytest

from flows.hearing import exactly, roughly
from flows.message import Message
from flows.talk import Option
from flows.text import SPANISH, Tongue, _

WORK = Option("work", _("Trabajo"), also=_("empleo, chamba"))
PAPERS = Option("papers", _("Documentos"), also=_("papeles, DPI"))
PERSON = Option("person", _("Hablar con una persona"), also=_("persona, alguien"))
MENU = [WORK, PAPERS, PERSON]
YES, NO = Option("yes", _("Sí"), also=_("sí, si, claro")), Option("no", _("No"), also=_("no, ahorita no"))
GRADES = [
    Option("none", _("No fui a la escuela")),
    Option("some", _("Parte de primaria"), also=_("primero, segundo, tercero")),
    Option("basic", _("Básicos"), also=_("tercero básico")),
]


def heard(text: str, options: list[Option], tongue: Tongue = SPANISH) -> str | None:
    message = Message(text=text)
    option = exactly(message, options, tongue) or roughly(message, options, tongue)
    return option.id if option else None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1", "work"), ("2", "papers"), (" 3. ", "person"), ("la 2", "papers"), ("opción 2", "papers"),
        ("el número 3", "person"), ("la primera", "work"), ("segunda", "papers"), ("the third one", "person"),
        ("0", None), ("4", None), ("22", None), ("99999", None),
        ("trabajo", "work"), ("TRABAJO!!", "work"), ("Trabajó", "work"), ("trabjo", "work"), ("documetos", "papers"),
        ("dokumentos", "papers"), ("hablar con una prsona", "person"),
        ("chamba", "work"), ("quiero chamba", "work"), ("mis papeles", "papers"), ("alguien porfa", "person"),
        ("busco trabajo", "work"), ("hablar", None), ("docs", None), ("no", None), ("", None),
        ("¿¿??", None), ("🙂", None),
        ("ayer fui a buscar trabajo en la finca y me dijeron que no", None),
        ("trabajo o papeles", None), ("la persona de trabajo", None),
    ],
)  # fmt: skip
def test_what_a_person_means(text: str, meant: str | None) -> None:
    assert heard(text, MENU) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("si", "yes"), ("Sí", "yes"), ("claro que si", "yes"), ("sí, por favor", "yes"), ("no", "no"),
        ("ahorita no", "no"), ("se", None), ("nop", None), ("si no", None), ("sino", None),
    ],
)  # fmt: skip
def test_short_answers_have_no_typos(text: str, meant: str | None) -> None:
    assert heard(text, [YES, NO]) == meant


def test_a_school_year_is_not_the_number_of_an_option() -> None:
    assert heard("tercero", GRADES) == "some"
    assert heard("el segundo", GRADES) == "some"
    assert heard("tercero basico", GRADES) == "basic"
    assert heard("tercera", GRADES) == "basic"
    assert heard("tercero", MENU) == "person"


def test_a_tap_is_the_option_with_that_id_and_nothing_else() -> None:
    assert exactly(Message(tapped="papers"), MENU, SPANISH) is PAPERS
    assert exactly(Message(tapped="gone", text="trabajo"), MENU, SPANISH) is None
    assert roughly(Message(tapped="gone", text="trabajo"), MENU, SPANISH) is None


def test_labels_and_other_words_are_those_of_the_language() -> None:
    english = Tongue("en", lambda text: {"Trabajo": "Work", "empleo, chamba": "job, gig"}.get(text, text))
    assert heard("work", MENU, english) == "work"
    assert heard("a gig", MENU, english) == "work"
    assert heard("chamba", MENU, english) is None


def test_a_records_label_is_heard_as_it_is_read() -> None:
    rows = [Option("a", {"es": "Cocineros", "en": "Cooks"}), Option("b", {"es": "Techadores", "en": "Roofers"})]
    assert heard("techadores", rows) == "b"
    assert heard("roofers", rows, Tongue("en", str)) == "b"


def test_nothing_is_heard_where_nothing_is_offered() -> None:
    assert heard("1", []) is None
    assert heard("trabajo", []) is None

"""False job offers are told from honest ones, with reasons a person can check."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.understanding.normalise import clean
from flows.understanding.scam import REASONS, Scams
from tests.understanding.report_scam import EXAMPLES, RULES, TEST, TRAIN, flagged

SCAMS = Scams.learn(RULES, TRAIN)


def reasons(text: str) -> tuple[str, ...]:
    return SCAMS.judge(text).reasons


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("fee", "Para entrar de bodeguero hay que cancelar Q350 de papelería"),
        ("fee", "nesesita depocitar 600 pa apartar su lugar"),
        ("personal_payment", "Envíe el dinero por Western Union a la licenciada"),
        ("documents_kept", "El patrón les guarda el pasaporte hasta que terminen"),
        ("your_data", "Mándeme foto de su DPI por ambos lados y el PIN de su tarjeta"),
        ("sure_visa", "Tenemos la biza segura, sin ir a la embajada"),
        ("us_return", "Si lo deportaron no importa, le damos visa H2A para volver"),
        ("impersonation", "El Mintrab le informa que fue seleccionado, escriba a empleo.mintrab@gmail.com"),
        ("unregistered_recruiter", "Ocupo gente para cosecha de uva en California, pago por hora"),
        ("travel_trap", "Trabajo en Tijuana, el pasaje se lo descuentan de su sueldo"),
        ("women_only", "Se buscan señoritas de 18 a 23 años, bonita presencia, mandar fotos"),
        ("alone_or_secret", "Venga sola a la entrevista y no le diga a nadie"),
        ("courier", "Le doy 2 mil por llevar una maleta al otro lado de la frontera"),
        ("too_good", "Pagamos Q20,000 al mes sin experiencia"),
        ("likes", "Gane Q300 por dar likes a unos videos"),
        ("pyramid", "Invierta Q500 y duplique su dinero invitando amigos"),
        ("strange_link", "Regístrese en https://bit.ly/trabajo-ya"),
    ],
)
def test_each_sign_of_a_scam_is_named(reason: str, text: str) -> None:
    assert reason in reasons(text)


@pytest.mark.parametrize(
    "text",
    [
        "Planta de alimentos contrata operarios. Urgente contratación. IGSS y prestaciones. No se cobra nada.",
        "Presentarse en la oficina con copia de DPI y antecedentes, lunes a viernes de 8 a 12. RRHH 2433-1180",
        "Restaurante solicita meseros, salario mínimo más propinas, transporte de regreso pagado",
        "Nunca pedimos dinero ni depósitos. Vacante de guardia, uniforme gratis, zona 9.",
        "Programa de Trabajo Temporal del Mintrab: plazas en Canadá, inscripción gratuita en la ventanilla",
        "Señora para limpieza, zona 15, Q2,900 mensuales, referencias",
    ],
)
def test_honest_offers_with_ordinary_features_stay_green(text: str) -> None:
    assert SCAMS.judge(text) == ("green", ())


@pytest.mark.parametrize(
    ("charged", "free"),
    [
        ("La empresa cobra Q200 por el uniforme", "La empresa no cobra Q200 ni nada por el uniforme"),
        ("Tiene que pagar la papelería para entrar", "No tiene que pagar la papelería para entrar"),
        ("El encargado les quita el DPI", "El encargado nunca les quita el DPI"),
    ],
)
def test_what_is_denied_is_not_held_against_an_offer(charged: str, free: str) -> None:
    assert SCAMS.judge(charged).label != "green"
    assert Scams.learn(RULES).judge(free).label == "green"


def test_a_denial_ends_where_the_sentence_turns() -> None:
    assert "fee" in reasons("No pedimos experiencia, pero debe pagar Q400 de inscripción")


def test_unseen_offers() -> None:
    """The bar is .92 and 12 % on large sets; these margins leave room for the size of this one."""
    scams, of_scams = flagged(SCAMS, [e for e in TEST if e["scam"]])
    honest, of_honest = flagged(SCAMS, [e for e in TEST if not e["scam"]])
    assert scams / of_scams >= 0.88
    assert honest / of_honest <= 0.12


def test_the_learnt_part_adds_what_rules_miss() -> None:
    unseen = [e for e in TEST if e["scam"]]
    assert flagged(SCAMS, unseen)[0] > flagged(Scams.learn(RULES), unseen)[0]


def test_examples_are_many_and_split_by_voice() -> None:
    assert sum(e["scam"] for e in EXAMPLES) >= 250
    assert sum(not e["scam"] for e in EXAMPLES) >= 250
    assert {e["voice"] for e in TRAIN if e["scam"]}.isdisjoint(e["voice"] for e in TEST if e["scam"])
    assert {e["voice"] for e in TRAIN if not e["scam"]}.isdisjoint(e["voice"] for e in TEST if not e["scam"])
    assert len({e["text"] for e in EXAMPLES}) == len(EXAMPLES)


def test_every_reason_has_words_and_every_rule_is_shown_by_some_example() -> None:
    assert set(RULES["rules"]) | {"resembles"} == set(REASONS)
    seen = {reason for e in EXAMPLES for reason in reasons(e["text"])}
    assert seen == set(REASONS)


def test_strongest_reason_comes_first() -> None:
    assert reasons("Visa garantizada, escríbame por telegram ya, últimos cupos")[0] == "sure_visa"


def test_the_price_at_the_end_of_a_long_offer_counts() -> None:
    filler = "Empresa seria con presencia en varios lugares. " * 60
    assert "fee" in reasons(filler + "Para inscribirse debe depositar Q500.")


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ({**RULES, "rules": {"fee": [{"weight": 1, "signs": ["nothing_known"]}]}}, ValueError),
        ({**RULES, "rules": {"unworded": []}}, ValueError),
        ({key: value for key, value in RULES.items() if key != "words"}, KeyError),
    ],
)
def test_wrong_rules_are_refused(rules: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Scams.learn(rules)


def test_learning_twice_gives_the_same() -> None:
    again = Scams.learn(RULES, TRAIN)
    assert [again.judge(e["text"]) for e in TEST] == [SCAMS.judge(e["text"]) for e in TEST]


@given(st.text(max_size=2000))
def test_any_text_is_judged(text: str) -> None:
    for given_text in (text, clean(text)):
        verdict = SCAMS.judge(given_text)
        assert verdict.label in ("red", "yellow", "green")
        assert (verdict.reasons == ()) == (verdict.label == "green")

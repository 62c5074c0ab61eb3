"""Occupations from workers' own words: job names, what the hands did, tools, brands, misheard English."""

import pytest

from tests.understanding.work import cases, learn_occupations, lexicon, occupations, rank, rows

TEST = cases("trades/test.jsonl")


@pytest.mark.parametrize(
    ("split", "style", "first", "three"),
    [
        ("held_out", "words", 0.90, 0.94),
        ("held_out", "activity", 0.80, 0.86),
        ("learnt", "words", 0.92, 0.97),
        ("learnt", "activity", 0.95, 0.98),
    ],
)
def test_share_understood(split: str, style: str, first: float, three: float) -> None:
    ranks = [rank(case) for case in TEST if case["split"] == split and case["style"] == style]
    assert len(ranks) > 80
    assert sum(r == 1 for r in ranks) >= first * len(ranks)
    assert sum(r is not None and r <= 3 for r in ranks) >= three * len(ranks)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hice roofing y shirroc", "7121"),
        ("estuve picando jalapeño", "9412"),
        ("manejaba la troca", "8322"),
        ("la pollera", "7511"),
        ("en la factoría", "9329"),
        ("andaba con la blower", "9214"),
        ("le hacía al fork lift", "8344"),
        ("montacargas", "8344"),
        ("techador", "7121"),
        ("jardinero", "9214"),
        ("ponía uñas", "5142"),
        ("I hung sheetrock", "7123"),
    ],
)
def test_the_first_answer(text: str, code: str) -> None:
    assert occupations().find(text)[0].code == code


def test_two_trades_in_one_sentence_are_both_answers() -> None:
    assert {trade.code for trade in occupations().find("hice roofing y shirroc")[:2]} == {"7121", "7123"}


@pytest.mark.parametrize("text", ["", "hola", "no sé", "gracias", "🙏🙏", "sí", "x" * 3000])
def test_nothing_understood_is_no_answer(text: str) -> None:
    assert occupations().find(text) == ()


def test_at_most_five_answers_best_first() -> None:
    found = occupations().find(
        "limpiaba casas, lavaba carros, cuidaba niños, cortaba grama, pintaba y cocinaba " * 20
    )
    assert len(found) == 5
    assert [trade.score for trade in found] == sorted((trade.score for trade in found), reverse=True)


def test_every_inflection_of_a_trade_is_one() -> None:
    for text in ("pegaba block", "pegué block", "pegando block", "pegar blocks", "pegábamos block"):
        assert occupations().find(text)[0].code == "7112", text


def test_every_code_of_the_lexicon_has_a_title_in_both_languages() -> None:
    known = occupations()
    for row in lexicon() + rows("trades/official.csv"):
        for part in row["codes"].split():
            code = part.split(">")[-1].split(":")[0]
            assert known.title(code, "es") and known.title(code, "en"), row
    with pytest.raises(KeyError):
        known.title("9999", "es")


def test_the_workers_lexicon_is_large_and_says_nothing_twice_in_a_file() -> None:
    phrases = {row["phrase"] for row in lexicon()}
    assert len(phrases) > 9000


def test_learning_twice_is_the_same() -> None:
    again = learn_occupations()
    assert all(again.find(case["text"]) == occupations().find(case["text"]) for case in TEST[::5])

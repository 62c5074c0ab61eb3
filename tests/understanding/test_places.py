"""Places as people type them: nicknames, misspellings, shared names, whole sentences, towns outside Guatemala."""

import pytest

from tests.understanding.work import cases, learn_places, place_verdict, places, rows

PLACES = places()
TEST = cases("places_test.jsonl")


def test_the_held_out_lines() -> None:
    wrong = [case["text"] for case in TEST if place_verdict(case) != "right"]
    assert len(wrong) <= len(TEST) * 0.02, wrong


@pytest.mark.parametrize("row", rows("municipalities.csv"), ids=lambda row: row["code"])
def test_every_municipality_is_found_with_its_department(row: dict[str, str]) -> None:
    for text in (f"{row['name']}, {row['department']}", f"vivo en {row['name']}, {row['department']}, Guatemala"):
        where = PLACES.find(text)
        assert where.decision == "place" and row["code"] in where.codes, (text, where)


def test_every_bare_name_is_the_place_or_is_asked_with_it_among_the_candidates() -> None:
    for row in rows("municipalities.csv"):
        where = PLACES.find(row["name"])
        assert where.decision in ("place", "ask") and row["code"] in where.codes, (row, where)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("vivo por coatepeque pero trabajo en xela", "0920"),
        ("soy de huehue, ahorita estoy en mixco", "0108"),
        ("mi mamá vive en reu y yo en salcajá", "0902"),
        ("me deportaron de houston y llegué a malacatán", "1215"),
        ("no soy de xela, soy de cantel", "0914"),
        ("No, de Patzún", "0407"),
        ("regresé hace 2 meses de houston a coatepeque", "0920"),
        ("antes vivía en mazate pero me mudé a chicacao", "1013"),
    ],
)
def test_where_they_are_now_wins(text: str, code: str) -> None:
    assert PLACES.find(text).codes[0] == code


@pytest.mark.parametrize("text", ["san jose california", "soy de nebaj pero vivo en Houston", "allá en el norte"])
def test_outside_guatemala(text: str) -> None:
    assert PLACES.find(text) == ("unknown", (), True)


@pytest.mark.parametrize(
    "text", ["", "ok", "no sé", "me quiero matar", "dolores de cabeza", "🙏", "x" * 3000, "a " * 900]
)
def test_not_a_place(text: str) -> None:
    assert PLACES.find(text) == ("unknown", (), False)


def test_a_shared_name_is_asked_among_those_of_the_department() -> None:
    assert PLACES.find("san pedro, huehue") == ("ask", ("1306", "1308"), False)
    assert PLACES.find("san pedro, san marcos").codes == ("1202",)


def test_names() -> None:
    assert PLACES.name("0901") == "Quetzaltenango"
    assert PLACES.full_name("1219") == "San Pablo, San Marcos"
    assert PLACES.full_name("D12") == "San Marcos"
    assert PLACES.department("1219") == PLACES.department("D12") == "D12"
    with pytest.raises(KeyError):
        PLACES.name("9999")


def test_every_alias_names_places_that_exist() -> None:
    codes = {row["code"] for row in rows("municipalities.csv")}
    codes |= {"D" + code[:2] for code in codes} | {"abroad", ""}
    for row in rows("place_aliases.csv"):
        assert codes.issuperset(row["codes"].split("|")), row


def test_learning_twice_is_the_same() -> None:
    again = learn_places()
    assert all(again.find(case["text"]) == PLACES.find(case["text"]) for case in TEST)

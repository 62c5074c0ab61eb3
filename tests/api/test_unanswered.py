"""What was not understood, from the person's words to a line to learn from; and that nobody can tell who wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.unanswered import KINDS, anonymous
from tests.api.conftest import Web, problem
from tests.installation import Home

QUESTION = "cuanto vale el zapato 55512345"


def ask(home: Home, name: str = "ana", question: str = QUESTION) -> None:
    """Somebody who asks what nobody knows: by the services menu."""
    home.person(name).say("hola", "español", "no", "servicios", "escribir mi pregunta", question)


async def listed(web: Web, **given: Any) -> list[dict[str, Any]]:
    answer = await web.get("/unanswered", params=given)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


class TestWhatIsKept:
    async def test_a_question_without_an_answer_is_listed_with_its_digits_masked(self, web: Web) -> None:
        ask(web.home)
        row = (await listed(web))[0]
        assert row["text"] == "cuanto vale el zapato ########"
        assert (row["kind"], row["label"], row["done"]) == ("service", None, False)

    async def test_nothing_says_who_or_at_what_time(self, web: Web) -> None:
        ask(web.home)
        contact = web.home.person("ana").contact
        row = dict(web.home.one("SELECT * FROM unanswered"))
        assert contact not in {str(value) for value in row.values()} and row["at"] % 86400 == 0
        audit = web.home.all("SELECT * FROM audit WHERE action = 'effect.NoteUnanswered'")
        assert [(line["actor"], line["at"] % 86400) for line in audit] == [("bot", 0)]

    async def test_words_are_sealed_in_the_record(self, web: Web) -> None:
        ask(web.home)
        assert b"zapato" not in bytes(web.home.one("SELECT question FROM unanswered")["question"])

    async def test_the_second_miss_at_a_step_is_listed_and_the_first_is_not(self, web: Web) -> None:
        person = web.home.person("ana")
        person.say("hola", "español", "no", "blablá blablá")
        assert await listed(web) == []
        person.say("ñam ñam ñam")
        assert [(row["text"], row["kind"]) for row in await listed(web)] == [("ñam ñam ñam", "message")]

    async def test_a_trade_none_of_ours_and_an_unknown_place_are_listed_at_once(self, web: Web) -> None:
        person = web.home.person("ana")
        person.say("hola", "español", "sí", "no", "perfil", "la luna", "xela", "paso", "paso", "paso")
        person.say("hice cosas raras", "hice rufing", "ninguno de estos")
        rows = [(row["text"], row["kind"]) for row in await listed(web)]
        assert rows == [("hice rufing", "trade"), ("hice cosas raras", "trade"), ("la luna", "place")]

    async def test_a_key_word_and_the_words_of_somebody_in_danger_never_are(self, web: Web) -> None:
        person = web.home.person("ana")
        person.say("hola", "español", "no", "otra cosa", "palabra", "abc", "ab", "menú")
        person.say("me está pegando", "ay diosito", "mi vida entera")
        assert person.place.startswith("stuck")
        assert await listed(web) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("llámeme al 5551-2345", "llámeme al ####-####"),
        ("me llamo Juan Pérez López y quiero una beca", "me llamo … y quiero una beca"),
        ("My name is John Smith, I need a job", "My name is …, I need a job"),
        ("escríbame a juan.perez@gmail.com o @juanp", "escríbame a @ o @"),
        ("tengo ٣٤ años", "tengo ## años"),
        ("soy de Xela", "soy de Xela"),
    ],
)
def test_what_says_who_somebody_is_goes(said: str, kept: str) -> None:
    assert anonymous(said) == kept


class TestLabels:
    @pytest.mark.parametrize(
        ("label", "kind", "becomes"),
        [
            ("renap-dpi", None, "service"),
            ("7121", "trade", "trade"),
            ("1217", "place", "place"),
            ("D12", "place", "place"),
            ("abroad", "place", "place"),
            ("menu", None, "message"),
            ("nothing", None, "service"),
            ("nothing", "message", "message"),
        ],
    )
    async def test_one_click_and_it_is_done(self, web: Web, label: str, kind: str | None, becomes: str) -> None:
        ask(web.home)
        id = (await listed(web))[0]["id"]
        for _twice in range(2):
            answer = await web.call("PUT", f"/unanswered/{id}/label", json={"label": label, "kind": kind})
            assert answer.status_code == 204, answer.text
        (row,) = await listed(web, done=True)
        assert (row["label"], row["kind"], row["done"]) == (label, becomes, True)
        assert row["labelled_by"].startswith("staff:")
        assert await listed(web, done=False) == []

    @pytest.mark.parametrize(
        ("label", "kind"),
        [("renap", None), ("7121", None), ("7121", "place"), ("0000", "trade"), ("renap-dpi", "trade")],
    )
    async def test_what_is_nothing_of_ours_is_refused(self, web: Web, label: str, kind: str | None) -> None:
        ask(web.home)
        id = (await listed(web))[0]["id"]
        problem(await web.call("PUT", f"/unanswered/{id}/label", json={"label": label, "kind": kind}), 422)
        assert (await listed(web))[0]["label"] is None

    async def test_a_text_that_is_not_there(self, web: Web) -> None:
        problem(await web.call("PUT", "/unanswered/999/label", json={"label": "nothing"}), 404)
        problem(await web.call("PUT", "/unanswered/0/label", json={"label": "nothing"}), 422)

    async def test_labels_and_looks_are_audited(self, web: Web) -> None:
        ask(web.home)
        id = (await listed(web))[0]["id"]
        await web.call("PUT", f"/unanswered/{id}/label", json={"label": "renap-dpi"})
        await web.get("/unanswered/export")
        actions = [row["action"] for row in web.home.all("SELECT action FROM audit WHERE actor LIKE 'staff:%'")]
        assert actions == ["unanswered.list", "unanswered.label", "unanswered.export"]


class TestExport:
    @pytest.mark.parametrize(
        ("label", "kind", "line"),
        [
            (
                "renap-dpi",
                "service",
                {"writer": "field", "style": "field", "lang": "es", "gold": ["renap-dpi"], "expect": "answer"},
            ),
            ("nothing", "service", {"split": "train", "style": "field"}),
            ("7121", "trade", {"id": "F1", "gold": ["7121"], "style": "words", "split": "field"}),
            ("1217", "place", {"id": "F1", "gold": ["1217"], "abroad": False}),
            ("abroad", "place", {"id": "F1", "gold": ["NONE"], "abroad": True}),
            ("menu", "message", {"command": "menu"}),
        ],
    )
    async def test_each_kind_as_its_file_has_it(self, web: Web, label: str, kind: str, line: dict[str, Any]) -> None:
        ask(web.home)
        await web.call("PUT", "/unanswered/1/label", json={"label": label, "kind": kind})
        answer = await web.get("/unanswered/export")
        assert answer.headers["content-type"] == "application/jsonl"
        assert [json.loads(text) for text in answer.text.splitlines()] == [
            {**line, "text": "cuanto vale el zapato ########"}
        ]
        others = [{"kind": other} for other in KINDS if other != kind]
        assert [(await web.get("/unanswered/export", params=other)).text for other in others] == ["", "", ""]

    async def test_what_has_no_label_stays(self, web: Web) -> None:
        ask(web.home)
        assert (await web.get("/unanswered/export")).text == ""


class TestWhoMay:
    async def test_pages_follow_each_other(self, web: Web) -> None:
        for number in range(5):
            ask(web.home, f"person{number}", "cuanto vale el zapato " + "x" * number)
        seen, cursor = [], None
        while True:
            page = (await web.get("/unanswered", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
            seen += [row["id"] for row in page["data"]]
            if (cursor := page["next"]) is None:
                break
        assert seen == [5, 4, 3, 2, 1]

    async def test_by_its_own_scopes(self, web: Web) -> None:
        cases = web.home.token("cases:read", "cases:write")
        reader = web.home.token("directory:read")
        for path in ("/unanswered", "/unanswered/export"):
            problem(await web.get(path, token=cases), 403)
            assert (await web.get(path, token=reader)).status_code == 200
        for token in (cases, reader):
            problem(await web.call("PUT", "/unanswered/1/label", token=token, json={"label": "nothing"}), 403)
        problem(await web.get("/unanswered", token=""), 401)

"""Cases over HTTP: who may call, what they see, and what becomes of what they do (SAFETY B8, N2; features b1–b5)."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from bot.cases import open_case
from tests.api.conftest import Web, problem
from tests.installation import Home, Person, texts

NO_CASE = "/cases/" + "f" * 32
ROUTES = [
    ("GET", "/cases", None), ("GET", "/cases/{id}", None), ("POST", "/cases/{id}/claim", None),
    ("POST", "/cases/{id}/reply", {"text": "hola"}), ("POST", "/cases/{id}/note", {"text": "hola"}),
    ("POST", "/cases/{id}/return", None), ("POST", "/cases/{id}/close", {"outcome": "resuelto"}),
]  # fmt: skip


def opened(home: Home, name: str = "ana", town: str = "xela") -> Person:
    person = home.person(name)
    person.ask_for_a_person(town)
    home.send()
    return person


class TestWhoCalls:
    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    async def test_without_a_good_token_nothing(self, web: Web, method: str, path: str, body: Any) -> None:
        case = opened(web.home).case["id"]
        expired = web.home.token(days=-1)
        revoked = web.home.token()
        web.home.run(
            "UPDATE token SET revoked_at = 1 WHERE hash IN (SELECT hash FROM token ORDER BY rowid DESC LIMIT 1)"
        )
        disabled = web.home.token(staff=web.home.staff("Nacional"))
        web.home.run("UPDATE staff SET disabled_at = 1 WHERE id = :id", id=web.home.staff("Nacional"))
        for token in ("", "x", "puente_", "puente_" + "x" * 43, expired, revoked, disabled, "ñ", "a b"):
            headers = {"authorization": b"Bearer " + token.encode()}
            answer = await web.call(method, path.format(id=case), token="", json=body, headers=headers)
            problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
        problem(await web.call(method, path.format(id=case), token="", json=body), 401)
        basic = {"authorization": f"Basic {web.token}"}
        problem(await web.call(method, path.format(id=case), token="", json=body, headers=basic), 401)

    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    async def test_a_scope_opens_only_what_it_says(self, web: Web, method: str, path: str, body: Any) -> None:
        case = opened(web.home).case["id"]
        wrong = web.home.token("cases:write" if method == "GET" else "cases:read")
        shown = problem(await web.call(method, path.format(id=case), token=wrong, json=body), 403)
        assert "lacks the scope" in shown["detail"]

    @pytest.mark.parametrize(("method", "path", "body"), ROUTES[1:])
    async def test_another_offices_case_is_as_one_that_does_not_exist(
        self, web: Web, method: str, path: str, body: Any
    ) -> None:
        theirs = opened(web.home, town="tecun").case["id"]
        there = await web.call(method, path.format(id=theirs), json=body)
        missing = await web.call(method, path.format(id="f" * 32), json=body)
        problem(there, 404)
        assert (there.content, dict(there.headers)) == (missing.content, dict(missing.headers))
        assert web.home.one("SELECT state FROM handoff_case")["state"] == "new"
        denied = web.home.one("SELECT COUNT(*) AS n FROM audit WHERE action LIKE '%.denied'")
        assert denied["n"] == 2

    async def test_a_token_is_kept_only_as_a_hash(self, web: Web) -> None:
        kept = [bytes(row["hash"]) for row in web.home.all("SELECT hash FROM token")]
        assert kept
        assert not [one for one in kept if web.token.encode() in one]


class TestList:
    async def ids(self, web: Web, **params: Any) -> list[str]:
        answer = await web.get("/cases", params=params)
        assert answer.status_code == 200, answer.text
        return [case["id"] for case in answer.json()["data"]]

    async def test_only_the_own_offices_the_most_urgent_and_longest_waiting_first(self, web: Web) -> None:
        calm, later, urgent = (opened(web.home, name) for name in ("calm", "later", "urgent"))
        opened(web.home, "elsewhere", "tecun")
        urgent.say("me quieren matar")
        assert await self.ids(web) == [urgent.case["id"], calm.case["id"], later.case["id"]]

    async def test_filters(self, web: Web) -> None:
        new, taken, urgent = (opened(web.home, name) for name in ("new", "taken", "urgent"))
        urgent.say("me quieren matar")
        web.home.claim(taken, web.home.staff("Quetzaltenango"))
        assert await self.ids(web, state="claimed") == [taken.case["id"]]
        assert await self.ids(web, urgency="R0") == [urgent.case["id"]]
        assert await self.ids(web, state="new", urgency="R3") == [new.case["id"]]
        assert await self.ids(web, state="closed") == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    async def test_pages_hold_each_case_once_though_many_came_at_the_same_moment(self, web: Web, limit: int) -> None:
        for number in range(7):
            person = web.home.person(f"person{number}")
            person.write("hola")
            web.home.record.do(open_case, person.contact, reason="asked", town="0901", now=web.home.now)
        web.home.run("UPDATE handoff_case SET opened_at = 1795280000.123456, urgency = 'R2'")
        web.home.run("UPDATE handoff_case SET urgency = 'R0' WHERE id = (SELECT MAX(id) FROM handoff_case)")
        seen: list[str] = []
        cursor: str | None = None
        for _page in range(20):
            params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = (await web.get("/cases", params=params)).json()
            assert len(page["data"]) <= limit
            seen += [case["id"] for case in page["data"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 7
        assert seen == await self.ids(web)

    async def test_the_last_page_says_that_it_is(self, web: Web) -> None:
        opened(web.home)
        assert (await web.get("/cases", params={"limit": 1})).json()["next"] is None

    async def test_a_cursor_of_somebody_elses_case_is_none(self, web: Web) -> None:
        theirs = opened(web.home, town="tecun").case["id"]
        problem(await web.get("/cases", params={"cursor": theirs}), 404)

    @pytest.mark.parametrize(
        "params",
        [{"state": "x"}, {"urgency": "r0"}, {"limit": 0}, {"limit": 101}, {"limit": "9" * 5000}, {"limit": "x"},
         {"cursor": "x"}, {"cursor": "F" * 32}, {"state": "\ufffd"}, {"limit": "1e3"}],
    )  # fmt: skip
    async def test_a_wrong_filter_is_named_and_not_repeated(self, web: Web, params: dict[str, Any]) -> None:
        shown = problem(await web.get("/cases", params=params), 422)
        assert shown["errors"][0]["field"] == f"query.{next(iter(params))}"
        assert str(next(iter(params.values())))[:40] not in str(shown["errors"][0]["problem"]) or params == {
            "limit": 0
        }

    async def test_a_list_says_nothing_of_who_they_are(self, web: Web) -> None:
        ana = opened(web.home, "canary-address")
        ana.say("Ixchel Canario")
        listed = (await web.get("/cases")).text
        for canary in ("canary-address", "Canario", ana.contact):
            assert canary not in listed


class TestFile:
    async def test_summary_transcript_and_notes(self, web: Web) -> None:
        ana = web.home.person()
        ana.say("hola", "español", "sí", "no", "persona", "trabajo", "xela", "necesito ayuda")
        web.home.send()
        case = ana.case["id"]
        await web.post(f"/cases/{case}/note", json={"text": "llamar el lunes"})
        file = (await web.get(f"/cases/{case}")).json()
        assert file["code"] == ana.case["code"]
        assert [note["text"] for note in file["notes"]] == ["llamar el lunes"]
        said = [(line["from"], line["text"]) for line in file["transcript"]]
        assert said[0] == ("contact", "hola")
        assert ("contact", "necesito ayuda") in said
        assert [line["at"] for line in file["transcript"]] == sorted(line["at"] for line in file["transcript"])
        assert {line["state"] for line in file["transcript"]} == {"received", "sent"}

    async def test_every_look_is_written_down(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        await web.get(f"/cases/{case}")
        await web.get("/cases")
        actions = {row["action"] for row in web.home.all("SELECT action FROM audit WHERE actor LIKE 'staff:%'")}
        assert {"case.read", "case.list"} <= actions

    async def test_a_delivery_that_failed_says_why(self, web: Web) -> None:
        from bot.channels import Failed

        ana = opened(web.home)
        case = web.home.claim(ana, web.home.staff("Quetzaltenango"))
        web.home.send()
        await web.post(f"/cases/{case}/reply", json={"text": "hola"})
        web.home.catch_up()
        web.home.send(outcome=Failed("refused", "63016"))
        last = (await web.get(f"/cases/{case}")).json()["transcript"][-1]
        assert (last["from"], last["state"], last["why"]) == ("person", "refused", "63016")


class TestHands:
    async def test_the_whole_way(self, web: Web) -> None:
        ana = opened(web.home)
        case = ana.case["id"]
        assert (await web.post(f"/cases/{case}/claim")).status_code == 204
        assert ana.say("¿hola?") == []
        assert (await web.post(f"/cases/{case}/reply", json={"text": "Buenos días"})).status_code == 202
        web.home.catch_up()
        sent = [(errand.spoken.speaker, errand.spoken.text) for errand in web.home.send()]
        assert sent[-1] == ("person", "Buenos días")
        assert sent[0][0] == "notice"
        assert (await web.post(f"/cases/{case}/return")).status_code == 204
        web.home.work()
        assert "Vuelve el asistente automático." in ana.said()[-1]["text"]
        assert (await web.post(f"/cases/{case}/claim")).status_code == 204
        assert (await web.post(f"/cases/{case}/close", json={"outcome": "referido"})).status_code == 204
        web.home.work()
        closed = (await web.get(f"/cases/{case}")).json()
        assert (closed["state"], closed["outcome"]) == ("closed", "referido")
        assert ana.say("menú")

    async def test_taking_it_twice_is_taking_it_once(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        for _try in range(2):
            assert (await web.post(f"/cases/{case}/claim")).status_code == 204

    async def test_of_two_who_take_it_at_once_one_has_it(self, web: Web) -> None:
        home = web.home
        ana = opened(home)
        case = ana.case["id"]
        callers = [home.token(staff=home.staff(office)) for office in ("Quetzaltenango", "Nacional", "Tecún Umán")]
        answers = await asyncio.gather(*(web.post(f"/cases/{case}/claim", token=token) for token in callers))
        assert sorted(answer.status_code for answer in answers) == [204, 409, 409]
        assert len([said for said in ana.said() if said["speaker"] == "notice"]) == 1

    @pytest.mark.parametrize(
        ("path", "body"), [("reply", {"text": "hola"}), ("return", None)]
    )  # fmt: skip
    async def test_without_a_claim_it_is_a_conflict(self, web: Web, path: str, body: Any) -> None:
        ana = opened(web.home)
        said = len(ana.said())
        problem(await web.post(f"/cases/{ana.case['id']}/{path}", json=body), 409)
        assert len(ana.said()) == said

    async def test_a_closed_case_is_closed_to_all(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        await web.post(f"/cases/{case}/close", json={"outcome": "x"})
        for _method, path, body in ROUTES[2:]:
            if "note" not in path:
                problem(await web.post(path.format(id=case), json=body), 409)

    async def test_replies_go_in_order_before_everything_of_the_bot(self, web: Web) -> None:
        home = web.home
        ana = opened(home)
        ana.say("ocultar")
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        for text in ("uno", "dos", "tres"):
            await web.post(f"/cases/{case}/reply", json={"text": text})
        lanes = home.all("SELECT lane FROM outbox WHERE state = 'waiting' ORDER BY id")
        assert {row["lane"] for row in lanes[1:]} == {1}
        home.catch_up()
        sent = [errand.spoken.text for errand in home.send()]
        assert sent[-3:] == ["uno", "dos", "tres"]

    async def test_a_long_reply_arrives_whole_in_parts(self, web: Web) -> None:
        home = web.home
        ana = opened(home)
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        text = " ".join(f"palabra{number}" for number in range(390))[:3990]
        assert len(text) > 3500
        assert (await web.post(f"/cases/{case}/reply", json={"text": text})).status_code == 202
        home.catch_up()
        said = [errand.spoken.text for errand in home.send() if errand.spoken.speaker == "person"]
        assert len(said) > 1
        assert max(map(len, said)) <= 1600, "the shortest limit of all channels (WhatsApp through Twilio)"
        assert " ".join(said) == text

    async def test_a_note_is_never_sent(self, web: Web) -> None:
        home = web.home
        ana = opened(home)
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        assert (await web.post(f"/cases/{case}/note", json={"text": "nota-canario"})).status_code == 201
        home.catch_up()
        home.send()
        ana.say("¿qué dice?")
        assert "nota-canario" not in texts(ana.said())

    @pytest.mark.parametrize("path", ["reply", "note"])
    @pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b\u200d", "\u202e", "\x00"])
    async def test_words_that_say_nothing_are_refused(self, web: Web, path: str, text: str) -> None:
        ana = opened(web.home)
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        said = len(ana.said())
        problem(await web.post(f"/cases/{case}/{path}", json={"text": text}), 422)
        assert len(ana.said()) == said
        assert web.home.count("case_note") == 0


class TestIdempotency:
    KEY: ClassVar = {"idempotency-key": "abc-123"}

    async def test_twenty_repeats_at_once_are_one_reply(self, web: Web) -> None:
        ana = opened(web.home)
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        calls = [web.post(f"/cases/{case}/reply", json={"text": "una vez"}, headers=self.KEY) for _n in range(20)]
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {202}
        assert len([said for said in ana.said() if said["text"] == "una vez"]) == 1

    async def test_another_body_under_the_same_key_is_refused(self, web: Web) -> None:
        ana = opened(web.home)
        case = ana.case["id"]
        await web.post(f"/cases/{case}/claim")
        await web.post(f"/cases/{case}/reply", json={"text": "uno"}, headers=self.KEY)
        problem(await web.post(f"/cases/{case}/reply", json={"text": "dos"}, headers=self.KEY), 422)
        problem(await web.post(f"/cases/{case}/note", json={"text": "uno"}, headers=self.KEY), 422)
        assert len([said for said in ana.said() if said["speaker"] == "person"]) == 1

    async def test_another_caller_may_use_the_same_key(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        other = web.home.token()
        for token in (web.token, other):
            answer = await web.post(f"/cases/{case}/note", token=token, json={"text": "nota"}, headers=self.KEY)
            assert answer.status_code == 201
        assert web.home.count("case_note") == 2

    async def test_the_first_answer_is_given_again_even_where_it_would_now_be_another(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        body = {"outcome": "resuelto"}
        for _try in range(3):
            assert (await web.post(f"/cases/{case}/close", json=body, headers=self.KEY)).status_code == 204
        problem(await web.post(f"/cases/{case}/close", json=body), 409)

    async def test_what_did_not_work_may_be_tried_again(self, web: Web) -> None:
        case = opened(web.home).case["id"]
        reply = {"text": "hola"}
        problem(await web.post(f"/cases/{case}/reply", json=reply, headers=self.KEY), 409)
        await web.post(f"/cases/{case}/claim")
        assert (await web.post(f"/cases/{case}/reply", json=reply, headers=self.KEY)).status_code == 202

    async def test_a_case_that_is_not_there_is_not_there_the_second_time(self, web: Web) -> None:
        for _try in range(3):
            problem(await web.post(f"{NO_CASE}/claim", headers=self.KEY), 404)

    @pytest.mark.parametrize("key", ["", "a b", "x" * 201, "ñ"])
    async def test_a_key_of_another_form_is_refused(self, web: Web, key: str) -> None:
        case = opened(web.home).case["id"]
        answer = await web.post(f"/cases/{case}/claim", headers={"idempotency-key": key.encode()})
        problem(answer, 422)

    async def test_neither_key_nor_body_is_kept_in_clear(self, web: Web, tmp_path: Any) -> None:
        case = opened(web.home).case["id"]
        headers = {"idempotency-key": "canary-key"}
        await web.post(f"/cases/{case}/note", json={"text": "canary-text"}, headers=headers)
        for path in tmp_path.glob("puente.db*"):
            assert b"canary" not in path.read_bytes()

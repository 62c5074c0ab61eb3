"""What any caller may throw at us, what every page says to the browser, and the web chat as a channel (SAFETY N2)."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from typing import Any

import httpx
import pytest

from bot import erase
from tests.api.conftest import Web, problem
from tests.installation import Home

PAGES = ["/", "/flows", "/flows.json", "/chat/messages", "/api/v1/docs", "/api/v1/openapi.json", "/static/chat.css",
         "/nowhere", "/api/v1/nowhere", "/api/v1/cases"]  # fmt: skip
POSTS = ["/chat/messages", "/chat/new", f"/api/v1/cases/{'f' * 32}/reply", f"/api/v1/cases/{'f' * 32}/close",
         "/webhooks/telegram", "/webhooks/twilio", "/nowhere"]  # fmt: skip
DEEP = b'{"id":' + b"[" * 60_000 + b"]" * 60_000 + b"}"
BODIES: dict[str, bytes] = {
    "empty": b"", "deep": DEEP, "bad utf-8": b'{"id": "\xff\xfe"}', "lone surrogate": b'{"text": "\\ud800"}',
    "surrogate key": b'{"\\ud800": 1}', "NaN": b'{"place": {"lat": NaN, "lon": 1}}', "huge": b'{"id": 1e999999}',
    "5,000 digits": b'{"id": ' + b"9" * 5000 + b"}", "NUL": b'{"id": "\x00"}', "a list": b"[]", "a word": b'"x"',
    "cut": b'{"id": "a', "null": b"null", "infinite": b'{"place": {"lat": Infinity, "lon": 1}}',
    "twice": b'{"id": "a", "id": "b"}',
}  # fmt: skip
TYPES = ["application/json", "application/json; charset=utf-7", "text/plain", "application/x-www-form-urlencoded",
         "multipart/form-data", "application/vnd.api+json", None]  # fmt: skip
MESSAGE = "message-0001"


class TestAnything:
    @pytest.mark.parametrize("body", BODIES)
    async def test_no_body_is_a_fault_of_ours(self, web: Web, body: str) -> None:
        for path, kind in itertools.product(POSTS, TYPES):
            headers = {"authorization": f"Bearer {web.token}"} | ({"content-type": kind} if kind else {})
            answer = await web.http.post(path, content=BODIES[body], headers=headers)
            assert answer.status_code < 500, (path, kind, answer.text)
            assert answer.status_code >= 400 or path == "/chat/new", (path, kind, answer.text)
            assert "d800" not in answer.text.lower()

    @pytest.mark.parametrize("path", POSTS)
    async def test_more_than_256_kb_is_too_much(self, http: httpx.AsyncClient, path: str) -> None:
        exactly = await http.post(path, content=b"x" * 256 * 1024)
        assert exactly.status_code != 413
        problem(await http.post(path, content=b"x" * (256 * 1024 + 1)), 413)

        async def trickle() -> Any:
            for _chunk in range(300):
                yield b"x" * 1024

        problem(await http.post(path, content=trickle()), 413)

    async def test_no_method_is_a_fault_of_ours(self, http: httpx.AsyncClient) -> None:
        methods = ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
        for method, path in itertools.product(methods, PAGES + POSTS):
            assert (await http.request(method, path)).status_code < 500, (method, path)

    @pytest.mark.parametrize("path", ["/", "/flows", "/static/chat.css"])
    async def test_a_page_answers_head_without_a_body(self, http: httpx.AsyncClient, path: str) -> None:
        whole, head = await http.get(path), await http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == whole.headers["content-length"]

    async def test_an_error_repeats_nothing_of_what_was_sent(self, web: Web) -> None:
        bodies: list[Any] = [
            {"id": "canary"}, {"id": MESSAGE, "canary": 1}, {"id": MESSAGE, "media": "canary"}, {"canary": [1]},
            {"id": MESSAGE, "place": {"lat": "canary", "lon": 1}}, "canary", ["canary"],
        ]  # fmt: skip
        for body in bodies:
            shown = problem(await web.http.post("/chat/messages", json=body), 422)
            assert "canary" not in json.dumps(shown), body
        assert "canary" not in (await web.get("/cases", params={"state": "canary"})).text
        assert "canary" not in (await web.post("/cases/canary/claim")).text
        assert "canary" not in (await web.http.get("/canary")).text

    async def test_a_fault_of_ours_says_nothing_of_it(
        self, web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        from bot import casefile

        def broken(*given: Any, **more: Any) -> None:
            raise RuntimeError("canary")

        monkeypatch.setattr(casefile, "listed", broken)
        answer = await web.get("/cases")
        assert "canary" not in json.dumps(problem(answer, 500))


class TestHeaders:
    @pytest.mark.parametrize("path", PAGES)
    async def test_every_answer_keeps_itself_to_us(self, http: httpx.AsyncClient, path: str) -> None:
        headers = (await http.get(path)).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "http:" not in headers["content-security-policy"]
        assert "https:" not in headers["content-security-policy"]

    async def test_refusals_too(self, http: httpx.AsyncClient) -> None:
        for answer in (
            await http.post("/chat/messages", content=b"x" * 300_000),
            await http.post("/chat/messages", content=b"{", headers={"content-type": "application/json"}),
        ):
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")

    @pytest.mark.parametrize("path", ["/", "/flows", "/api/v1/docs"])
    async def test_a_page_asks_no_other_host(self, http: httpx.AsyncClient, path: str) -> None:
        page = (await http.get(path)).text
        for loaded in re.findall(r"""(?:src|href)=["']([^"']+)["']""", page):
            assert not re.match(r"(https?:)?//", loaded), loaded
            if not loaded.startswith(("#", "data:", "mailto:", "tel:")):
                assert (await http.get(loaded)).status_code == 200, loaded


class TestOpenApi:
    async def document(self, http: httpx.AsyncClient) -> dict[str, Any]:
        return dict((await http.get("/api/v1/openapi.json")).json())

    async def test_it_is_3_1_and_every_reference_leads_somewhere(self, http: httpx.AsyncClient) -> None:
        document = await self.document(http)
        assert document["openapi"].startswith("3.1.")
        assert document["info"]["title"]
        assert document["info"]["version"]

        def references(node: Any) -> list[str]:
            if isinstance(node, dict):
                own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
                return own + [one for value in node.values() for one in references(value)]
            return [one for value in node for one in references(value)] if isinstance(node, list) else []

        for reference in references(document):
            found: Any = document
            for part in reference.removeprefix("#/").split("/"):
                found = found[part]
            assert found

    async def test_every_call_has_words_a_token_its_own_name_and_the_one_error_shape(
        self, http: httpx.AsyncClient
    ) -> None:
        document = await self.document(http)
        names = []
        for path, calls in document["paths"].items():
            for call in calls.values():
                names.append(call["operationId"])
                assert call["summary"]
                assert call["description"]
                assert call["security"], path
                for parameter in re.findall(r"\{(\w+)\}", path):
                    assert parameter in [one["name"] for one in call["parameters"] if one["required"]]
                for status, answer in call["responses"].items():
                    if status >= "400":
                        assert list(answer["content"]) == ["application/problem+json"], (path, status)
        assert len(names) == len(set(names))

    async def test_bodies_and_answers_have_examples(self, http: httpx.AsyncClient) -> None:
        schemas = (await self.document(http))["components"]["schemas"]
        for name in ("CaseRow", "Words", "Outcome"):
            fields = schemas[name]["properties"].values()
            assert any("examples" in field or "example" in field for field in fields), name


class TestChat:
    async def say(self, http: httpx.AsyncClient, text: str, id: str = MESSAGE) -> httpx.Response:
        return await http.post("/chat/messages", json={"id": id, "text": text})

    async def messages(self, http: httpx.AsyncClient, after: int = 0) -> dict[str, Any]:
        return dict((await http.get("/chat/messages", params={"after": after})).json())

    def answer(self, home: Home) -> None:
        home.catch_up()
        home.work()
        home.send()

    async def test_a_cookie_that_no_script_reads(self, http: httpx.AsyncClient) -> None:
        cookie = (await self.say(http, "hola")).headers["set-cookie"].lower()
        for word in ("httponly", "samesite=lax", "path=/"):
            assert word in cookie
        assert "set-cookie" not in (await self.say(http, "hola", "message-0002")).headers

    async def test_the_same_id_is_the_same_message(self, http: httpx.AsyncClient, home: Home) -> None:
        first = await self.say(http, "hola")
        answers = await asyncio.gather(*(self.say(http, "hola") for _n in range(20)))
        assert {answer.json()["seq"] for answer in answers} == {first.json()["seq"]}
        assert home.count("inbox") == 1

    async def test_the_stranger_and_their_language(self, http: httpx.AsyncClient, home: Home) -> None:
        assert await self.messages(http) == {"messages": [], "language": None, "typing": False}
        await self.say(http, "hola")
        shown = await self.messages(http)
        assert (shown["language"], shown["typing"]) == (None, True)
        self.answer(home)
        await self.say(http, "english", "message-0002")
        self.answer(home)
        shown = await self.messages(http)
        assert (shown["language"], shown["typing"]) == ("en", False)
        assert [line["from"] for line in shown["messages"]] == ["me", "bot", "me", "bot"]
        seqs = [line["seq"] for line in shown["messages"]]
        assert seqs == sorted(set(seqs))
        for place, seq in enumerate(seqs):
            later = (await self.messages(http, seq))["messages"]
            assert [line["seq"] for line in later] == seqs[place + 1 :], "after a message comes the next, none twice"

    async def test_ocultar_hides_what_was_said(self, http: httpx.AsyncClient, home: Home) -> None:
        await self.say(http, "hola")
        self.answer(home)
        await self.say(http, "ocultar", "message-0002")
        self.answer(home)
        shown = (await self.messages(http))["messages"]
        assert [line["text"] for line in shown] == ["Hola. Escriba cuando guste."]

    async def test_a_fresh_start_forgets_this_browser(self, http: httpx.AsyncClient, home: Home) -> None:
        await self.say(http, "hola")
        assert (await http.post("/chat/new")).status_code == 204
        assert (await self.messages(http))["messages"] == []
        await self.say(http, "hola")
        assert home.count("contact") == 2

    async def test_after_erasure_the_page_is_empty_and_begins_again(
        self, http: httpx.AsyncClient, home: Home
    ) -> None:
        for number, text in enumerate(("hola", "español", "no", "borrar mis datos", "sí, borrar todo")):
            await self.say(http, text, f"message-000{number}")
            self.answer(home)
        shown = (await self.messages(http))["messages"]
        assert [line["text"][:6] for line in shown] == ["Listo."]
        home.record.do(erase.sweep, home.now)
        assert (await self.messages(http))["messages"] == []
        await self.say(http, "hola", "message-0009")
        self.answer(home)
        assert len((await self.messages(http))["messages"]) == 2

    @pytest.mark.parametrize(
        ("more", "status"),
        [({}, 422), ({"text": ""}, 422), ({"text": "\u200b"}, 422), ({"text": "x" * 4096}, 202),
         ({"text": "x" * 4097}, 413), ({"text": "x" * 60_000}, 422), ({"media": "audio"}, 202),
         ({"option": "work"}, 202),
         ({"place": {"lat": 14.8, "lon": -91.5}}, 202), ({"place": {"lat": 91, "lon": 0}}, 422), ({"text": 1}, 422),
         ({"text": "hola", "id": "x"}, 422), ({"text": "hola", "extra": 1}, 422)],
    )  # fmt: skip
    async def test_what_can_be_written(self, http: httpx.AsyncClient, more: dict[str, Any], status: int) -> None:
        answer = await http.post("/chat/messages", json={"id": MESSAGE} | more)
        assert answer.status_code == status, answer.text


class TestStream:
    """On a real port, with the worker at work."""

    async def test_every_message_comes_in_order_and_a_reader_that_leaves_is_let_go(
        self, base: str, home: Home
    ) -> None:
        listeners = home.record.news._listeners["sent"]
        quiet = len(listeners)
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=20) as client:
            await client.post("/chat/messages", json={"id": "message-0000", "text": "hola"})
            async with client.stream("GET", "/chat/stream") as stream:
                texts: list[tuple[int, str]] = []
                said = iter(["español", "no"])
                async for line in stream.aiter_lines():
                    if not line.startswith("data: ") or "seq" not in line:
                        continue
                    shown = json.loads(line.removeprefix("data: "))
                    texts.append((shown["seq"], shown["from"]))
                    if shown["from"] == "bot":
                        text = next(said, None)
                        if text is None:
                            break
                        written = {"id": f"message-{len(texts):04}", "text": text}
                        assert (await client.post("/chat/messages", json=written)).status_code == 202
            assert [who for _seq, who in texts] == ["me", "bot"] * 3
            assert texts == sorted(texts)
        async with asyncio.timeout(10):
            while len(listeners) > quiet:
                await asyncio.sleep(0.02)

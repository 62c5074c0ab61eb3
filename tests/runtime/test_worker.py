"""The worker at work: nobody's message waits for a wake that was lost, a fault, or a restart (SAFETY B3, C3)."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog

from bot import effects, house, inbox, logs, news, outbox, turn
from bot.channels import Failed, Incoming, Receipt
from bot.service import Puente, build
from flows.message import Message
from tests.installation import Home, texts
from tests.minds import MIND

TOKEN = "123456789:" + "canaryTOKEN" * 4
CANARIES = ("+50255512345", "Ixchel Canario", "texto-canario", "99900011122", TOKEN, "canary-cookie")


@asynccontextmanager
async def working(puente: Puente) -> AsyncIterator[None]:
    await puente.start()
    try:
        yield
    finally:
        await puente.stop()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.01)


async def write(home: Home, text: str, id: str, who: str = "ana") -> None:
    said = Incoming(f"{who}:{id}", who, Message(text=text), courtesy={"client": id})
    await home.record.run(inbox.accept, "web", said)


def sent(home: Home) -> list[str]:
    rows = home.all("SELECT state FROM outbox ORDER BY id")
    return [row["state"] for row in rows]


def quiet(home: Home) -> bool:
    unread = home.one("SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL")["n"]
    unsent = home.one("SELECT COUNT(*) AS n FROM outbox WHERE state IN ('waiting', 'claimed')")["n"]
    return not unread and not unsent


async def test_many_people_at_once_each_in_their_own_order(home: Home) -> None:
    async with working(home.puente):
        said = ("hola", "español", "no", "trabajo", "menú")
        for number, text in enumerate(said):
            await asyncio.gather(*(write(home, text, str(number), f"person{n}") for n in range(12)))
        await until(lambda: quiet(home) and home.count("inbox") == 60)
    for number in range(12):
        person = home.person(f"person{number}")
        assert person.place == "menu.ask"
        assert {one["state"] for one in person.said()} == {"sent"}
    order = "SELECT settled_at FROM outbox WHERE contact_id = :c ORDER BY id"
    times = [row["settled_at"] for row in home.all(order, c=home.person("person0").contact)]
    assert times == sorted(times)


async def test_a_message_nobody_was_woken_for_is_found(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.person("early").write("hola")
    monkeypatch.setattr("bot.worker.SWEEP", 0.05)
    async with working(home.puente):
        await until(lambda: sent(home) == ["sent"])
    assert home.one("SELECT done_at FROM inbox")["done_at"] is not None


async def test_a_restart_goes_on_where_it_stood(home: Home) -> None:
    async with working(home.puente):
        await write(home, "hola", "1")
        await until(lambda: quiet(home))
    home.person().write("español", id="2")
    home.record.close()
    again = Home(build(home.puente.settings, MIND))
    async with working(again.puente):
        await until(lambda: quiet(again) and again.count("outbox") >= 2)
    assert again.person().place == "consent.profile"
    again.record.close()


async def test_poison_is_tried_three_times_and_then_a_persons(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = turn.engine.advance, []

    def poisoned(book: Any, state: Any, event: Any, tongue: Any) -> Any:
        if isinstance(event, Message) and event.text == "veneno":
            tries.append(1)
            raise ValueError("veneno")
        return real(book, state, event, tongue)

    home.person().meet()
    monkeypatch.setattr(turn.engine, "advance", poisoned)
    async with working(home.puente):
        await write(home, "veneno", "p1")
        await write(home, "menú", "p2")
        await until(lambda: quiet(home))
    assert len(tries) >= 3
    assert home.person().case["reason"] == "unreadable"
    assert "¿En qué le puedo ayudar?" in texts(home.person().said())
    assert turn.SORRY in texts(home.person().said())


@pytest.mark.parametrize("breaks", ["write", "send"])
async def test_a_channel_that_breaks_stops_nobody_elses_message(
    home: Home, breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, hit = home.puente.channels["web"], []
    real_write, real_send = web.write, web.send

    def bad_write(address: str, *given: Any) -> Any:
        if breaks == "write" and address == "ana":
            hit.append(1)
            raise ValueError("broken")
        return real_write(address, *given)

    async def bad_send(payload: Any) -> Receipt:
        if breaks == "send" and not hit:
            hit.append(1)
            raise ValueError("broken")
        return await real_send(payload)

    monkeypatch.setattr(web, "write", bad_write)
    monkeypatch.setattr(web, "send", bad_send)
    async with working(home.puente):
        await write(home, "hola", "1", "ana")
        await until(lambda: bool(hit))
        await write(home, "hola", "1", "luis")
        await until(lambda: [said["state"] for said in home.person("luis").said()] == ["sent"])
        await until(lambda: home.person("ana").said()[0]["state"] not in ("waiting", "claimed"))
    assert [said["state"] for said in home.person("ana").said()] == [
        "unknown"
    ]  # it may have gone; staff are shown it
    assert [said["state"] for said in home.person("luis").said()] == ["sent"]


async def test_a_database_that_is_full_for_a_moment_loses_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, full = outbox.claim, [3]

    def claim(*given: Any, **more: Any) -> Any:
        if full[0]:
            full[0] -= 1
            raise home.disk_full
        return real(*given, **more)

    monkeypatch.setattr(outbox, "claim", claim)
    async with working(home.puente):
        await write(home, "hola", "1")
        await until(lambda: sent(home) == ["sent"])
    assert full == [0]
    assert home.one("SELECT attempts FROM outbox")["attempts"] == 1


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Every logger of the process at DEBUG, as an operator who looks for a fault would set it."""
    root, lines = logging.getLogger(), io.StringIO()
    before, level = list(root.handlers), root.level
    monkeypatch.setattr(sys, "stderr", lines)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    logs.configure(logging.DEBUG)
    yield lines.getvalue
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()
    for name in logs.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)


class TestLogs:
    """No line says to whom or what, at any level, whatever goes wrong (SAFETY O2, N7)."""

    async def test_a_whole_conversation_with_faults(
        self, home: Home, heard: Callable[[], str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        phone, name, words, *_rest = CANARIES
        real = effects.apply

        def broken(tx: Any, whose: Any, effect: Any) -> None:
            if type(effect).__name__ == "SetLanguage":
                raise ValueError(f"{name} {words} {phone}")
            real(tx, whose, effect)

        async def refused(payload: Any) -> Receipt:
            raise Failed("refused", "63016") if "x" in str(payload) else RuntimeError(f"{phone} {words}")

        async with working(home.puente):
            await write(home, f"hola soy {name} {words}", "1", phone)
            await until(lambda: quiet(home))
            with monkeypatch.context() as faulty:
                faulty.setattr(effects, "apply", broken)
                await write(home, "español", "2", phone)
                await until(lambda: quiet(home))
            with monkeypatch.context() as faulty:
                faulty.setattr(home.puente.channels["web"], "send", refused)
                await write(home, f"{words} {name}", "3", phone)
                await until(lambda: quiet(home))
            with monkeypatch.context() as faulty:
                faulty.setattr(turn, "give_up", lambda *given: (_ for _ in ()).throw(ValueError(words)))
                faulty.setattr(turn, "take", lambda *given: (_ for _ in ()).throw(ValueError(f"{words} {phone}")))
                await write(home, words, "4", phone)
                await asyncio.sleep(0.2)
        gc.collect()
        said = heard()
        assert '"error": "ValueError"' in said, "the faults were heard of"
        assert not [canary for canary in CANARIES if canary in said], said

    def test_what_libraries_say(self, heard: Callable[[], str]) -> None:
        for name in (*logs.QUIET, "uvicorn.error", "uvicorn.access", "httpx", "telegram.Bot", "twilio.http_client",
                     "sqlalchemy.engine.Engine", "some.other.library"):  # fmt: skip
            log = logging.getLogger(name)
            for canary in CANARIES:
                try:
                    raise RuntimeError(canary)
                except RuntimeError:
                    log.exception("it broke: %s", canary)
                log.warning("values (%s, %r)", canary, {"text": canary})
                log.debug("HTTP Request: POST https://api.telegram.org/bot%s/sendMessage", canary)
        said = heard()
        assert "it broke" in said
        assert not [canary for canary in CANARIES if canary in said]

    def test_a_token_in_an_address_written_out_is_masked(self, heard: Callable[[], str]) -> None:
        logging.getLogger("httpx").warning(f"POST https://api.telegram.org/bot{TOKEN}/x for whatsapp:+50255512345")
        said = heard()
        assert "POST https://api.telegram.org/" in said
        assert TOKEN not in said
        assert "50255512345" not in said

    def test_a_task_nobody_waited_for(self, heard: Callable[[], str]) -> None:
        """asyncio writes the fault itself into its line: with it, what a person wrote."""

        async def forgotten() -> None:
            async def fails() -> None:
                raise ValueError("Ixchel Canario texto-canario")

            task = asyncio.get_running_loop().create_task(fails())
            await asyncio.sleep(0.01)
            del task
            gc.collect()

        asyncio.run(forgotten())
        said = heard()
        assert "never retrieved" in said
        assert not [canary for canary in CANARIES if canary in said]

    def test_a_line_that_cannot_be_written_is_not_printed_another_way(
        self, heard: Callable[[], str], capfd: pytest.CaptureFixture[str]
    ) -> None:
        logging.getLogger().addHandler(logging.StreamHandler(closed := io.StringIO()))
        closed.close()
        logging.getLogger("x").error("%s", "texto-canario")
        assert "texto-canario" not in heard() + "".join(capfd.readouterr())

    def test_a_line_cannot_be_forged(self, heard: Callable[[], str]) -> None:
        structlog.get_logger().error("x", why='a\n{"event": "forged"}\x1b[31m\u202e\r')
        logging.getLogger("x").error('b\n{"event": "forged"}\x1b[2J')
        lines = heard().strip().splitlines()
        assert len(lines) == 2
        for line in lines:
            assert "event" in json.loads(line)
            assert "\x1b" not in line
            assert "\u202e" not in line

    async def test_requests_leave_no_trace_of_their_content(self, home: Home, heard: Callable[[], str]) -> None:
        from api.app import create

        transport = httpx.ASGITransport(create(home.puente), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://puente.test") as http:
            body = {"id": "message-0001", "text": "Ixchel Canario texto-canario +50255512345"}
            await http.post("/chat/messages", json=body)
            await http.post("/webhooks/telegram", content=json.dumps(body))
            await http.get("/api/v1/cases", headers={"authorization": f"Bearer {TOKEN}"})
        said = heard()
        assert not [canary for canary in CANARIES if canary in said]


async def test_what_understands_people_never_runs_on_the_event_loop(home: Home) -> None:
    """A long story may take some milliseconds: nobody else's message, page or alarm waits for them."""
    heard: list[str] = []

    class Listens:
        def hear(self, text: str, /) -> None:
            heard.append(threading.current_thread().name)

    mind = replace(home.puente.house.book.mind, dangers=Listens())
    home.puente.house = house.build(mind)
    async with working(home.puente):
        await write(home, "hola", "1")
        await until(lambda: bool(heard) and quiet(home))
    assert heard and all(name.startswith("record") for name in heard)


@pytest.mark.parametrize("who", ["pump", "helper"])
async def test_a_word_to_stop_that_comes_together_with_news_is_heard(home: Home, who: str) -> None:
    """Else a process that is told to end while somebody writes never does."""
    event = asyncio.Event()
    if who == "pump":
        pump = home.puente.worker.pumps["web"]
        event = pump._more
        task = asyncio.create_task(pump.run())
        async with asyncio.timeout(15):
            while not event._waiters:  # type: ignore[attr-defined]
                await asyncio.sleep(0.001)
    else:
        task = asyncio.create_task(news.told(event, 60))  # type: ignore[arg-type]
        await asyncio.sleep(0)
    event.set()
    task.cancel()
    done, _still = await asyncio.wait({task}, timeout=10)
    assert done
    assert task.cancelled()

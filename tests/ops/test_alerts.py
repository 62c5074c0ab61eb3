"""What a supervisor hears of though nobody complains: once while it lasts, and by mail (SAFETY O3)."""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import create
from bot import alerts, casefile, cases, handoff, mail, memo, rounds
from bot.channels import Failed
from bot.channels.hooks import Queue
from bot.crypto import vault
from bot.scope import Scope
from tests.installation import Home
from tests.ops.conftest import Place

BOSS = Scope("staff:boss", every_office=True)


def look(home: Home, seconds: float = 0) -> None:
    home.record.do(alerts.look, home.now + seconds)


def matters(home: Home) -> list[str]:
    return [row["matter"] for row in home.all("SELECT matter FROM alert WHERE over_at IS NULL ORDER BY matter")]


def house_cases(home: Home) -> list[Any]:
    return home.all("SELECT * FROM handoff_case WHERE contact_id IS NULL AND state <> 'closed'")


def test_a_quiet_house_raises_nothing(home: Home) -> None:
    home.person().meet()
    home.send()
    look(home, 3600)
    assert matters(home) == []
    assert house_cases(home) == []


def test_a_message_nobody_reads_for_a_minute(home: Home) -> None:
    person = home.person()
    person.write("hola")
    look(home, 59)
    assert matters(home) == []
    look(home, 61)
    look(home, 90)
    assert matters(home) == ["inbox_age"]
    assert len(house_cases(home)) == 1
    home.work()
    look(home, 120)
    assert matters(home) == []
    assert house_cases(home) == []


def test_uncertain_sends_are_told_once_and_new_ones_again(home: Home) -> None:
    person = home.person()
    person.say("hola")
    home.send(outcome=Failed("unknown", "test"))
    look(home, 14 * 60)
    assert matters(home) == []
    look(home, 16 * 60)
    assert matters(home) == ["uncertain"]
    (case,) = house_cases(home)
    home.record.do(cases.close, case["id"], "known", home.now)
    look(home, 17 * 60)
    assert house_cases(home) == []  # a supervisor knows of these
    home.later(3600)
    person.say("ayuda")
    home.send(outcome=Failed("unknown", "test"))
    look(home, 16 * 60)
    assert home.one("SELECT detail FROM alert WHERE matter = 'uncertain'")["detail"].startswith("1 ")


def test_a_storm_of_wrong_signatures_over_several_machines(home: Home) -> None:
    for machine in range(3):
        home.record.do(alerts.stranger, "telegram", 2, home.now + machine * 60)
    look(home, 200)
    assert matters(home) == ["signatures"]
    look(home, 1000)
    assert matters(home) == []


def test_five_wrong_signatures_are_no_storm(home: Home) -> None:
    home.record.do(alerts.stranger, "telegram", 5, home.now)
    look(home, 10)
    assert matters(home) == []


async def test_wrong_calls_to_the_webhook_are_counted_and_told(place: Place) -> None:
    await place.start()
    served = place.served
    assert served is not None
    url = f"http://127.0.0.1:{served.port}/webhooks/telegram"
    for _ in range(6):
        assert (await place.client.post(url, json={"update_id": 1})).status_code == 403
    await place.puente.strangers.stop()
    await place.puente.record.run(alerts.look, time.time())
    assert [row["matter"] for row in await place.all("SELECT matter FROM alert")] == ["signatures"]


class Holds:
    """A provider that says what it holds for us."""

    def __init__(self, waiting: int, failed_at: float | None = None) -> None:
        self.told = Queue(waiting, failed_at)

    async def queue(self) -> Queue:
        return self.told


@pytest.mark.parametrize(
    ("waiting", "failed", "told"), [(10, None, False), (11, None, True), (0, 60.0, True), (0, 900.0, False)]
)
async def test_what_waits_at_the_provider_is_watched(
    home: Home, waiting: int, failed: float | None, told: bool
) -> None:
    holds = Holds(waiting, None if failed is None else home.now - failed)
    await rounds._queue(home.record, "telegram", holds)(home.now)
    assert matters(home) == (["queue|telegram"] if told else [])


async def test_telegram_itself_says_what_waits(place: Place) -> None:
    await place.start()
    phone = place.on_telegram()
    public, place.telegram.roads = place.telegram.roads, {"https://bot.example": "http://127.0.0.1:9"}
    place.telegram.updates.attempts = 1
    for number in range(12):
        await phone.say(f"hola {number}")
    place.telegram.roads = public
    channel: Any = place.puente.channels["telegram"]
    assert (await channel.queue()).waiting == 12
    await rounds._queue(place.puente.record, "telegram", channel)(time.time())
    assert [row["matter"] for row in await place.all("SELECT matter FROM alert")] == ["queue|telegram"]


def test_a_provider_not_asked_for_twenty_minutes_is_a_gap(home: Home) -> None:
    names = ["alerts", "missed|whatsapp", "queue|telegram"]
    for seconds in (0, 1000):
        home.record.do(rounds._look, names, home.now + seconds)
    assert matters(home) == []
    home.record.do(memo.put, "round|queue|telegram", home.now + 1000, home.now + 1000)
    home.record.do(rounds._look, names, home.now + 1300)
    assert matters(home) == ["rounds"]
    detail = home.one("SELECT detail FROM alert")["detail"]
    assert "missed|whatsapp" in detail
    assert "telegram" not in detail


def test_a_case_of_the_house_is_seen_taken_and_closed_by_who_sees_every_office(home: Home) -> None:
    home.record.do(alerts.sound, "inbox_age", "3 unread messages", home.now)
    (row,) = house_cases(home)
    everything = home.record.do(casefile.listed, BOSS)
    assert [case["id"] for case in everything if case["reason"] == "alert"] == [row["id"]]
    one_office = Scope("staff:x", office_id=home.office("Quetzaltenango"))
    assert not [case for case in home.record.do(casefile.listed, one_office) if case["reason"] == "alert"]
    whole = home.record.do(casefile.whole, BOSS, row["id"], home.puente.house.tongues)
    assert whole["transcript"] == []
    assert [note["text"] for note in whole["notes"]] == ["3 unread messages"]
    staff = home.staff("Quetzaltenango")
    home.record.do(handoff.claim, home.puente.house, row["id"], staff, home.now)
    home.record.do(handoff.close, home.puente.house, row["id"], "mended", home.now)
    assert house_cases(home) == []
    assert home.all("SELECT id FROM timer WHERE kind = 'silence'") == []


def test_a_case_somebody_has_stays_when_the_matter_passes(home: Home) -> None:
    home.record.do(alerts.sound, "inbox_age", "x", home.now)
    (row,) = house_cases(home)
    home.record.do(handoff.claim, home.puente.house, row["id"], home.staff("Quetzaltenango"), home.now)
    home.record.do(alerts.over, "inbox_age", home.now)
    assert [case["state"] for case in house_cases(home)] == ["claimed"]


class Post:
    """A mail server of the test's own; keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                lines = []
                while (line := await reader.readline()) != b".\r\n":
                    lines.append(line.decode())
                self.mails.append("".join(lines))
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                break
        writer.close()


@pytest.fixture
async def post() -> AsyncIterator[tuple[Post, int]]:
    there = Post()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    async with server:
        yield there, server.sockets[0].getsockname()[1]


async def test_supervisors_get_one_mail_a_matter_and_not_every_minute(home: Home, post: tuple[Post, int]) -> None:
    there, port = post
    url = SecretStr(f"smtp://127.0.0.1:{port}")
    given = home.puente.settings.model_copy(update={"alert_mail_to": "ana@example.org", "smtp_url": url})
    sound = lambda at: home.record.run(alerts.sound, "inbox_age", "3 unread messages", at)  # noqa: E731
    await sound(home.now)
    for seconds in (1, 31):
        await mail.send_alerts(home.record, given, home.now + seconds)
    assert len(there.mails) == 1
    assert "To: ana@example.org" in there.mails[0]
    await home.record.run(alerts.over, "inbox_age", home.now + 60)
    await sound(home.now + 90)  # flapping
    await mail.send_alerts(home.record, given, home.now + 100)
    assert len(there.mails) == 1
    await mail.send_alerts(home.record, given, home.now + 4000)
    assert len(there.mails) == 2


async def test_a_password_goes_to_no_server_that_cannot_encrypt(home: Home, post: tuple[Post, int]) -> None:
    url = SecretStr(f"smtp://puente:secret@127.0.0.1:{post[1]}")
    given = home.puente.settings.model_copy(update={"alert_mail_to": "ana@example.org", "smtp_url": url})
    await home.record.run(alerts.sound, "inbox_age", "x", home.now)
    with pytest.raises(smtplib.SMTPNotSupportedError):
        await mail.send_alerts(home.record, given, home.now)
    assert [row["matter"] for row in home.record.do(alerts.to_mail, home.now)] == ["inbox_age"]


async def test_a_round_that_fails_or_hangs_holds_up_no_other(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    done = asyncio.Event()

    async def fails(now: float) -> None:
        raise RuntimeError

    async def hangs(now: float) -> None:
        await asyncio.Event().wait()

    async def works(now: float) -> None:
        done.set()

    every = [rounds.Round(name, 60, work) for name, work in (("a", fails), ("b", hangs), ("c", works))]
    going = asyncio.create_task(rounds.go(home.record, every))
    async with asyncio.timeout(10):
        await done.wait()
        while await home.record.run(memo.get, "round|c") is None:
            await asyncio.sleep(0.001)
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    assert home.record.do(memo.get, "round|a") is None


def test_notes_of_the_house_are_sealed(home: Home) -> None:
    home.record.do(alerts.sound, "inbox_age", "3 unread messages", home.now)
    stored = home.one("SELECT text FROM case_note")["text"]
    assert b"unread" not in bytes(stored)
    assert vault().open("case_note.text", stored) == "3 unread messages"


async def test_the_api_shows_the_house_s_cases_to_who_sees_every_office(home: Home) -> None:
    home.record.do(alerts.sound, "inbox_age", "x", home.now)
    (row,) = house_cases(home)
    transport = httpx.ASGITransport(create(home.puente))
    everything, one_office = home.token(), home.token(office=home.office("Quetzaltenango"))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        for token, status in ((everything, 200), (one_office, 404)):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await client.get(f"/api/v1/cases/{row['id']}", headers=headers)
            assert answer.status_code == status

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
from bot import alerts, casefile, cases, disk, handoff, mail, memo, rounds, watch
from bot.channels import UNWELCOME, Failed
from bot.channels.hooks import Queue, Queues
from bot.crypto import vault
from bot.scope import Scope
from tests.installation import Home
from tests.ops.conftest import Place

BOSS = Scope("staff:boss", every_office=True)


def look(home: Home, seconds: float = 0) -> None:
    home.record.do(watch.look, home.now + seconds, list(home.puente.channels))


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
    await place.puente.record.run(watch.look, time.time(), ["telegram"])
    assert [row["matter"] for row in await place.all("SELECT matter FROM alert")] == ["signatures"]


def test_answers_that_wait_to_be_sent_and_why(home: Home) -> None:
    home.person().say("hola")
    look(home, watch.OLD_OUTBOX - 1)
    assert matters(home) == []
    home.send(outcome=Failed("not_sent", "proxy", wait=60, everyone=True))
    look(home, watch.OLD_OUTBOX + 1)
    assert matters(home) == ["sending|web"]
    assert home.one("SELECT detail FROM alert")["detail"].endswith("(proxy)")
    home.later(400)
    home.send()
    look(home)
    assert matters(home) == []


def test_what_is_to_go_later_is_not_late(home: Home) -> None:
    home.person().say("hola")
    home.run("UPDATE outbox SET due_at = :at", at=home.now + 9000)
    look(home, 3600)
    assert matters(home) == []


@pytest.mark.parametrize(("bad", "good", "told"), [(9, 0, False), (10, 0, True), (10, 40, True), (10, 41, False)])
def test_a_provider_that_refuses_many(home: Home, bad: int, good: int, told: bool) -> None:
    person = home.person()
    person.say("hola")
    home.send()
    home.run("DELETE FROM outbox")
    put = (
        "INSERT INTO outbox (contact_id, address_id, channel, lane, speaker, epoch, state, created_at, due_at, "
        "attempts, attempted_at, reference) VALUES (:c, 1, 'web', 2, 'bot', 0, :state, :at, :at, 1, :at, :ref)"
    )
    for number in range(bad + good):
        state = "refused" if number < bad else "delivered"
        home.run(put, c=person.contact, state=state, at=home.now, ref=f"r{number}")
    look(home, 60)
    assert matters(home) == (["failing|web"] if told else [])
    look(home, 3600)
    assert matters(home) == []


def test_a_message_that_waits_because_our_credentials_are_refused(home: Home) -> None:
    home.person().say("hola")
    home.send(outcome=Failed("not_sent", UNWELCOME, wait=60, everyone=True))
    look(home, 1)
    assert matters(home) == ["credentials|web"]
    home.later(61)
    home.send()
    look(home, 1)
    assert matters(home) == []


async def test_a_token_that_was_revoked_is_told_before_anybody_writes(place: Place) -> None:
    await place.start()
    record = place.puente.record
    telegram, whatsapp = (place.puente.channels[name] for name in ("telegram", "whatsapp"))
    assert isinstance(telegram, Queues)
    true = place.telegram.token, place.twilio.auth_token
    place.telegram.token, place.twilio.auth_token = "1:revoked", "revoked"
    asking = (rounds._queue(record, "telegram", telegram), rounds._missed(record, "whatsapp", whatsapp))
    for ask in asking:
        with pytest.raises(Failed):
            await ask(time.time())
    await record.run(watch.look, time.time(), ["telegram", "whatsapp"])
    lasting = "SELECT matter FROM alert WHERE over_at IS NULL ORDER BY matter"
    told = [row["matter"] for row in await place.all(lasting)]
    assert told == ["credentials|telegram", "credentials|whatsapp"]
    place.telegram.token, place.twilio.auth_token = true
    for ask in asking:
        await ask(time.time())
    await record.run(watch.look, time.time(), ["telegram", "whatsapp"])
    assert await place.all(lasting) == []


@pytest.mark.parametrize(("urgency", "hours"), [("R0", 0.25), ("R1", 8), ("R2", 24), ("R3", 72)])
def test_a_case_nobody_took(home: Home, urgency: str, hours: float) -> None:
    ana = home.person()
    ana.ask_for_a_person()
    home.send()
    opened = float(ana.case["opened_at"]) - home.now
    home.run("UPDATE handoff_case SET urgency = :u", u=urgency)
    look(home, opened + hours * 3600 - 1)
    assert matters(home) == []
    look(home, opened + hours * 3600 + 1)
    assert matters(home) == [f"untaken|{urgency}"]
    assert "1 cases" in home.one("SELECT detail FROM alert")["detail"]
    home.claim(ana, home.staff("Quetzaltenango"))
    home.send()
    look(home, opened + hours * 3600 + 2)
    assert matters(home) == []


def test_one_more_case_for_now_is_told_at_once_and_of_the_others_every_hour(home: Home) -> None:
    people = [home.person(name) for name in ("ana", "eva", "luz")]
    for person in people:
        person.ask_for_a_person()
        home.send()

    def told(urgency: str, late: int, seconds: float) -> int:
        late_ones = [person.contact for person in people[:late]]
        home.run("UPDATE handoff_case SET state = 'claimed', urgency = :u WHERE contact_id IS NOT NULL", u=urgency)
        for contact in late_ones:
            home.run("UPDATE handoff_case SET state = 'new', opened_at = 0 WHERE contact_id = :c", c=contact)
        look(home, seconds)
        return int(home.one("SELECT COUNT(*) AS n FROM audit WHERE action = 'alert.raised'")["n"])

    assert [told("R0", late, late) for late in (1, 1, 2, 3)] == [1, 1, 2, 3]
    for person in people:
        home.run("UPDATE handoff_case SET state = 'claimed' WHERE contact_id = :c", c=person.contact)
    assert told("R3", 1, 100) == 4
    assert told("R3", 2, 200) == 4
    assert told("R3", 2, 100 + 3601) == 5
    assert told("R3", 2, 100 + 9000) == 5


@pytest.mark.parametrize(("left", "told"), [(disk.FEW, False), (disk.FEW - 1, True), (None, False)])
def test_a_disk_that_fills_up(home: Home, left: int | None, told: bool) -> None:
    home.record.do(rounds._disk, left, home.now)
    assert matters(home) == (["disk"] if told else [])
    home.record.do(rounds._disk, disk.FEW, home.now)
    assert matters(home) == []


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
        home.record.do(rounds._look, names, ["web"], home.now + seconds)
    assert matters(home) == []
    home.record.do(memo.put, "round|queue|telegram", home.now + 1000, home.now + 1000)
    home.record.do(rounds._look, names, ["web"], home.now + 1300)
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

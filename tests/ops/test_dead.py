"""What came from a vendor and could not be read: kept sealed, told of, read again when possible (SAFETY A6)."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from bot import alerts, cases, keeping, unreadable
from bot.channels import Unreadable
from tests.fakes.faults import refuse
from tests.installation import Home
from tests.ops.conftest import Place

WORDS = "palabras que nadie debe leer"
BROKEN: dict[str, Any] = {"update_id": 77, "message": {"message_id": 5, "chat": {"id": "no number"}, "text": WORDS}}
WHOLE: dict[str, Any] = {
    "update_id": 78,
    "message": {"message_id": 5, "chat": {"id": 9, "type": "private"}, "from": {"id": 9}, "text": "hola"},
}


def keep(home: Home, update: dict[str, Any]) -> bool:
    return home.record.do(
        unreadable.keep, "telegram", Unreadable(str(update["update_id"]), json.dumps(update)), home.now
    )


def cases_of_the_house(home: Home) -> list[Any]:
    return [dict(row) for row in home.all("SELECT reason, topic, state FROM handoff_case WHERE contact_id IS NULL")]


def test_it_is_kept_once_sealed_with_one_case_for_the_channel(home: Home) -> None:
    assert keep(home, BROKEN)
    assert not keep(home, BROKEN)
    assert keep(home, BROKEN | {"update_id": 79})
    rows = home.record.do(unreadable.kept_ones)
    assert len(rows) == 2
    assert all(WORDS.encode() not in bytes(row["body"]) for row in rows)
    assert cases_of_the_house(home) == [{"reason": "alert", "topic": "unreadable|telegram", "state": "new"}]


def test_it_is_told_again_once_the_earlier_case_is_closed_and_is_over_when_none_is_left(home: Home) -> None:
    keep(home, BROKEN)
    home.run("UPDATE alert SET mailed_at = :at", at=home.now)
    (case,) = home.all("SELECT id FROM handoff_case WHERE contact_id IS NULL")
    home.later(7200)
    keep(home, BROKEN | {"update_id": 79})
    assert home.record.do(alerts.to_mail, home.now) == []
    home.record.do(cases.close, case["id"], "seen", home.now)
    keep(home, BROKEN | {"update_id": 80})
    assert [one["state"] for one in cases_of_the_house(home)].count("new") == 1
    assert [row["matter"] for row in home.record.do(alerts.to_mail, home.now)] == ["unreadable|telegram"]
    for row in home.record.do(unreadable.kept_ones):
        assert home.one("SELECT 1 AS yes FROM alert WHERE over_at IS NULL") is not None
        home.record.do(unreadable.read_at_last, row["id"], home.now)
    assert home.one("SELECT 1 AS yes FROM alert WHERE over_at IS NULL") is None
    assert [one["state"] for one in cases_of_the_house(home)].count("new") == 0


@pytest.mark.parametrize("raw", ["{", "[]", '{"update_id": "1"}', "[" * 50_000])
def test_a_body_that_is_no_update_can_be_read_again_and_harms_nobody(
    home: Home, raw: str, capsys: pytest.CaptureFixture[str]
) -> None:
    home.record.do(unreadable.keep, "telegram", Unreadable("x", raw), home.now)
    assert "1 kept, 0 read now" in command(home, True, capsys, **TELEGRAM)


async def test_a_form_of_twilio_s_that_this_release_can_read_becomes_a_message(place: Place) -> None:
    await place.start()
    channel: Any = place.puente.channels["whatsapp"]
    form = urlencode(place.on_whatsapp().text("hola").form)
    (event,) = channel.reread(form)
    assert event.message.text == "hola"
    (event,) = channel.reread(form.replace("whatsapp%3A", "sms%3A"))
    assert isinstance(event, Unreadable)


async def test_the_vendor_is_told_that_it_came_and_nobody_else_waits(place: Place) -> None:
    await place.start()
    assert place.served is not None
    url = f"http://127.0.0.1:{place.served.port}/webhooks/telegram"
    secret = {"x-telegram-bot-api-secret-token": "a_secret-0123456789abcdefghijklmnop"}
    assert (await place.client.post(url, json=BROKEN, headers=secret)).status_code == 204
    kept = await place.all("SELECT topic FROM handoff_case WHERE contact_id IS NULL")
    assert [row["topic"] for row in kept] == ["unreadable|telegram"]
    phone = place.on_telegram()
    await phone.say("hola")
    await phone.hears()


def command(home: Home, retry: bool, capsys: pytest.CaptureFixture[str], **more: Any) -> str:
    given = home.puente.settings.model_copy(update=more)
    assert keeping.dead_command(argparse.Namespace(retry=retry), given) == 0
    return capsys.readouterr().out


TELEGRAM: dict[str, Any] = {
    "telegram_api_base": "http://127.0.0.1:9",
    "telegram_token": SecretStr("123456789:AAF-fake-token-for-tests_only-00000"),
}


def test_the_list_shows_no_content(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    keep(home, BROKEN)
    shown = command(home, False, capsys, **TELEGRAM)
    assert "telegram" in shown
    assert WORDS not in shown


def test_what_can_be_read_now_becomes_a_message_and_the_rest_stays(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(home, BROKEN)
    keep(home, WHOLE)  # as if an older release had not understood it
    assert "2 kept, 1 read now" in command(home, True, capsys, **TELEGRAM)
    assert "1 kept, 0 read now" in command(home, True, capsys, **TELEGRAM)
    assert home.one("SELECT COUNT(*) AS n FROM inbox WHERE kind = 'message' AND channel = 'telegram'")["n"] == 1


def test_a_channel_that_is_not_set_up_keeps_its_own(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    keep(home, WHOLE)
    assert "1 kept, 0 read now" in command(home, True, capsys)


async def test_a_failed_send_is_listed_without_a_word_of_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    await place.start()
    phone = place.on_telegram()
    place.telegram.plan.add(refuse(400, "Bad Request: message is too long"))
    await phone.say("hola")
    await place.until(place.idle)
    await asyncio.to_thread(keeping.failed_command, argparse.Namespace(days=7), place.puente.settings)
    shown = capsys.readouterr().out
    assert "telegram bot refused 400" in shown
    assert "Puente" not in shown

"""The doctor finds what is wrong, says what to do about it in both languages, and changes nothing."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sqlite3
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot import doctor, keeping, outside, watch
from bot.channels import clock
from bot.channels.hooks import Finding
from bot.channels.whatsapp_sync import sync
from bot.settings import Settings
from tests.installation import Home
from tests.ops.conftest import Place


def findings(given: Settings) -> dict[str, Finding]:
    return {found.name: found for found in asyncio.run(doctor.examine(given))}


def bad(given: Settings) -> set[str]:
    return {name for name, found in findings(given).items() if found.level == "bad"}


def test_a_fresh_installation_is_well(home: Home) -> None:
    found = findings(home.puente.settings)
    assert bad(home.puente.settings) == set()
    assert {"settings", "keys", "migrations"} <= set(found)
    assert all(one.es and one.en for one in found.values())


def test_keys_others_can_read(home: Home) -> None:
    path = home.puente.settings.puente_keys
    mode = path.stat().st_mode
    path.chmod(0o444)
    try:
        assert bad(home.puente.settings) == {"keys"}
        assert f"chmod 400 {path}" in findings(home.puente.settings)["keys"].en
    finally:
        path.chmod(mode)


def test_missing_keys(home: Home, tmp_path: Path) -> None:
    assert "keys" in bad(home.puente.settings.model_copy(update={"puente_keys": tmp_path / "none.json"}))


def test_no_database(tmp_path: Path, home: Home) -> None:
    missing = {"database_url": f"sqlite:///{tmp_path}/none.db"}
    assert "database" in bad(home.puente.settings.model_copy(update=missing))
    assert not (tmp_path / "none.db").exists()
    away = {"database_url": "postgresql+psycopg://nobody@127.0.0.1:9/none"}
    assert "database" in bad(home.puente.settings.model_copy(update=away))


def test_tables_of_another_release(home: Home) -> None:
    home.run("UPDATE alembic_version SET version_num = '0000'")
    assert "migrations" in bad(home.puente.settings)


def test_a_damaged_database(home: Home, tmp_path: Path) -> None:
    given = home.puente.settings
    if not given.on_sqlite:
        return  # PostgreSQL looks after its own files
    home.record.close()
    copy = tmp_path / "damaged.db"
    with sqlite3.connect(given.sqlite_path) as whole:
        whole.execute(f"VACUUM INTO '{copy}'")
    whole.close()
    with copy.open("r+b") as file:
        for page in range(20, 40):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    hurt = bad(given.model_copy(update={"database_url": f"sqlite:///{copy}"}))
    assert hurt & {"integrity", "database", "migrations"}


def test_a_full_disk(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    full = type(shutil.disk_usage("/"))(1, 1, 10 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    assert bad(home.puente.settings) == ({"disk"} if home.puente.settings.on_sqlite else set())


def test_messages_nobody_reads_and_alarms_are_told(home: Home) -> None:
    home.person().write("hola")
    home.run("UPDATE inbox SET received_at = :at", at=time.time() - 300)
    home.record.do(watch.look, time.time(), ["web"])
    found = findings(home.puente.settings)
    assert found["inbox"].level == "bad"
    assert found["alert.inbox_age"].level == "warn"


@pytest.mark.parametrize(("ahead", "level"), [(0, "ok"), (20, "ok"), (-90, "bad"), (90, "bad")])
def test_the_clock(ahead: float, level: str) -> None:
    date = formatdate(1_800_000_000, usegmt=True)
    assert clock.compared("x", date, 1_800_000_000 + ahead).level == level
    assert clock.compared("x", None).level == "warn"
    assert clock.compared("x", "not a date").level == "warn"


async def examined(place: Place, **more: Any) -> dict[str, Finding]:
    given = place.puente.settings.model_copy(update=more)
    return {found.name: found for found in await doctor.examine(given)}


async def test_both_vendors_are_asked(place: Place) -> None:
    await place.start()
    found = await examined(place)
    assert {name for name, one in found.items() if one.level == "bad"} == set()
    assert found["telegram.webhook"].level == "ok"
    assert found["telegram.clock"].level == found["twilio.clock"].level == "ok"
    assert found["twilio.contents"].level == "warn"
    assert "puente whatsapp sync" in found["twilio.contents"].es


async def test_a_webhook_somebody_else_took(place: Place) -> None:
    await place.start()
    assert place.telegram.updates.webhook is not None
    place.telegram.updates.webhook.url = "https://elsewhere.example/hook"
    found = await examined(place)
    assert found["telegram.webhook"].level == "bad"
    assert "elsewhere.example" in found["telegram.webhook"].en


async def test_wrong_credentials(place: Place) -> None:
    await place.start()
    wrong = {
        "telegram_token": SecretStr("123456789:BBF-another-token-for-tests-00000000"),
        "twilio_auth_token": SecretStr("0" * 32),
    }
    found = await examined(place, **wrong)
    assert found["telegram"].level == found["twilio"].level == "bad"
    shown = "".join(one.es + one.en for one in found.values())
    assert "BBF-another" not in shown
    assert "0" * 32 not in shown


async def test_vendors_that_do_not_answer(place: Place) -> None:
    await place.start()
    found = await examined(place, telegram_api_base="http://127.0.0.1:9", twilio_api_base="http://127.0.0.1:9")
    assert found["telegram"].level == found["twilio"].level == "bad"


LANGS = [("es_GT.UTF-8", "es"), ("en_US.UTF-8", "en"), ("C", "both"), ("", "both")]


@pytest.mark.parametrize(("lang", "shows"), LANGS)
def test_the_command_speaks_the_language_of_the_machine(
    home: Home, lang: str, shows: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    assert keeping.doctor_command(argparse.Namespace(), home.puente.settings) == 0
    told = capsys.readouterr().out
    assert ("Las tablas son" in told) is (shows in ("es", "both"))
    assert ("The tables are" in told) is (shows in ("en", "both"))
    home.run("UPDATE alembic_version SET version_num = '0000'")
    assert keeping.doctor_command(argparse.Namespace(), home.puente.settings) == 1


SETTINGS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing to say": ({}, set()),
    "no https": ({"public_base_url": "http://127.0.0.1:9"}, {"https", "public"}),
    "a demo in production": ({"puente_production": True, "puente_demo": True}, {"demo", "alerts"}),
    "nobody is mailed": ({"puente_production": True, "puente_demo": False}, {"alerts"}),
}


@pytest.mark.parametrize(("given", "warned"), SETTINGS.values(), ids=SETTINGS.keys())
def test_what_could_be_set_better(home: Home, given: dict[str, Any], warned: set[str]) -> None:
    found = findings(home.puente.settings.model_copy(update=given))
    names = {name for name, one in found.items() if one.level == "warn"}
    assert {name for name in names if not name.startswith("language.")} == warned
    assert all(found[name].es and found[name].en for name in warned)


async def test_all_layouts_are_there_after_the_sync(place: Place) -> None:
    await place.start()
    given = place.settings()
    await sync(place.channels(given, place.puente.record)["whatsapp"], place.puente.record)
    assert (await examined(place))["twilio.contents"].level == "ok"


WRONG: dict[str, tuple[int, dict[str, str], str, str, str]] = {
    "us": (200, {}, '{"status":"alive"}', "ok", "leads to Puente"),
    "a redirect": (308, {"location": "https://puente.example.org/healthz"}, "", "bad", "=https://puente.example.org"),
    "to a path": (301, {"location": "/es/healthz"}, "", "bad", "/es"),
    "something else": (200, {}, "<html>", "bad", "not Puente (200)"),
    "a proxy with nobody behind it": (502, {}, "", "bad", "not Puente (502)"),
}


@pytest.mark.parametrize(("status", "headers", "body", "level", "words"), WRONG.values(), ids=WRONG.keys())
async def test_our_public_address_leads_to_us(
    status: int, headers: dict[str, str], body: str, level: str, words: str
) -> None:
    """SAFETY A2: http for https, or a path more, and no signature of a provider's would ever match."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = [f"HTTP/1.1 {status} x", f"content-length: {len(body)}", "connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        found = await outside.reached(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert found.level == level
    assert words in found.en
    assert found.es != found.en

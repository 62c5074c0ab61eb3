"""Alive, ready, measured; roles for one machine or many; what production does not show (O1, O3)."""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.app import create
from bot import disk, keeping, meters, settings
from bot.readiness import Readiness
from bot.record import DOWN, Record
from bot.service import Puente, build
from bot.settings import Unusable, WrongSetting
from tests.fakes.faults import refuse
from tests.installation import Home, Template
from tests.minds import MIND
from tests.ops.conftest import Place


def client(puente: Puente, serves: bool = True, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create(puente, serves), client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://here")


def changed(home: Home, **more: Any) -> Puente:
    home.puente.settings = home.puente.settings.model_copy(update=more)
    return home.puente


async def test_alive_asks_nothing_of_the_database(home: Home) -> None:
    home.record.close()
    async with client(home.puente) as web:
        assert (await web.get("/healthz")).json() == {"status": "alive"}


async def test_ready_when_the_database_takes_a_write(home: Home) -> None:
    async with client(home.puente) as web:
        answer = await web.get("/readyz")
    told = {"ready": True, "database": "writable", "migrations": "up to date", "worker": "standby"}
    assert (answer.status_code, answer.json()) == (200, told)


async def test_not_ready_on_another_release_s_tables(home: Home) -> None:
    home.run("UPDATE alembic_version SET version_num = '0000'")
    async with client(home.puente) as web:
        answer = await web.get("/readyz")
    assert answer.status_code == 503
    assert "puente migrate" in answer.json()["migrations"]


async def test_not_ready_while_the_database_takes_no_write(home: Home) -> None:
    """A disk that went read-only, or a replica that was not promoted."""
    name = home.record.url.rsplit("/", 1)[1]
    on_replica = f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'
    if home.record.postgres:
        home.run(on_replica)
    record = Record(home.record.url)
    if not home.record.postgres:
        record.do(lambda tx: tx.run("PRAGMA query_only = 1"))
    async with client(Puente(home.puente.settings, record, home.puente.house, home.puente.channels)) as web:
        answer = await web.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "does not take a write")
    record.close()


async def test_no_more_is_asked_for_when_the_disk_is_nearly_full(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is under way still has room; a balancer sends people to another machine, a supervisor knows already."""
    full = type(shutil.disk_usage("/"))(1, 1, disk.LAST - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    async with client(home.puente) as web:
        answer = await web.get("/readyz")
    if home.record.postgres:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["database"]) == (503, "the disk is full")


async def test_asking_often_writes_seldom(home: Home) -> None:
    ready = Readiness(home.puente)
    first = await ready.look()
    home.run("DELETE FROM memo WHERE name = 'ready'")
    assert await ready.look() is first
    assert home.one("SELECT value FROM memo WHERE name = 'ready'") is None


def families(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


async def test_metrics_say_how_it_is_and_of_nobody(home: Home) -> None:
    ana, eva = home.person("ana-secret"), home.person("eva-secret")
    ana.say("hola")
    eva.write("hola")
    home.record.do(lambda tx: tx.run("UPDATE inbox SET received_at = :at WHERE done_at IS NULL", at=time.time() - 90))
    async with client(home.puente) as web:
        text = (await web.get("/metrics")).text
    found = families(text)
    assert found["puente_inbox_unread"][()] == 1
    assert 89 < found["puente_inbox_age_seconds"][()] < 120
    assert found["puente_lanes_waiting"][()] == 1
    assert found["puente_outbox"]["web", "waiting"] == len(ana.said())
    assert {"puente_turn_seconds", "puente_sends", "puente_windows_open", "puente_cases", "puente_alerts"} <= set(
        found
    )
    assert "secret" not in text
    assert ana.contact not in text


def counted(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels; 0 where it never happened."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def test_turns_sends_and_what_a_provider_refused_are_counted(place: Place) -> None:
    await place.start()
    phone = place.on_telegram()
    async with client(place.puente) as web:
        before = (await web.get("/metrics")).text
        place.telegram.plan.add(refuse(400, "Bad Request: message is too long"))
        await phone.say("hola")
        await place.until(place.idle)
        await phone.say("español")
        await phone.hears()
        await place.until(place.idle)
        meters._windows = (0.0, [])
        after = (await web.get("/metrics")).text

    def more(name: str, **labels: str) -> float:
        return counted(after, name, **labels) - counted(before, name, **labels)

    assert more("puente_turn_seconds_count") == 2
    assert more("puente_turn_seconds_sum") > 0
    assert more("puente_sends_total", channel="telegram", outcome="refused") == 1
    assert more("puente_sends_total", channel="telegram", outcome="sent") == 1
    assert counted(after, "puente_windows_open", channel="telegram") == 1
    assert counted(after, "puente_inbox_age_seconds") == 0
    ages = families(after)["puente_round_age_seconds"]
    assert ages.keys() >= {("alerts",), ("queue|telegram",), ("missed|whatsapp",)}
    assert phone.address not in after


async def test_metrics_are_for_this_machine_only(home: Home) -> None:
    async with client(home.puente) as here, client(home.puente, address="203.0.113.9") as there:
        assert (await here.get("/metrics")).status_code == 200
        assert (await there.get("/metrics")).status_code == 404
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert (await here.get("/metrics", headers={header: "203.0.113.9"})).status_code == 404


async def test_with_a_token_metrics_are_for_who_has_it(home: Home) -> None:
    puente = changed(home, metrics_token=SecretStr("s" * 32))
    right, wrong = {"Authorization": "Bearer " + "s" * 32}, {"Authorization": "Bearer x"}
    async with client(puente) as here, client(puente, address="203.0.113.9") as there:
        assert (await here.get("/metrics")).status_code == 404
        assert (await here.get("/metrics", headers=wrong)).status_code == 404
        assert (await there.get("/metrics", headers=right)).status_code == 200


async def test_metrics_while_the_database_is_gone_still_say_what_this_process_knows(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(tx: Any, now: float, channels: Any) -> Any:
        raise DOWN[0]("SELECT", {}, Exception())

    monkeypatch.setattr(meters, "gather", gone)
    async with client(home.puente) as web:
        answer = await web.get("/metrics")
    assert answer.status_code == 200
    assert "puente_turn_seconds" in answer.text
    assert "puente_inbox_unread" not in answer.text


@pytest.mark.parametrize(
    ("given", "production"),
    [
        ({}, False),
        ({"public_base_url": "http://127.0.0.1:8000"}, False),
        ({"public_base_url": "https://puente.example.org"}, True),
        ({"public_base_url": "https://puente.example.org", "puente_production": False}, False),
        ({"puente_production": True}, True),
    ],
)
def test_production_is_where_strangers_come_in(given: dict[str, Any], production: bool) -> None:
    assert settings.load(**given).production is production


async def test_production_shows_no_map_of_the_house(home: Home) -> None:
    puente = changed(home, puente_production=True)
    bearer = {"Authorization": f"Bearer {home.token()}"}
    async with client(puente) as web:
        for path in ("/docs", "/openapi.json", "/redoc", "/api/v1/docs", "/api/v1/redoc"):
            assert (await web.get(path)).status_code == 404
        assert (await web.get("/api/v1/openapi.json")).status_code == 401
        described = await web.get("/api/v1/openapi.json", headers=bearer)
        assert described.status_code == 200
        assert "/cases" in described.json()["paths"]
        answers = [await web.get("/readyz"), await web.get("/"), await web.get("/nothing")]
    for answer in answers:
        assert not [name for name in answer.headers if name.lower() in ("server", "x-powered-by")]
        assert not re.search(r"fastapi|starlette|uvicorn|python", answer.text, re.I)


async def test_a_worker_of_its_own_serves_nobody(home: Home) -> None:
    async with client(home.puente, serves=False) as web:
        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await web.get(path)).status_code == 200
        for path in ("/", "/chat/messages", "/flows", "/api/v1/cases"):
            assert (await web.get(path)).status_code == 404
        assert (await web.post("/webhooks/telegram", json={})).status_code == 404


def test_on_sqlite_a_worker_of_its_own_says_what_to_do_instead(template: Template, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="PostgreSQL"):
        keeping.worker(argparse.Namespace(), template.settings(tmp_path))


async def test_web_takes_in_and_a_worker_elsewhere_answers(home: Home) -> None:
    """Two processes' worth of Puente on one database; on SQLite the same roles, in one lock."""
    given = home.puente.settings
    web, worker = Puente(given, home.record, home.puente.house, home.puente.channels, works=False), build(given, MIND)
    await web.start()
    async with client(web) as browser:
        answer = await browser.post("/chat/messages", json={"id": "m-0000001", "text": "hola"})
        assert answer.status_code == 202
        assert (await browser.get("/readyz")).json()["worker"] == "elsewhere"
        assert (await browser.get("/chat/messages")).json()["messages"][1:] == []
        await worker.start()
        async with asyncio.timeout(20):
            while len((await browser.get("/chat/messages")).json()["messages"]) < 2:
                await asyncio.sleep(0.02)
    await worker.stop()
    await web.stop()
    worker.record.close()


async def test_too_many_newcomers_are_asked_to_come_again(home: Home) -> None:
    puente = changed(home, web_newcomers_per_minute=2)
    statuses = []
    for number in range(4):
        async with client(puente) as browser:
            answer = await browser.post("/chat/messages", json={"id": f"m-000000{number}", "text": "hola"})
            statuses.append(answer.status_code)
            if answer.status_code == 202 and number == 0:
                known = await browser.post("/chat/messages", json={"id": "m-1000000", "text": "hola"})
                assert known.status_code == 202
    assert statuses == [202, 202, 429, 429]
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"smtp_url": "mail.example.org"}, "SMTP_URL"),
        ({"alert_mail_to": "nobody", "smtp_url": "smtp://mail.example.org"}, "ALERT_MAIL_TO"),
        ({"alert_mail_to": "ana@example.org"}, "SMTP_URL"),
        ({"telegram_secret": "short"}, "TELEGRAM_SECRET"),
        ({"telegram_secret": "a" * 32 + ",short"}, "TELEGRAM_SECRET"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not_shown(given: dict[str, Any], names: str) -> None:
    with pytest.raises(WrongSetting, match=names) as refused:
        settings.load(**given)
    assert 'mail.example.org"' not in str(refused.value)
    assert "a" * 32 not in str(refused.value)

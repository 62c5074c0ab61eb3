"""The cable and the plan under both fakes: what is taken, what is lost, and who is told."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.fakes import faults
from tests.fakes.base import Clock
from tests.fakes.conftest import until
from tests.fakes.faults import Plan
from tests.fakes.serve import Served, running, serving
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.twilio import FakeTwilio

WHO = "7000000001"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    fake = FakeTelegram(rates=unlimited())
    fake.open([WHO])
    async with running(fake):
        yield fake


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        yield client


async def send(fake: FakeTelegram, web: httpx.AsyncClient, text: str = "hola") -> httpx.Response:
    return await web.post(f"{fake.base}/bot{fake.token}/sendMessage", data={"chat_id": WHO, "text": text})


async def test_a_message_is_taken_written_down_and_answered(fake: FakeTelegram, web: httpx.AsyncClient) -> None:
    answer = await send(fake, web)
    assert answer.status_code == 200 and answer.json()["result"]["text"] == "hola"
    [sent] = fake.sent
    assert (sent.to, sent.text, sent.answered, sent.n) == (WHO, "hola", True, 0)


@pytest.mark.parametrize("after", [False, True])
async def test_a_dropped_connection_gives_no_answer(fake: FakeTelegram, web: httpx.AsyncClient, after: bool) -> None:
    fake.plan.add(faults.drop(after=after))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await send(fake, web)
    assert [sent.answered for sent in fake.sent] == ([False] if after else [])
    assert (await send(fake, web)).status_code == 200  # the plan is used up


@pytest.mark.parametrize("after", [False, True])
async def test_silence_until_the_caller_gives_up(fake: FakeTelegram, web: httpx.AsyncClient, after: bool) -> None:
    fake.plan.add(faults.hang(after=after))
    waiting = asyncio.create_task(send(fake, web))
    await until(lambda: bool(fake.plan.taken))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done and len(fake.sent) == after
    waiting.cancel()
    assert (await send(fake, web)).status_code == 200


async def test_an_answer_cut_in_the_middle_was_taken(fake: FakeTelegram, web: httpx.AsyncClient) -> None:
    fake.plan.add(faults.cut())
    with pytest.raises(httpx.RemoteProtocolError):
        await send(fake, web)
    assert len(fake.sent) == 1 and not fake.sent[0].answered


@pytest.mark.parametrize(
    "fault, status, taken",
    [
        (faults.broken(), 500, 1),
        (faults.broken(502, after=True, html=True), 502, 1),
        (faults.broken(502, after=False, html=True), 502, 0),
        (faults.busy(3), 429, 0),
        (faults.BLOCKED, 403, 0),
    ],
)
async def test_bad_answers(
    fake: FakeTelegram, web: httpx.AsyncClient, fault: faults.Fault, status: int, taken: int
) -> None:
    fake.plan.add(fault)
    answer = await send(fake, web)
    assert answer.status_code == status and len(fake.sent) == taken
    assert answer.headers["content-type"].startswith("text/html" if fault.html else "application/json")


async def test_a_delay_only_delays(fake: FakeTelegram, web: httpx.AsyncClient) -> None:
    slept: list[float] = []
    morning = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await morning.wait()

    fake.sleep = sleep
    fake.plan.add(faults.delay(7))
    slow = asyncio.create_task(send(fake, web, "first"))
    await until(lambda: slept == [7])
    await send(fake, web, "second")
    morning.set()
    assert (await slow).status_code == 200
    assert [sent.text for sent in fake.sent] == ["second", "first"]


async def test_a_fault_meets_only_those_it_is_meant_for(fake: FakeTelegram, web: httpx.AsyncClient) -> None:
    fake.plan.add(faults.broken(after=False), to=99).add(faults.broken(after=False), on="getMe")
    assert (await send(fake, web)).status_code == 200
    assert (await web.get(f"{fake.base}/bot{fake.token}/getMe")).status_code == 500
    assert (await web.get(f"{fake.base}/bot{fake.token}/getMe")).status_code == 200
    assert len(fake.plan) == 1


def test_weather_is_the_same_for_the_same_seed() -> None:
    def day(seed: int) -> list[str]:
        plan = Plan().weather(seed, [(faults.drop(after=True), 0.2), (faults.busy(), 0.2)])
        return [fault.kind if (fault := plan.take("sendmessage", "1", True)) else "" for _ in range(200)]

    assert day(1) == day(1) != day(2)
    assert 20 < day(1).count("drop") < 60 and "refuse" in day(1)
    assert Plan().weather(1, [(faults.drop(), 1.0)]).take("getme", "", sends=False) is None


def test_a_clock_can_be_frozen_and_moved() -> None:
    clock = Clock(frozen=1000.0)
    clock.advance(90_000)
    assert clock() == 91_000.0


async def test_the_vendor_is_down_and_comes_back(web: httpx.AsyncClient) -> None:
    fake = FakeTelegram()
    fake.open([WHO])
    served = Served(fake)
    base = await served.start()
    assert (await send(fake, web)).status_code == 200
    await served.stop()
    with pytest.raises(httpx.ConnectError):
        await send(fake, web)
    assert await served.start() == base
    assert (await send(fake, web)).status_code == 200
    await served.stop()
    assert len(fake.sent) == 2


def test_a_fake_in_a_thread_serves_blocking_code_and_ends_with_its_block() -> None:
    fake = FakeTelegram()
    fake.plan.add(faults.hang())
    with serving(fake) as base:
        assert httpx.get(f"{base}/bot{fake.token}/getMe", trust_env=False).json()["result"]["is_bot"]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(base.rpartition(":")[2]))) != 0


async def test_the_side_door(fake: FakeTelegram, web: httpx.AsyncClient) -> None:
    await web.post(f"{fake.base}/__plan", json=[{"kind": "drop", "after": True}, {"kind": "delay", "seconds": 0}])
    with pytest.raises(httpx.TransportError):
        await send(fake, web)
    await send(fake, web, "again")
    rows = (await web.get(f"{fake.base}/__sent")).json()
    assert [(row["text"], row["answered"]) for row in rows] == [("hola", False), ("again", True)]
    assert [row["text"] for row in (await web.get(f"{fake.base}/__sent?since=1")).json()] == ["again"]
    assert [row["fault"] for row in (await web.get(f"{fake.base}/__calls")).json()] == ["drop", ""]
    before = (await web.get(f"{fake.base}/__clock")).json()["now"]
    assert (await web.post(f"{fake.base}/__clock", json={"advance": 500})).json()["now"] >= before + 500
    await web.post(f"{fake.base}/__open", json=["55"])
    assert fake.chats[55].started


async def test_a_process_of_its_own(tmp_path: Path, web: httpx.AsyncClient) -> None:
    """As a long harness runs it: two ports, a log, everybody reachable, a person by hand."""
    log = tmp_path / "sent.jsonl"
    arguments = ["--telegram", "0", "--twilio", "0", "--anyone", "--log", str(log)]
    process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
        [sys.executable, "-m", "tests.fakes.serve", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        telegram, twilio = (process.stdout.readline().split(" at ")[1].strip() for _ in range(2))
        token, account = FakeTelegram().token, FakeTwilio()
        sent = await web.post(f"{telegram}/bot{token}/sendMessage", data={"chat_id": "42", "text": "uno"})
        assert sent.json()["ok"]
        answer = await web.post(
            f"{twilio}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
            data={"To": "whatsapp:+50255550101", "From": account.sender, "Body": "dos"},
            auth=(account.account_sid, account.auth_token),
        )
        assert answer.status_code == 201
        said = await web.post(f"{telegram}/__say", json={"from": "42", "text": "hola"})
        assert said.json() == {"status": None}  # no webhook: it waits for getUpdates
        updates = (await web.get(f"{telegram}/bot{token}/getUpdates")).json()["result"]
        assert updates[0]["message"]["text"] == "hola"
        assert [json.loads(line)["text"] for line in log.read_text().splitlines()] == ["uno", "dos"]
    finally:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


async def test_many_sends_in_a_storm_of_faults_all_stay_accounted_for(web: httpx.AsyncClient) -> None:
    """What the caller heard and what the vendor took differ only by the sends nobody was told of."""
    fake = FakeTelegram(rates=unlimited(), anyone=True)
    chances = [(faults.drop(after=True), 0.1), (faults.drop(), 0.1), (faults.broken(), 0.1), (faults.busy(), 0.1)]
    fake.plan.weather(7, chances)
    heard = 0
    async with running(fake):
        for n in random.Random(1).sample(range(1, 10**6), 150):
            try:
                answer = await web.post(
                    f"{fake.base}/bot{fake.token}/sendMessage", data={"chat_id": str(n), "text": str(n)}
                )
                heard += answer.status_code == 200
            except httpx.TransportError:
                continue
    assert heard == sum(sent.answered for sent in fake.sent) < len(fake.sent) < 150
    assert [sent.n for sent in fake.sent] == list(range(len(fake.sent)))
    assert len({sent.id for sent in fake.sent}) == len(fake.sent)

"""Kill -9 in the middle of a conversation, again and again: nothing is lost, nothing is doubled (SAFETY C1–C3)."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.installation import Template

ROOT = Path(__file__).resolve().parent.parent
# The real process with its real database, sockets and signals; only what takes long to learn is a stand-in.
START = """
import api.serve, bot.service, bot.settings
from tests.minds import MIND
api.serve.build = lambda given, **more: bot.service.build(given, MIND, **more)
api.serve.serve(bot.settings.load())
"""
KILLS = 10


class House:
    """One installation whose process dies and comes back; and one person with a browser."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None
        self.base = ""
        self.cookies: dict[str, str] = {}
        self.written = 0

    def start(self) -> None:
        var = {"DATABASE_URL": f"sqlite:///{self.folder}/puente.db", "PUENTE_KEYS": f"{self.folder}/keys.json"}
        environment = os.environ | var | {"PORT": "0", "PYTHONPATH": str(ROOT)}
        with (self.folder / "stderr").open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START],
                cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.base = found.group()
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail((self.folder / "stderr").read_text())
        self.until(lambda: self.read() is not None)

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode

    def write(self, text: str, id: str) -> bool:
        """One attempt; False when nobody answered. The browser tries again with the same id."""
        with suppress(httpx.HTTPError):
            answer = httpx.post(
                f"{self.base}/chat/messages", json={"id": id, "text": text}, cookies=self.cookies, timeout=5,
                trust_env=False,
            )  # fmt: skip
            assert answer.status_code == 202, answer.text
            self.cookies |= dict(answer.cookies)
            return True
        return False

    def read(self) -> dict[str, Any] | None:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.base}/chat/messages", cookies=self.cookies, timeout=5, trust_env=False)
            assert answer.status_code == 200
            return dict(answer.json())
        return None

    def answered(self) -> bool:
        shown = self.read()
        return shown is not None and not shown["typing"]

    def until(self, true: Any, within: float = 20) -> None:
        end = time.monotonic() + within
        while not true():
            assert time.monotonic() < end, (self.folder / "stderr").read_text()[-2000:]
            time.sleep(0.01)


@pytest.fixture
def house(template: Template, tmp_path: Path) -> Iterator[House]:
    template.copy(tmp_path)
    house = House(tmp_path)
    house.start()
    yield house
    if house.process is not None and house.process.poll() is None:
        house.kill()


SAID = [
    "hola",
    "español",
    "no",
    "trabajo",
    "menú",
    "servicios",
    "menú",
    "persona",
    "trabajo",
    "xela",
    "ayuda por favor",
]


def test_ten_deaths_in_one_conversation(house: House) -> None:
    dice = random.Random(4711)
    for number, text in enumerate(SAID[:KILLS]):
        id = f"message-{number}"
        if not house.cookies:
            assert house.write(text, id)
            house.until(house.answered)
            continue
        before = dice.random() < 0.3
        assert before or house.write(text, id)
        time.sleep(dice.choice((0, 0.002, 0.005, 0.01, 0.03)))  # where in its work it dies
        house.kill()
        house.start()
        assert house.write(text, id), "the page sends again what it has no answer to"
        house.until(house.answered)
    house.kill()
    house.start()
    assert house.write(SAID[-1], "last-message")
    house.until(house.answered)
    shown = house.read()
    assert shown is not None
    mine = [line["text"] for line in shown["messages"] if line["from"] == "me"]
    theirs = [line["text"] for line in shown["messages"] if line["from"] != "me"]
    assert mine == [*SAID[:KILLS], SAID[-1]], "all that was said, each once, in order"
    assert len(theirs) == len(mine), "one answer to each"
    assert [text for text in theirs if text.startswith("Una persona le va a atender")] != []
    assert theirs[-1].startswith("Anotado.")
    with sqlite3.connect(house.folder / "puente.db") as record:
        (cases,) = record.execute("SELECT COUNT(*) FROM handoff_case").fetchone()
        (unread,) = record.execute("SELECT COUNT(*) FROM inbox WHERE done_at IS NULL").fetchone()
        (check,) = record.execute("PRAGMA integrity_check").fetchone()
    record.close()
    assert (cases, unread, check) == (1, 0, "ok")


def test_told_to_stop_in_the_middle_of_a_turn(house: House) -> None:
    """As at every upgrade: it ends well, and what it had taken in is answered, once, by the next."""
    for number, text in enumerate(SAID[:5]):
        assert house.write(text, f"message-{number}")
        time.sleep((0, 0.001, 0.003, 0.01, 0.03)[number])
        assert house.kill(signal.SIGTERM) in (0, -signal.SIGTERM)
        house.start()
        assert house.write(text, f"message-{number}"), "the page does not know that it was kept"
        house.until(house.answered)
    shown = house.read()
    assert shown is not None
    assert [line["text"] for line in shown["messages"] if line["from"] == "me"] == SAID[:5]
    assert [line["from"] == "me" for line in shown["messages"]] == [True, False] * 5
    assert "Traceback" not in (house.folder / "stderr").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_it_stops_soon_though_a_page_listens(house: House, number: int) -> None:
    assert house.write("hola", "message-0")
    house.until(house.answered)
    with httpx.stream("GET", f"{house.base}/chat/stream", cookies=house.cookies, trust_env=False) as stream:
        next(stream.iter_bytes())
        began = time.monotonic()
        house.kill(number)
    assert time.monotonic() - began < 15
    errors = (house.folder / "stderr").read_text()
    assert "Traceback" not in errors
    assert "never retrieved" not in errors
    house.start()
    shown = house.read()
    assert shown is not None
    assert len(shown["messages"]) == 2


def test_a_second_process_takes_over_when_the_first_dies(house: House) -> None:
    """Both answer over HTTP; one works. What the other took in is worked through, before and after a death."""
    assert house.write("hola", "message-0")
    house.until(house.answered)
    second = House(house.folder)
    second.cookies = house.cookies
    second.start()
    try:
        assert second.write("español", "message-1")
        second.until(second.answered)
        house.kill()
        assert second.write("no", "message-2")
        second.until(second.answered)
        shown = second.read()
        assert shown is not None
        assert [line["from"] == "me" for line in shown["messages"]] == [True, False] * 3
    finally:
        second.kill()

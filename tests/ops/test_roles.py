"""`puente web` and `puente worker` as their own processes on PostgreSQL: one takes in, the other answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import _free_port

ENDED = (0, -signal.SIGTERM)
"""How a process that was asked to end has ended well; the HTTP server passes the signal on when it is done."""


@contextmanager
def process(folder: Path, role: str, **given: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO", "TELEGRAM"))}
    with (folder / f"{role}.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "bot", role], env=environment | given, stdout=log, stderr=log
        )  # fmt: skip
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def ask(port: int, path: str, body: Any = None, cookie: str = "") -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "cookie": f"puente_chat={cookie}"}
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers)
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None
    except OSError:
        return 0, None


def until(true: Any, seconds: float = 90) -> Any:
    """The limit is for what never comes; a test passes as soon as it is there."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := true():
            return found
        time.sleep(0.05)
    raise TimeoutError


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_worker_told_to_stop_in_the_middle_of_a_turn(database: dict[str, Any], tmp_path: Path) -> None:
    """What it had begun is answered once, by itself or by the next."""
    web = _free_port()
    given = {
        "DATABASE_URL": database["database_url"],
        "PUENTE_KEYS": str(database["puente_keys"]),
        "PUENTE_DEMO": "0",
    }
    cookie, said = "s" * 43, ("hola", "español")

    def lines() -> list[Any]:
        return list(ask(web, "/chat/messages", cookie=cookie)[1]["messages"])

    with process(tmp_path, "web", PORT=str(web), **given):
        until(lambda: ask(web, "/readyz")[0] == 200)
        for number, text in enumerate(said):
            port = _free_port()
            with process(tmp_path, "worker", PORT=str(port), **given) as working:
                until(lambda port=port: ask(port, "/readyz")[0] == 200)
                body = {"id": f"m-000000{number}", "text": text}
                assert ask(web, "/chat/messages", body, cookie)[0] == 202
                time.sleep((0, 0.02)[number])
            assert working.returncode in ENDED
        with process(tmp_path, "worker", **given):
            until(lambda: len(lines()) >= 2 * len(said))
        assert [line["text"] for line in lines() if line["from"] == "me"] == list(said)
        answers = [line["text"] for line in lines() if line["from"] != "me"]
        assert len(set(answers)) == len(answers) == len(said), "one answer to each, whoever gave it"


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_web_and_a_worker(database: dict[str, Any], tmp_path: Path) -> None:
    web, worker = _free_port(), _free_port()
    given = {
        "DATABASE_URL": database["database_url"],
        "PUENTE_KEYS": str(database["puente_keys"]),
        "PUENTE_DEMO": "0",
    }
    cookie = "r" * 43

    def answers() -> bool:
        return len(ask(web, "/chat/messages", cookie=cookie)[1]["messages"]) > 1

    with process(tmp_path, "web", PORT=str(web), **given) as serving:
        until(lambda: ask(web, "/readyz")[0] == 200)
        assert ask(web, "/readyz")[1]["worker"] == "elsewhere"
        assert ask(web, "/chat/messages", {"id": "m-0000001", "text": "hola"}, cookie)[0] == 202
        assert not answers()
        with process(tmp_path, "worker", PORT=str(worker), **given) as working:
            until(lambda: ask(worker, "/readyz")[0] == 200 and ask(worker, "/readyz")[1]["worker"] == "leading")
            until(answers)
            assert ask(worker, "/chat/messages", cookie=cookie)[0] == 404
        assert working.returncode in ENDED
    assert serving.returncode in ENDED

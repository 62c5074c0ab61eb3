"""The two vendors in a process of their own: they live on, and remember, when the product is killed."""

from __future__ import annotations

import socket
import subprocess
import sys
from time import time as machine_time  # the clock itself: products put theirs in the module's place
from typing import Any

import httpx

from tests.fakes.telegram import TOKEN as TELEGRAM_TOKEN
from tests.fakes.twilio import ACCOUNT, SENDER
from tests.fakes.twilio import TOKEN as TWILIO_TOKEN
from tests.oracle import Shown

SECRET = "s" * 40
PUBLIC = "http://127.0.0.1:9"
"""Where nothing listens: a harness brings every webhook and callback itself."""


class Vendors:
    """Fake Telegram and Twilio that take anything for anybody, on two free ports."""

    def __init__(self) -> None:
        self.ports = {"telegram": free_port(), "twilio": free_port()}
        command = [sys.executable, "-m", "tests.fakes.serve", "--anyone", "--unlimited", "--mute"]
        for name, port in self.ports.items():
            command += [f"--{name}", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for _line in range(4):
            self.process.stdout.readline()
        self._ask = httpx.Client(trust_env=False, timeout=120)

    def base(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def settings(self, public: str = PUBLIC) -> dict[str, Any]:
        """The settings of a product that talks to them."""
        return settings_for(self.base("telegram"), self.base("twilio"), public)

    def taken(self, since: dict[str, int] | None = None) -> dict[str, list[dict[str, Any]]]:
        """What each took since so many messages."""
        return {
            name: self._ask.get(f"{self.base(name)}/__sent", params={"since": (since or {}).get(name, 0)}).json()
            for name in self.ports
        }

    def plan(self, name: str, *faults: dict[str, Any]) -> None:
        self._ask.post(f"{self.base(name)}/__plan", json=list(faults))

    def calm(self, name: str) -> None:
        """Nothing more goes wrong there."""
        self._ask.delete(f"{self.base(name)}/__plan")

    def advance(self, seconds: float) -> None:
        for name in self.ports:
            self._ask.post(f"{self.base(name)}/__clock", json={"advance": seconds})

    def now(self) -> float:
        return float(self._ask.get(f"{self.base('twilio')}/__clock").json()["now"])

    def ahead(self) -> float:
        """Seconds by which their clock is ahead of the machine's."""
        return self.now() - machine_time()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def settings_for(telegram: str, twilio: str, public: str = PUBLIC) -> dict[str, Any]:
    """The settings of a product whose vendors are at these addresses."""
    return {
        "public_base_url": public,
        "telegram_token": TELEGRAM_TOKEN,
        "telegram_secret": SECRET,
        "telegram_api_base": telegram,
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TWILIO_TOKEN,
        "twilio_whatsapp_from": SENDER,
        "twilio_api_base": twilio,
    }


def shown(taken: dict[str, list[dict[str, Any]]]) -> list[Shown]:
    """What people see of it, as the oracle reads it."""
    found = [Shown("telegram", row["to"], row["text"]) for row in taken["telegram"]]
    return found + [Shown("whatsapp", row["to"], row["text"]) for row in taken["twilio"]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

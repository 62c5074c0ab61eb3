"""Put a fake vendor on a free port of this machine, inside a test or as a process of its own.

async with running(fake) as base: ...      in the running loop
with serving(fake) as base: ...            in a thread, while the test's own loop is busy or dead
python -m tests.fakes.serve --telegram 9001 --twilio 9002 --log sent.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol, TextIO

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import telegram, twilio
from .phone import Phone
from .telegram import FakeTelegram
from .telegram_limits import unlimited
from .telegram_phone import TelegramPhone
from .telegram_updates import Webhook
from .twilio import FakeTwilio
from .twilio_limits import Refused
from .whatsapp_phone import WhatsAppPhone
from .wire import Cable, cut_all

SETTLE = 4
"""Turns of the loop from accepting a connection to having closed it."""


def _abort(port: int) -> None:
    """Close what the loop itself still holds on a port, whether or not a protocol has heard of it yet."""
    held: Any = getattr(asyncio.get_running_loop(), "_transports", {})
    for transport in list(held.values()):
        if (transport.get_extra_info("sockname") or (None, None))[1] == port:
            transport.abort()


class Listens(Protocol):
    """What can be put on a port: an ASGI app that is told its address."""

    name: str
    base: str
    app: Any


class Quiet(uvicorn.Server):
    """uvicorn without its hold on Ctrl-C, which belongs to the test runner, and without its idle ticking."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()

    def capture_signals(self) -> Any:
        return nullcontext()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The connections are cut already: nothing to wait for."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        await self.lifespan.shutdown()


class Served:
    """A fake on its port. `stop` and `start` again on the same port for an outage of the vendor's."""

    def __init__(self, fake: Listens, port: int = 0) -> None:
        self.fake = fake
        self.port = port
        self._server: Quiet | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread: threading.Thread | None = None

    async def start(self) -> str:
        """In the running loop. Returns the base address."""
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle on: 40 ms an answer
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        self.fake.base = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            self.fake.app, http=Cable, ws="none", lifespan="on", log_level="critical", access_log=False
        )
        self._server, self._loop = Quiet(config), asyncio.get_running_loop()
        self._task = self._loop.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            if self._task.done():
                await self._task
            await asyncio.sleep(0.001)
        return self.fake.base

    async def stop(self) -> None:
        """Close the port and cut what hangs on it."""
        if self._server and self._task:
            cut_all(self.port)
            await asyncio.sleep(0)  # lets the cut connections notice, so that uvicorn waits for none
            self._server.over.set()
            await self._task
            # who was cut may have come again before the port was closed: nothing of it is left to the collector
            for _turn in range(SETTLE):
                cut_all(self.port)
                _abort(self.port)
                await asyncio.sleep(0)
            self._server = None

    def start_in_thread(self) -> str:
        ready = threading.Event()
        failed: list[BaseException] = []

        async def live() -> None:
            try:
                await self.start()
            except BaseException as why:
                failed.append(why)
                raise
            finally:
                ready.set()
            if self._task:
                await self._task

        def run() -> None:
            if not failed:
                asyncio.run(live())

        self._thread = threading.Thread(target=run, name=f"fake {self.fake.name}", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        return self.fake.base

    def stop_thread(self) -> None:
        if self._thread and self._loop and self._server:
            asyncio.run_coroutine_threadsafe(self.stop(), self._loop)
            self._thread.join()


@asynccontextmanager
async def running(fake: Listens, port: int = 0) -> AsyncIterator[str]:
    """The fake in this loop, for as long as the block lasts."""
    served = Served(fake, port)
    base = await served.start()
    try:
        yield base
    finally:
        await served.stop()


@contextmanager
def serving(fake: Listens, port: int = 0) -> Iterator[str]:
    """The fake in a thread of its own, for as long as the block lasts."""
    served = Served(fake, port)
    base = served.start_in_thread()
    try:
        yield base
    finally:
        served.stop_thread()


def by_hand(fake: FakeTelegram | FakeTwilio) -> list[Route]:
    """`POST /__say {"from": "50255550100", "text": "hola"}` or `"tap"`: a phone for somebody at a shell."""
    phones: dict[str, Phone] = {}

    def phone(who: str) -> Phone:
        if who in phones:
            return phones[who]
        if isinstance(fake, FakeTelegram):
            phones[who] = TelegramPhone(fake, id=int(who))
        else:
            phones[who] = WhatsAppPhone(fake, number=who)
        return phones[who]

    async def say(request: Request) -> Response:
        asked = await request.json()
        person = phone(str(asked["from"]))
        try:
            status = await (person.tap(asked["tap"]) if "tap" in asked else person.say(asked["text"]))
        except (LookupError, Refused) as why:
            return JSONResponse({"error": str(why)}, 400)
        return JSONResponse({"status": status})

    return [Route("/__say", say, methods=["POST"])]


async def _main(asked: argparse.Namespace, log: TextIO | None) -> None:
    fakes: list[tuple[FakeTelegram | FakeTwilio, int]] = []
    if asked.telegram is not None:
        bot = FakeTelegram(
            rates=unlimited() if asked.unlimited else None, https_only=False, anyone=asked.anyone, log=log
        )
        if asked.telegram_webhook:
            bot.updates.webhook = Webhook(asked.telegram_webhook, asked.telegram_secret)
        fakes.append((bot, asked.telegram))
    if asked.twilio is not None:
        account = FakeTwilio(anyone=asked.anyone, log=log)
        account.webhook_url = asked.twilio_webhook
        account.callbacks.mute = asked.mute
        fakes.append((account, asked.twilio))
    served = [Served(fake, port) for fake, port in fakes]
    for (fake, _), place in zip(fakes, served, strict=True):
        fake.app.router.routes.extend(by_hand(fake))
        print(f"{fake.name} at {await place.start()}", flush=True)
    print(f"TELEGRAM_TOKEN={telegram.TOKEN}", flush=True)
    print(f"TWILIO_ACCOUNT_SID={twilio.ACCOUNT} TWILIO_AUTH_TOKEN={twilio.TOKEN}", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    ask = argparse.ArgumentParser(prog="python -m tests.fakes.serve", description=__doc__.splitlines()[0])
    ask.add_argument("--telegram", type=int, metavar="PORT")
    ask.add_argument("--twilio", type=int, metavar="PORT")
    ask.add_argument("--log", metavar="FILE", help="append every accepted send as a line of JSON")
    ask.add_argument("--anyone", action="store_true", help="every person exists and has just written")
    ask.add_argument("--mute", action="store_true", help="Twilio calls nobody back")
    ask.add_argument("--unlimited", action="store_true", help="Telegram takes any pace")
    ask.add_argument("--telegram-webhook", default="", metavar="URL", help="as if setWebhook had been called")
    ask.add_argument("--telegram-secret", default="")
    ask.add_argument("--twilio-webhook", default="", metavar="URL", help="the sender's inbound webhook")
    asked = ask.parse_args()
    if asked.telegram is None and asked.twilio is None:
        ask.error("name at least one of --telegram and --twilio")
    try:
        with Path(asked.log).open("a", encoding="utf-8") if asked.log else nullcontext(None) as log:
            asyncio.run(_main(asked, log))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()

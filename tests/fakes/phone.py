"""The person at the other end: a phone that writes, taps what it was sent, and keeps what it received.

`await phone.say("hola")` goes the whole way of a real message: to the product's webhook, signed as the vendor signs
it (or, on Telegram without a webhook, to the next getUpdates). What phones send is built first (`phone.text("hola")`)
and sent after (`phone.send(...)`), so that a test can hold it, repeat it, mix it up or forge it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import httpx

from .base import Fake, Option, Sent


class Phone:
    """What both phones can do. `address` is how the vendor names this person."""

    def __init__(self, fake: Fake, address: str, client: httpx.AsyncClient | None = None) -> None:
        self.fake = fake
        self.address = address
        self.client = client  # a shared client makes thousands of messages cheap; it must belong to this loop
        self._heard = 0

    def text(self, body: str) -> Any:
        raise NotImplementedError

    def tapped(self, on: Sent, option: Option) -> Any:
        raise NotImplementedError

    async def _post(self, item: Any, copies: int) -> int | None:
        raise NotImplementedError

    async def say(self, body: str, copies: int = 1) -> int | None:
        """Type and send a text. The webhook's status; 0 when nobody answered, None when it waits to be polled."""
        return await self._post(self.text(body), copies)

    async def tap(self, what: str, copies: int = 1) -> int | None:
        """Tap the newest option with these words (or this id). LookupError when nothing on the phone says so."""
        return await self._post(self.tapped(*self.find(what)), copies)

    async def send(
        self, *items: Any, copies: int = 1, order: Sequence[int] | int | None = None, together: bool = False
    ) -> list[int | None]:
        """Send what was built before: `order` a list of places or a seed to shuffle by, `together` all at once."""
        places = list(order) if isinstance(order, Sequence) else list(range(len(items)))
        if isinstance(order, int):
            random.Random(order).shuffle(places)
        going = [self._post(items[place], copies) for place in places]
        if together:
            return list(await asyncio.gather(*going))
        return [await one for one in going]

    @property
    def received(self) -> list[Sent]:
        """Everything on the screen, oldest first."""
        gone = ("failed", "undelivered")
        return [sent for sent in self.fake.sent_to(self.address) if not sent.deleted and sent.status not in gone]

    @property
    def last(self) -> Sent:
        return self.received[-1]

    @property
    def options(self) -> list[str]:
        """The labels under the last message."""
        return [option.label for option in self.last.options]

    def find(self, what: str) -> tuple[Sent, Option]:
        for sent in reversed(self.received):
            for option in sent.options:
                if what in (option.label, option.data):
                    return sent, option
        shown = [option.label for sent in self.received for option in sent.options]
        raise LookupError(f"nothing on this phone says {what!r}; it shows {shown}")

    async def hears(self, count: int = 1, within: float = 10.0) -> list[Sent]:
        """The messages since the last call, waiting until there are at least `count`. TimeoutError otherwise.

        The limit is for a product that stays silent; a test passes as soon as the words are there.
        """
        async with asyncio.timeout(within):
            while len(self.fake.sent_to(self.address)) < self._heard + count:
                await asyncio.sleep(0.005)
        new = self.fake.sent_to(self.address)[self._heard :]
        self._heard += len(new)
        return new

    def forget(self) -> None:
        """Take everything so far as heard."""
        self._heard = len(self.fake.sent_to(self.address))

"""The profile as aiogram's state machine, its states and answers in Redis (append-only file, fsync at every write)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiogram import Bot as Client
from aiogram import Dispatcher, F
from aiogram.client.session.base import BaseSession
from aiogram.filters import CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.redis import RedisStorage
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message, Update

from tests.bench.peers import meter, profile


class Instant(BaseSession):
    """A Telegram that answers at once, in this process."""

    calls = 0

    async def make_request(self, bot: Client, method: Any, timeout: Any = None) -> Any:
        for value in method.model_dump(warnings=False).values():
            self.prepare_value(value, bot=bot, files={})
        self.calls += 1
        return self.check_response(bot, method, 200, profile.sent(method.chat_id, self.calls).decode()).result

    async def close(self) -> None: ...

    async def stream_content(self, *given: Any, **more: Any) -> Any:
        raise NotImplementedError
        yield b""


Profile = type("Profile", (StatesGroup,), {field: State() for field in profile.FIELDS})


async def put(message: Message, field: str) -> None:
    rows = [[InlineKeyboardButton(text=label, callback_data=label[:30])] for label in profile.options(field)]
    await message.answer(profile.TEXTS[field], reply_markup=InlineKeyboardMarkup(inline_keyboard=rows))


async def begin(message: Message, state: FSMContext) -> None:
    await state.set_state(getattr(Profile, profile.FIELDS[0]))
    await put(message, profile.FIELDS[0])


def _asking(field: str) -> Any:
    number = profile.FIELDS.index(field)

    async def answered(message: Message, state: FSMContext) -> None:
        value = profile.meant(field, message.text or "")
        if value is None:
            await message.answer(profile.NOT_UNDERSTOOD)
            return
        await state.update_data({field: value})
        if number + 1 == len(profile.FIELDS):
            await state.set_state(None)
            await message.answer(profile.THANKS)
            return
        await state.set_state(getattr(Profile, profile.FIELDS[number + 1]))
        await put(message, profile.FIELDS[number + 1])

    return answered


class Bot:
    prelude = ("/start",)
    between: dict[str, str] = {}
    delivered = staticmethod(profile.update)

    def __init__(self, storage: RedisStorage) -> None:
        self._storage = storage
        self._client = Client("1:bench", session=Instant())
        self._dispatcher = Dispatcher(storage=storage)
        self._dispatcher.message.register(begin, CommandStart())
        for field in profile.FIELDS:
            self._dispatcher.message.register(_asking(field), getattr(Profile, field), F.text)
        self.count = 0

    async def hear(self, person: int, update: bytes) -> None:
        parsed = Update.model_validate(json.loads(update), context={"bot": self._client})
        await self._dispatcher.feed_update(self._client, parsed)

    async def rest(self) -> None:
        complete = 0
        async for key in self._storage.redis.scan_iter("*:data"):
            complete += set(json.loads(await self._storage.redis.get(key))) >= set(profile.FIELDS)
        self.count = complete

    def kept(self) -> int:
        return self.count


@asynccontextmanager
async def opened(given: Any) -> AsyncIterator[Bot]:
    storage = RedisStorage.from_url(given.url)
    yield Bot(storage)
    await storage.close()


if __name__ == "__main__":
    meter.main(opened)

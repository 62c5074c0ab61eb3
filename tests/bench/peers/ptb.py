"""The profile as a ConversationHandler of python-telegram-bot, persistent after every message."""

from __future__ import annotations

import argparse
import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    BasePersistence,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PersistenceInput,
    filters,
)
from telegram.request import BaseRequest

from tests.bench.peers import profile

Given = argparse.Namespace
STORED = PersistenceInput(bot_data=False, chat_data=False, user_data=True, callback_data=False)


class Instant(BaseRequest):
    """A Telegram in this process, that answers at once or after so many seconds."""

    def __init__(self, told: Callable[[str, dict[str, Any]], None] | None = None, wait: float = 0.0) -> None:
        self.calls = 0
        self._told, self._wait = told, wait

    @property
    def read_timeout(self) -> float:
        return 1.0

    async def initialize(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def do_request(self, url: str, method: str, request_data: Any = None, **waits: Any) -> tuple[int, bytes]:
        call = url.rsplit("/", 1)[1]
        if call == "getMe":
            me = {"id": 1, "is_bot": True, "first_name": "Puente", "username": "puente_bot"}
            return 200, json.dumps({"ok": True, "result": me}).encode()
        self.calls += 1
        values = request_data.json_parameters
        if self._wait:
            await asyncio.sleep(self._wait)
        if self._told is not None:
            self._told(call, values)
        return 200, profile.sent(
            values["chat_id"], self.calls
        ) if call == "sendMessage" else b'{"ok":true,"result":true}'


def _asking(field: str) -> Callable[..., Any]:
    number = profile.FIELDS.index(field)

    async def answered(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        value = profile.meant(field, update.message.text)
        if value is None:
            await update.message.reply_text(profile.NOT_UNDERSTOOD)
            return number
        context.user_data[field] = value
        if number + 1 == len(profile.FIELDS):
            await update.message.reply_text(profile.THANKS)
            return ConversationHandler.END
        await put(update, profile.FIELDS[number + 1])
        return number + 1

    return answered


async def put(update: Update, field: str) -> None:
    rows = [[InlineKeyboardButton(label, callback_data=label[:30])] for label in profile.options(field)]
    await update.message.reply_text(profile.TEXTS[field], reply_markup=InlineKeyboardMarkup(rows))


async def begin(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    await put(update, profile.FIELDS[0])
    return 0


class Durable(Application[Any, Any, Any, Any, Any, Any]):
    """What an update led to is in the store before the update counts as worked through."""

    async def process_update(self, update: object) -> None:
        await super().process_update(update)
        await self.update_persistence()
        if isinstance(self.persistence, Stored):
            self.persistence.commit()


class Bot:
    prelude = ("/start",)
    between: dict[str, str] = {}
    delivered = staticmethod(profile.update)

    def __init__(self, application: Durable, kept: Callable[[], int]) -> None:
        self._application, self.kept = application, kept

    async def hear(self, person: int, update: bytes) -> None:
        await self._application.process_update(Update.de_json(json.loads(update), self._application.bot))

    async def rest(self) -> None:
        """Nothing is left for later."""


class Queued(Durable):
    """Updates go through the application's own queue, which decides how many are worked through at a time."""

    done: dict[int, asyncio.Future[None]]

    async def process_update(self, update: object) -> None:
        await super().process_update(update)
        assert isinstance(update, Update)
        self.done.pop(update.update_id).set_result(None)


class Queueing(Bot):
    async def hear(self, person: int, update: bytes) -> None:
        parsed = Update.de_json(json.loads(update), self._application.bot)
        assert isinstance(self._application, Queued)
        done = self._application.done[parsed.update_id] = asyncio.get_running_loop().create_future()
        await self._application.update_queue.put(parsed)
        await done


@asynccontextmanager
async def opened(
    given: Given, persistence: BasePersistence[Any, Any, Any], kept: Callable[[], int]
) -> AsyncIterator[Bot]:
    wire = Instant(wait=given.send)
    if given.updates is None:
        async with build(persistence, wire, Durable) as application:
            yield Bot(application, kept)
        return
    application = build(persistence, wire, Queued, concurrent_updates=given.updates == "many")
    application.done = {}
    async with application:
        await application.start()
        yield Queueing(application, kept)
        await application.stop()


def build(persistence: BasePersistence[Any, Any, Any], wire: BaseRequest, kind: type[Durable], **more: Any) -> Any:
    warnings.filterwarnings("ignore", module="telegram")
    builder = Application.builder().application_class(kind).token("1:bench").request(wire)
    builder = builder.get_updates_request(Instant()).persistence(persistence)
    for name, value in more.items():
        builder = getattr(builder, name)(value)
    application = builder.updater(None).build()
    conversation = ConversationHandler(
        entry_points=[CommandHandler("start", begin)],
        states={
            number: [MessageHandler(filters.TEXT & ~filters.COMMAND, _asking(field))]
            for number, field in enumerate(profile.FIELDS)
        },
        fallbacks=[CommandHandler("start", begin)],
        name="profile",
        persistent=True,
    )
    application.add_handler(conversation)
    return application


class Stored(BasePersistence[Any, Any, Any]):
    """A persistence that keeps states and answers in a database; `commit` is called once an update."""

    def __init__(self) -> None:
        super().__init__(store_data=STORED, update_interval=3600)

    def commit(self) -> None:
        raise NotImplementedError

    def states(self) -> dict[tuple[int, ...], object]:
        raise NotImplementedError

    def answers(self) -> dict[int, dict[str, Any]]:
        raise NotImplementedError

    async def get_conversations(self, name: str) -> Any:
        return self.states()

    async def get_user_data(self) -> dict[int, Any]:
        return self.answers()

    async def get_chat_data(self) -> dict[int, Any]:
        return {}

    async def get_bot_data(self) -> Any:
        return {}

    async def get_callback_data(self) -> Any:
        return None

    async def update_chat_data(self, chat_id: int, data: Any) -> None: ...

    async def update_bot_data(self, data: Any) -> None: ...

    async def update_callback_data(self, data: Any) -> None: ...

    async def drop_chat_data(self, chat_id: int) -> None: ...

    async def drop_user_data(self, user_id: int) -> None: ...

    async def refresh_user_data(self, user_id: int, user_data: Any) -> None: ...

    async def refresh_chat_data(self, chat_id: int, chat_data: Any) -> None: ...

    async def refresh_bot_data(self, bot_data: Any) -> None: ...

    async def flush(self) -> None: ...


def complete(rows: list[dict[str, Any]]) -> int:
    return sum(set(row) >= set(profile.FIELDS) for row in rows)

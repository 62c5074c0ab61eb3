"""Every chat of tests/chats, held over the webhooks of Telegram and of Twilio, word for word and tap for tap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels.whatsapp_sync import sync
from tests.channels.conftest import Town, town
from tests.channels.recorded import HOLDS
from tests.channels.replay import Player

pytestmark = pytest.mark.asyncio(loop_scope="module")
LACKS = tuple(f"* no {query}" for query in (*HOLDS, "ShowVacancy", "ShowFair"))


def can_be(script: str) -> bool:
    """Whether a real record can be as the chat supposes: it never lacks a person, an emergency line or a service."""
    return all(line in LACKS for line in script.splitlines() if line.startswith("* no "))


CHATS = sorted((Path(__file__).parent.parent / "chats").glob("*.chat"))
FILES = [file for file in CHATS if can_be(file.read_text("utf-8"))]
EVERY_CHAT = pytest.mark.parametrize(
    "script", [file.read_text("utf-8") for file in FILES], ids=[file.name.removesuffix(".chat") for file in FILES]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One installation for all chats; each is had by another person."""
    async with town(tmp_path_factory.mktemp("replay")) as place:
        await place.start()
        await sync(place.puente.channels["whatsapp"], place.puente.record)
        await place.stop()
        await place.start()
        yield place


@EVERY_CHAT
@pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
async def test_the_chat_is_had_as_written(place: Town, channel: str, script: str) -> None:
    await Player(place, channel).play(script)

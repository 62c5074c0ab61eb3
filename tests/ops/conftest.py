"""The same tests on both kinds of database: an installation by hand, and a product that runs between the vendors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import house  # noqa: F401 - the town builds with it
from bot.service import build
from bot.settings import Settings
from tests.channels.conftest import PUBLIC, Town
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.twilio import FakeTwilio
from tests.installation import Home, Template, installation
from tests.minds import MIND


@pytest.fixture
def home(database: dict[str, Any], template: Template, tmp_path: Path) -> Iterator[Home]:
    puente = build(template.settings(tmp_path, **database), MIND)
    yield Home(puente)
    puente.record.close()


@dataclass
class Place(Town):
    """A town on either database; `more` are further settings."""

    database: Any = None
    more: Any = None

    def settings(self) -> Settings:
        given = super().settings()
        return given.model_copy(update=dict(self.database) | dict(self.more or {}))


@pytest.fixture
async def place(database: dict[str, Any], tmp_path: Path) -> AsyncIterator[Place]:
    """Both vendors, and the product not started yet."""
    telegram, twilio = FakeTelegram(rates=unlimited()), FakeTwilio(most_at_once=1000)
    twilio.webhook_url = f"{PUBLIC}/webhooks/twilio"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(telegram))
        await stack.enter_async_context(running(twilio))
        client = await stack.enter_async_context(httpx.AsyncClient(verify=False, trust_env=False, timeout=60))
        there = Place(telegram, twilio, tmp_path, client, database=database)
        try:
            yield there
        finally:
            await there.stop()


__all__ = ["Home", "installation"]

"""The same tests on both kinds of database: an installation by hand, and a product that runs between the vendors."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from bot import house  # noqa: F401 - the town builds with it
from bot.service import build
from bot.settings import Settings
from tests.channels.conftest import PUBLIC, Town
from tests.cluster import NoPostgres, cluster
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.twilio import FakeTwilio
from tests.installation import Home, Template, installation
from tests.minds import MIND

BOTH = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL of this session's own."""
    try:
        with cluster() as url:
            yield url
    except NoPostgres as why:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def prepared(server: str, template: Template) -> str:
    """The name of a database nobody has written to yet, to copy; its keys are the template's."""
    folder = template._folder
    _admin(server, "CREATE DATABASE prepared")
    given = template.settings(folder, database_url=f"{server}prepared", puente_demo=True)
    fresh = folder / "pg"
    fresh.mkdir()
    puente = build(given.model_copy(update={"puente_keys": fresh / "keys.json"}), MIND)
    puente.record.close()
    return "prepared"


def _admin(server: str, statement: str) -> None:
    with psycopg.connect(server.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


_copies = iter(range(10**6))


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> dict[str, Any]:
    """Settings that name a fresh copy with the demo world in it, and its keys."""
    if request.param == "sqlite":
        given = template.copy(tmp_path)
        return {"database_url": given.database_url, "puente_keys": given.puente_keys}
    server, source = request.getfixturevalue("server"), request.getfixturevalue("prepared")
    name = f"copy_{next(_copies)}"
    _admin(server, f"CREATE DATABASE {name} TEMPLATE {source}")
    return {"database_url": f"{server}{name}", "puente_keys": template._folder / "pg" / "keys.json"}


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

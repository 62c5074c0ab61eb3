"""Options every test may ask for, and an installation of its own for those that need one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import MEMORY, ROOM

if TYPE_CHECKING:
    from tests.installation import Home, Template


if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    # what a test writes need not outlive the machine: waiting for its disk would be half the time they take
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Where everything a test may need is installed (CI=true), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and in CI nothing may be: {report.longrepr}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--canaries", default="24", help="conversations in which nobody may be seen (1000: all of them)")
    parser.addoption("--accept", action="store_true", help="write chats and stored names anew from what happened")


@pytest.fixture(scope="session")
def accept(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--accept"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    from tests.installation import Template  # only who needs an installation waits for its imports

    return Template(tmp_path_factory.mktemp("template"))


@pytest.fixture(params=["sqlite"])
def home(template: Template, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    """An installation with its demo world, before anybody wrote to it; one for each kind of database."""
    from tests.installation import installation

    yield from installation(template, tmp_path)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL of this session's own."""
    from tests.cluster import NoPostgres, cluster

    try:
        with cluster(immortal=True) as url:
            yield url
    except NoPostgres as why:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def prepared(server: str, template: Template) -> str:
    """The name of a database nobody has written to yet, to copy."""
    from bot.service import build
    from tests.minds import MIND

    folder = template._folder
    _admin(server, "CREATE DATABASE prepared")
    given = template.settings(folder, database_url=f"{server}prepared", puente_demo=True)
    fresh = folder / "pg"
    fresh.mkdir()
    puente = build(given.model_copy(update={"puente_keys": fresh / "keys.json"}), MIND)
    puente.record.close()
    return "prepared"


def _admin(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


_copies = iter(range(10**6))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings that name a fresh copy with the demo world in it, and its keys."""
    if request.param == "sqlite":
        given = template.copy(tmp_path)
        yield {"database_url": given.database_url, "puente_keys": given.puente_keys}
        return
    server, source = request.getfixturevalue("server"), request.getfixturevalue("prepared")
    name = f"copy_{next(_copies)}"
    # files copied as they are, not page by page through the log; and gone at once, or every vacuum looks at them all
    _admin(server, f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
    yield {"database_url": f"{server}{name}", "puente_keys": template._folder / "pg" / "keys.json"}
    _admin(server, f"DROP DATABASE {name} WITH (FORCE)")

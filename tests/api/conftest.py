"""The HTTP face of an installation, called in this process; and on a real port where sockets matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api.app import create
from tests.fakes.serve import serving
from tests.installation import Home


@dataclass
class Web:
    """A client of the installation's API; `token` is what it calls with."""

    http: httpx.AsyncClient
    home: Home
    token: str = ""

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("POST", path, **more)

    async def call(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        bearer = self.token if token is None else token
        headers = ({"authorization": f"Bearer {bearer}"} if bearer else {}) | more.pop("headers", {})
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)


@pytest.fixture
async def http(home: Home) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application, errors shown as the answer a caller gets."""
    transport = httpx.ASGITransport(create(home.puente), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://puente.test") as client:
        yield client


@pytest.fixture
async def web(http: httpx.AsyncClient, home: Home) -> Web:
    """Called by a case manager of the Quetzaltenango office."""
    staff = home.staff("Quetzaltenango")
    return Web(http, home, home.token(office=home.office("Quetzaltenango"), staff=staff))


class _Served:
    name = "puente"

    def __init__(self, app: Any) -> None:
        self.app, self.base = app, ""


@pytest.fixture
def base(home: Home) -> Iterator[str]:
    """The installation on a free port, its worker at work."""
    with serving(_Served(create(home.puente))) as base:
        yield base


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The answer as the one error shape. Fails when it is anything else."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    shown = answer.json()
    assert shown["status"] == status
    assert {"type", "title", "detail"} <= set(shown)
    return dict(shown)

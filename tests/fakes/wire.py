"""The cable under a fake vendor: what a client can put on it, and the ways it can be cut.

Nothing here knows a vendor. Requests are read whichever way a client library writes them, and a connection can be
reset without an answer, which no ASGI application can do by itself.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

Ends = tuple[Any, Any]
CABLES: dict[Ends, asyncio.Transport] = {}


class Cable(HttpToolsProtocol):
    """uvicorn's protocol, remembering each open connection by its two ends so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        CABLES[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        CABLES.pop((self.client, self.server), None)
        super().connection_lost(exc)


def cut_all(port: int) -> None:
    """Reset every open connection of the server on this port. Call it in that server's loop."""
    for (_, server), transport in list(CABLES.items()):
        if server and server[1] == port:
            transport.abort()


class Dropped(Response):
    """No answer: the connection is reset (`at_once`) or held until the caller hangs up."""

    def __init__(self, at_once: bool) -> None:
        super().__init__()
        self.at_once = at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.at_once:
            cable = CABLES.get((scope["client"], scope["server"]))
            if cable is None:
                raise ConnectionResetError("dropped by the plan; only a fake on a port can cut a real socket")
            cable.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class CutShort(Response):
    """The head of a good answer and half its body; uvicorn then closes the connection."""

    def __init__(self, answer: Response) -> None:
        super().__init__(content=answer.body, status_code=answer.status_code, media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})
        cable = CABLES.get((scope["client"], scope["server"]))
        if cable is not None:
            cable.close()
            while (await receive())["type"] != "http.disconnect":
                pass


@dataclass(frozen=True)
class Upload:
    """A file part of a multipart form."""

    name: str
    type: str
    data: bytes


class Params(dict[str, Any]):
    """The named values of one request. Forms bring strings, and objects as JSON within them."""

    def whole(self, name: str) -> int | None:
        value = self.get(name)
        if value is None or isinstance(value, int):
            return value
        try:
            return int(value)
        except (TypeError, ValueError):
            return None

    def number(self, name: str) -> float | None:
        try:
            return float(self[name])
        except (KeyError, TypeError, ValueError):
            return None

    def flag(self, name: str) -> bool:
        return str(self.get(name, "")).lower() in ("true", "1", "yes")

    def text(self, name: str) -> str:
        value = self.get(name)
        return "" if value is None else str(value)

    def parsed(self, name: str) -> Any:
        """The value as JSON; ValueError when it is not."""
        value = self.get(name)
        return json.loads(value) if isinstance(value, str) and value else value


async def read_params(request: Request) -> Params:
    """Query, urlencoded form, JSON or multipart. ValueError for a body that is none of them."""
    params = Params(parse_qsl(request.url.query, keep_blank_values=True))
    body = await request.body()
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        params.update(json.loads(body or b"{}"))
    elif kind.startswith("multipart/form-data"):
        params.update(_multipart(kind, body))
    else:
        params.update(parse_qsl(body.decode(), keep_blank_values=True))
    return params


def _multipart(kind: str, body: bytes) -> dict[str, Any]:
    whole = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    found: dict[str, Any] = {}
    for part in whole.walk():
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            name = str(part.get_param("name", header="content-disposition"))
            file = part.get_filename()
            found[name] = Upload(file, part.get_content_type(), data) if file else data.decode()
    return found


async def post(url: str, client: httpx.AsyncClient | None, **what: Any) -> httpx.Response:
    """One POST, over a kept client where there is one; raises httpx.TransportError when nobody answers."""
    if client is not None:
        return await client.post(url, **what)
    async with httpx.AsyncClient(verify=False, trust_env=False, timeout=60) as once:
        return await once.post(url, **what)

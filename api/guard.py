"""What every request passes before anything reads it: size, well-formed JSON, and headers that keep pages to us."""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem

LARGEST = 256 * 1024
"""Bytes of a request's body (SAFETY N2)."""

DEEPEST = 32
"""Levels of nesting in a JSON body."""

PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DRAWN = PAGE.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""For pages whose drawing library writes its own styles: the flow diagrams."""

DOCUMENTED = DRAWN.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")
"""For the API's documentation page, whose start script is inline. It shows nothing a person wrote."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}


OURS = {
    policy: [
        (name.encode(), value.encode()) for name, value in (HEADERS | {"content-security-policy": policy}).items()
    ]
    for policy in (PAGE, DRAWN, DOCUMENTED)
}
"""What every answer carries, by the policy of its page, as it goes over the wire."""


class Guard:
    """Refuses what nothing behind it should have to understand: 413 for too much, 400 for what is not JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = await _whole(scope, receive)
        send = _with_headers(scope, send)
        if body is None:
            await problem(413, f"at most {LARGEST // 1024} kB")(scope, receive, send)
        elif _is_json(scope) and not _well_formed(body):
            await problem(400, "the body is not well-formed JSON")(scope, receive, send)
        else:
            await self.app(scope, _again(body, receive), send)


async def _whole(scope: Scope, receive: Receive) -> bytes | None:
    """The body, or None as soon as it is too large."""
    if scope["method"] in ("GET", "HEAD"):
        return b""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(chunks)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > LARGEST:
            return None
        if not message.get("more_body"):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def next_message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


def _is_json(scope: Scope) -> bool:
    kind = dict(scope["headers"]).get(b"content-type", b"")
    return b"json" in kind.lower() and not scope["path"].startswith("/webhooks/")


def _well_formed(body: bytes) -> bool:
    """Strict: valid UTF-8 without lone surrogates, no NaN, no absurd numbers, not nested without end."""
    if not body:
        return True
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return _depth(value, DEEPEST)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _depth(value: Any, left: int) -> bool:
    if left == 0:
        return False
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(_depth(item, left - 1) for item in inner)


def _with_headers(scope: Scope, send: Send) -> Send:
    path = scope["path"]
    ours = OURS[DOCUMENTED if path.endswith("/docs") else DRAWN if path == "/flows" else PAGE]

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            named = {name.lower() for name, _value in headers}
            headers += [header for header in ours if header[0] not in named]
        await send(message)

    return send_with_headers

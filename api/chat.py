"""The web chat: a channel like the others, for people with only a browser."""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Cookie, Header, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.deps import House
from bot import inbox, limits, webchat
from bot.channels import Incoming
from bot.news import told
from bot.record import Tx
from bot.service import Puente
from bot.settings import Settings
from flows.message import Message
from flows.understanding.normalise import KEPT, clean

router = APIRouter(include_in_schema=False)
STATIC = Path(__file__).parent / "static"
COOKIE = "puente_chat"
YEAR = 365 * 86400
QUIET = 15.0
"""Seconds of silence on a stream before a sign of life."""
LOOK = 3.0
"""Seconds after which a stream looks at the record unasked: another process may have spoken."""

Browser = Annotated[str | None, Cookie(alias=COOKIE, pattern=r"^[A-Za-z0-9_-]{43}$")]
Seq = Annotated[int, Query(ge=0, le=2**62)]


class Place(BaseModel):
    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)


class Written(BaseModel):
    """What the page sends: words, a tapped option, a place, or the kind of a file it cannot send."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(pattern=r"^[A-Za-z0-9-]{8,64}$")
    text: str | None = Field(None, max_length=KEPT * 4)
    option: str | None = Field(None, max_length=200)
    place: Place | None = None
    media: Literal["image", "audio", "video", "document"] | None = None


@router.api_route("/", methods=["GET", "HEAD"])
async def page() -> Response:
    return FileResponse(STATIC / "chat.html", headers={"cache-control": "no-cache"})


@router.get("/chat/messages")
async def messages(puente: House, response: Response, browser: Browser = None, after: Seq = 0) -> dict[str, Any]:
    """What was said after a point, oldest first."""
    if browser is None:
        return {"messages": [], "language": None, "typing": False}
    return await puente.record.run(webchat.since, browser, after)


@router.post("/chat/messages", status_code=202)
async def write(puente: House, request: Request, written: Written, browser: Browser = None) -> JSONResponse:
    """Keep what the person wrote, once; the answer comes over the stream."""
    address = browser or secrets.token_urlsafe(32)
    text = clean(written.text or "")
    if written.text is not None and len(written.text) > KEPT:
        raise HTTPException(413, f"at most {KEPT} characters")
    if not (text or written.option or written.place or written.media):
        raise HTTPException(422, "there is nothing in this message")
    message = Message(
        text=text,
        tapped=clean(written.option)[:200] if written.option else None,
        place=(written.place.lat, written.place.lon) if written.place else None,
        media=written.media,
    )
    if browser is None and (wait := await puente.record.run(_newcomer, puente.settings, time.time())):
        raise HTTPException(429, "too many new people at once", {"retry-after": str(math.ceil(wait))})
    incoming = Incoming(
        provider=f"{address}:{written.id}", address=address, message=message, courtesy={"client": written.id}
    )
    await puente.record.run(inbox.accept, "web", incoming)
    seq = await puente.record.run(webchat.seq_of, address, written.id)
    answer = JSONResponse({"seq": seq}, 202)
    if browser is None:
        _remember(answer, request, address)
    return answer


@router.post("/chat/new", status_code=204)
async def new(request: Request) -> Response:
    """Forget this browser: the next message begins a fresh conversation."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/")
    return answer


@router.get("/chat/stream")
async def stream(
    puente: House,
    request: Request,
    browser: Browser = None,
    after: Seq = 0,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Server-sent events: every message after a point, as it comes."""
    if last_event_id and re.fullmatch(r"\d{1,18}", last_event_id):
        after = max(after, int(last_event_id))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(puente, browser, after), media_type="text/event-stream", headers=headers)


async def _events(puente: Puente, browser: str | None, after: int) -> AsyncIterator[str]:
    yield ": hola\n\n"
    if browser is None:
        return
    news = asyncio.Event()
    chat: int | None = None

    def hear(about: str) -> None:
        if about == str(chat):
            news.set()

    unhear = puente.record.news.hear("sent", hear)
    typing, quiet = False, 0.0
    try:
        while True:
            news.clear()
            chat = await puente.record.run(webchat.chat_of, browser)  # another one after an erasure
            found = await puente.record.run(webchat.since, browser, after)
            for message in found["messages"]:
                after = message["seq"]
                yield f"id: {after}\nevent: message\ndata: {json.dumps(message, ensure_ascii=False)}\n\n"
            if found["typing"] != typing:
                typing = found["typing"]
                yield f"event: typing\ndata: {json.dumps({'on': typing})}\n\n"
            quiet = 0.0 if found["messages"] else quiet + LOOK
            if quiet >= QUIET:
                quiet = 0.0
                yield ": …\n\n"
            await told(news, LOOK)
    finally:
        unhear()


def _newcomer(tx: Tx, settings: Settings, now: float) -> float:
    """A browser we do not know: there is a limit to those, for all machines together (SAFETY N8)."""
    a_minute = settings.web_newcomers_per_minute
    return limits.take(tx, "newcomers|web", a_minute, a_minute / 60, now)


def _remember(answer: Response, request: Request, address: str) -> None:
    answer.set_cookie(
        COOKIE, address, max_age=YEAR, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )

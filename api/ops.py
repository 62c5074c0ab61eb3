"""For whoever keeps it running: is it alive, can it work, and how is it doing. Nothing here is about a person."""

from __future__ import annotations

import hmac
import time
from ipaddress import ip_address

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.deps import House
from api.errors import problem
from bot import meters
from bot.record import DOWN

router = APIRouter(include_in_schema=False)

PASSED_ON = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
"""A call with one of these came through a proxy: from loopback only the proxy is."""


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The process answers; nothing else is asked."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(puente: House, request: Request) -> Response:
    """200 when this process can do its work, else 503; with the reasons."""
    answer = await request.app.state.readiness.look()
    return JSONResponse(answer, 200 if answer["ready"] else 503, headers={"cache-control": "no-store"})


@router.get("/metrics")
async def metrics(puente: House, request: Request) -> Response:
    """Prometheus' text format. With METRICS_TOKEN only to who has it, otherwise only to this machine; else 404."""
    token = puente.settings.metrics_token
    if not _may_look(request, None if token is None else token.get_secret_value()):
        return problem(404, "Not Found")
    try:
        gathered = await puente.record.run(meters.gather, time.time(), list(puente.channels))
    except DOWN:
        gathered = []
    return Response(meters.shown(gathered), media_type="text/plain; version=0.0.4; charset=utf-8")


def _may_look(request: Request, token: str | None) -> bool:
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), token.encode())
    try:
        here = request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return here and not any(name in request.headers for name in PASSED_ON)

"""Where the providers call: check that it is them, keep what they bring, answer; everything else happens later."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from api.deps import House
from bot.channels import Refused
from bot.channels import Request as Call
from bot.record import DOWN

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)

ROUTES = {"telegram": "telegram", "twilio": "whatsapp", "twilio/status": "whatsapp"}
"""The path below /webhooks and the channel it belongs to."""


@router.post("/webhooks/{path:path}")
async def webhook(path: str, request: Request, puente: House) -> Response:
    """403 for what the vendor did not send, 503 when it could not be kept (they come again), else 204."""
    name = ROUTES.get(path)
    channel = puente.channels.get(name) if name else None
    if name is None or channel is None:
        return Response(status_code=404)
    headers = {key.lower(): value for key, value in request.headers.items()}
    call = Call(_raw_path(request), request.url.query, headers, await request.body())
    if not channel.genuine(call):
        log.warning("webhook.not_genuine", channel=name)
        puente.strangers.seen(name)
        return Response(status_code=403)
    try:
        events = channel.read(call)
    except Refused as refused:
        log.warning("webhook.refused", channel=name, why=str(refused))
        return Response(status_code=403)
    try:
        await puente.keep(name, events)
    except DOWN as error:
        log.error("webhook.not_kept", channel=name, error=type(error).__name__)
        return Response(status_code=503, headers={"retry-after": "5"})
    return Response(status_code=204)


def _raw_path(request: Request) -> str:
    """The path as it was sent: the signature is over that."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    return str(raw.decode("ascii", "replace")).split("?")[0]

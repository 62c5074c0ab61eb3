"""Where the providers call: check that it is them, keep what they bring, answer; everything else happens later."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response

from bot.channels import Refused
from bot.channels import Request as Call
from bot.record import DOWN
from bot.service import Puente

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)

ROUTES = {"telegram": "telegram", "twilio": "whatsapp", "twilio/status": "whatsapp"}
"""The path below /webhooks and the channel it belongs to."""


async def webhook(request: Request) -> Response:
    """403 for what the vendor did not send, 503 when it could not be kept (they come again), else 204."""
    puente: Puente = request.app.state.puente
    name = ROUTES.get(request.path_params["path"])
    channel = puente.channels.get(name) if name else None
    if name is None or channel is None:
        return Response(status_code=404)
    query = request.scope["query_string"].decode("ascii", "replace")
    call = Call(_raw_path(request), query, dict(request.headers.items()), await request.body())
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


# a route of Starlette's own: there is nothing in a vendor's call for FastAPI to take apart
router.add_route("/webhooks/{path:path}", webhook, methods=["POST"])


def _raw_path(request: Request) -> str:
    """The path as it was sent: the signature is over that."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    return str(raw.decode("ascii", "replace")).split("?")[0]

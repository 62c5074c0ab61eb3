"""What `puente doctor` finds out about WhatsApp: whether Twilio knows us, and whether buttons and lists are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from bot.channels.clock import compared
from bot.channels.hooks import Finding
from bot.channels.whatsapp_layouts import layouts

MESSAGES = "https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"


async def examine(wire: Any, account: str, token: str, public: str, contents: Mapping[str, str]) -> list[Finding]:
    """One harmless read with our own credentials, and what of our layouts is missing. Never raises."""
    try:
        answer = await wire.request("GET", MESSAGES.format(account=account), {"PageSize": 1}, auth=(account, token))
    except httpx.HTTPError as error:
        name = type(error).__name__
        return [
            Finding("bad", "twilio", f"Twilio no responde ({name}). Revise la red y TWILIO_API_BASE.",
                    f"Twilio does not answer ({name}). Check the network and TWILIO_API_BASE."),
        ]  # fmt: skip
    headers = {key.lower(): value for key, value in answer.headers.items()}
    return [_account(answer.status_code), compared("twilio.clock", headers.get("date")), _hook(public),
            _layouts(contents)]  # fmt: skip


def _account(status: int) -> Finding:
    if status == 200:
        return Finding("ok", "twilio", "Twilio acepta la cuenta y la clave.", "Twilio accepts account and token.")
    return Finding(
        "bad",
        "twilio",
        f"Twilio rechaza la cuenta o la clave ({status}). Revise TWILIO_ACCOUNT_SID y TWILIO_AUTH_TOKEN.",
        f"Twilio refuses account or token ({status}). Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
    )


def _hook(public: str) -> Finding:
    """Where a sender points can only be seen in Twilio's console."""
    hook = f"{public}/webhooks/twilio"
    return Finding(
        "ok",
        "twilio.webhook",
        f"En la consola de Twilio, los mensajes del remitente deben ir a {hook} (POST).",
        f"In Twilio's console, the sender's incoming messages must go to {hook} (POST).",
    )


def _layouts(contents: Mapping[str, str]) -> Finding:
    missing = len(set(layouts()) - set(contents))
    if not missing:
        return Finding("ok", "twilio.contents", "Botones y listas: completos.", "Buttons and lists: all there.")
    return Finding(
        "warn",
        "twilio.contents",
        f"Faltan {missing} botones y listas; las opciones salen numeradas. Ejecute: puente whatsapp sync",
        f"{missing} buttons and lists are missing; options go out numbered. Run: puente whatsapp sync",
    )

"""Whether our public address leads to us: what providers sign is the address they call."""

from __future__ import annotations

import httpx

from bot.channels.hooks import Finding

PATIENCE = 5.0
"""Seconds we wait for our own answer."""


async def reached(public: str) -> Finding:
    """Call ourselves as a provider would. Never raises.

    Not to get there is only a warning: a machine behind a router often cannot call its own public address.
    """
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False) as client:
            answer = await client.get(f"{public}/healthz")
    except httpx.HTTPError as error:
        name = type(error).__name__
        return Finding(
            "warn",
            "public",
            f"Desde aquí no se llega a {public} ({name}). Pruébelo desde fuera; si no, revise DNS, Caddy y certificado.",
            f"{public} cannot be reached from here ({name}). Try from outside; if not, check DNS, Caddy, certificate.",
        )
    if answer.has_redirect_location:
        to = str(httpx.URL(public).join(answer.headers["location"])).removesuffix("/healthz")
        return Finding(
            "bad",
            "public",
            f"{public} lleva a {to}, y ahí ninguna firma coincide. Ponga PUBLIC_BASE_URL={to}",
            f"{public} leads to {to}, where no signature matches. Set PUBLIC_BASE_URL={to}",
        )
    if answer.status_code == 200 and answer.text.replace(" ", "") == '{"status":"alive"}':
        return Finding("ok", "public", f"Desde aquí {public} llega a Puente.", f"From here {public} leads to Puente.")
    return Finding(
        "bad",
        "public",
        f"En {public} no responde Puente ({answer.status_code}). ¿Está en marcha? Revise a dónde envía Caddy.",
        f"What answers at {public} is not Puente ({answer.status_code}). Does it run? See where Caddy sends to.",
    )

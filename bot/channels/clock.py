"""Whether our clock and a provider's agree: signatures, windows and lists of messages all go by the time."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from bot.channels.hooks import Finding

CLOSE = 30.0
"""Seconds two clocks may differ; the Date header itself has whole seconds."""


def compared(name: str, date: str | None, now: float | None = None) -> Finding:
    """What the Date header of a provider's answer says of our clock."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("warn", name, "El proveedor no dijo la hora.", "The provider did not say the time.")
    ahead = (time.time() if now is None else now) - theirs
    if abs(ahead) <= CLOSE:
        return Finding("ok", name, "La hora de esta máquina es correcta.", "This machine's clock is right.")
    return Finding(
        "bad",
        name,
        f"El reloj de esta máquina difiere {ahead:+.0f} s del proveedor. Ejecute: timedatectl set-ntp true",
        f"This machine's clock is {ahead:+.0f} s off the provider's. Run: timedatectl set-ntp true",
    )

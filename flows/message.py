"""What a person sent, on any channel, as the flows see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Something a person sent, on any channel. `text` is already clean; `tapped` is an option's id.

    `place` is a shared location (latitude, longitude in degrees); `media` the kind of a thing we cannot
    read: image, audio, video, document, sticker, contact, other.
    """

    id: str = ""
    text: str = ""
    tapped: str | None = None
    place: tuple[float, float] | None = None
    media: str | None = None

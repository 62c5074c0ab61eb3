"""Creating our buttons and lists at Twilio, each once, and remembering where they are."""

from __future__ import annotations

from typing import Any

from twilio.rest.content.v1.content import ContentList

from bot.channels import whatsapp_layouts as layouts
from bot.layouts import remember
from bot.record import Record


async def sync(whatsapp: Any, record: Record) -> list[str]:
    """Make sure every layout exists at Twilio; what is there already (by its hash) is used. One line a layout.

    Raises Twilio's own error when the account refuses; what was created until then is remembered.
    """
    contents = whatsapp.client.content.v1.contents
    lines = []
    try:
        known = {content.friendly_name: content.sid for content in await contents.list_async()}
        for layout, types in layouts.layouts().items():
            name = layouts.friendly_name(layout, types)
            sid = known.get(name)
            lines.append(f"{layout}: {'found' if sid else 'created'}")
            if sid is None:
                sid = await _create(contents, name, types)
            await record.run(remember, layout, layouts.digest(types), sid)
    finally:
        await whatsapp.close()
    return lines


async def _create(contents: Any, name: str, types: dict[str, Any]) -> str:
    """One content resource, sent as plain wire names (the library drops its own snake-case ones)."""
    request = ContentList.ContentCreateRequest(
        {"friendly_name": name, "language": "es", "variables": _samples(types), "types": types}
    )
    return str((await contents.create_async(request)).sid)


def _samples(types: dict[str, Any]) -> dict[str, str]:
    """A value for every variable, as Twilio wants to see one."""
    (shown,) = types.values()
    count = 1 + sum(len(item) for item in shown.get("actions") or shown["items"])
    return {str(number): f"x{number}" for number in range(1, count + 1)}

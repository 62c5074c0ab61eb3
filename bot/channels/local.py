"""The web chat and the terminal: channels without a provider, whose people fetch what was sent from the record."""

from __future__ import annotations

from collections.abc import Mapping

from bot.channels import Event, Limits, Payload, Receipt, Refused, Request, Spoken

WEB = Limits("web", buttons=10, button_label=60, rows=10, row_label=60, row_hint=120, body=4096,
             per_second=1e6, per_chat=1e6)  # fmt: skip
TERMINAL = WEB._replace(name="terminal")


class Local:
    """A channel on this machine: sending makes the message ready to be fetched."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    @property
    def limits(self) -> Limits:
        return self._limits

    def genuine(self, request: Request) -> bool:
        """There is no vendor: the page and the terminal hand their messages over in this process."""
        return False

    def read(self, request: Request) -> list[Event]:
        raise Refused("this channel has no webhook")

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        return Payload("ready", {"reference": reference})

    async def send(self, payload: Payload) -> Receipt:
        return Receipt(fetched=True)

    def owes(self, given: Mapping[str, str]) -> bool:
        return False

    async def courtesy(self, given: Mapping[str, str], writing: bool) -> None:
        """Nothing to acknowledge: the page knows its message was kept."""

    async def close(self) -> None:
        """Nothing to close."""

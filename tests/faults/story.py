"""One full conversation on both channels, with everything in it that must not be lost, told step by step.

It can be told again from where a killed process left it: what was acknowledged stands in a file, what was not is
brought again under the same id, as a vendor does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.cases import SILENCE
from tests.fakes.base import Sent
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import signed
from tests.faults.kept import remember, remembered
from tests.faults.product import Product
from tests.faults.vendors import PUBLIC
from tests.oracle import Heard

Step = tuple[str, ...]

STORY: tuple[Step, ...] = (
    ("telegram", "1", "hola"),
    ("telegram", "1", "español"),
    ("telegram", "1", "sí, guardar"),
    ("telegram", "1", "sí"),
    ("telegram", "1", "mi perfil"),
    ("telegram", "1", "vivo en xelita"),
    ("telegram", "1", "hace unos dias"),
    ("telegram", "1", "menú"),
    ("whatsapp", "2", "hola"),
    ("whatsapp", "2", "español"),
    ("whatsapp", "2", "persona"),
    ("whatsapp", "2", "trabajo"),
    ("whatsapp", "2", "xela"),
    ("claim", "whatsapp", "2"),
    ("whatsapp", "2", "gracias por atenderme"),
    ("reply", "whatsapp", "2", "Buenos días, le leo."),
    ("return", "whatsapp", "2"),
    ("telegram", "1", "ya no aguanto, me quiero morir"),
    ("telegram", "1", "menú"),
    ("whatsapp", "2", "baja"),
    ("status", "whatsapp", "2"),
    ("claim", "whatsapp", "2"),
    ("silence", "whatsapp", "2"),
    ("close", "whatsapp", "2"),
    ("telegram", "3", "hola"),
    ("telegram", "3", "español"),
    ("telegram", "3", "borrar mis datos"),
    ("telegram", "3", "sí, borrar todo"),
)
SHORT = (*STORY[:6], *STORY[8:16], ("status", "whatsapp", "2"), ("silence", "whatsapp", "2"))


class Teller:
    """Tells the story of one case to one product. `folder` holds what was acknowledged.

    `since` is how much the vendors had taken before it began.
    """

    def __init__(
        self, product: Product, number: int, folder: Path, story: tuple[Step, ...], since: dict[str, int]
    ) -> None:
        self.product, self.number, self.story, self.since = product, number, story, since
        self._file = folder / f"{number}.jsonl"
        self._twilio = FakeTwilio()

    def address(self, channel: str, who: str) -> str:
        person = self.number * 10 + int(who)
        return str(7_000_000_000 + person) if channel == "telegram" else f"whatsapp:+502{30_000_000 + person}"

    @property
    def erased(self) -> list[tuple[str, str]]:
        return [("telegram", self.address("telegram", "3"))]

    @property
    def heard(self) -> list[Heard]:
        """Every message acknowledged so far."""
        told = [(line["step"], self.story[line["step"]]) for line in remembered(self._file) if line["ok"]]
        return [
            Heard(step[0], self.address(*step[:2]), self._provider(number, step))
            for number, step in told
            if step[0] in ("telegram", "whatsapp")
        ]

    async def tell(self) -> None:
        """From the first step nobody acknowledged to the end. Raises AssertionError when it is not taken at all."""
        done = sum(line["ok"] for line in remembered(self._file))
        for number in range(done, len(self.story)):
            for _try in range(4):
                remember(self._file, step=number, ok=False)
                status = await self._bring(number, self.story[number])
                if status < 500:
                    break
                await self.product.work()
            assert status in (200, 202, 204), f"{self.story[number]} was answered {status}"
            remember(self._file, step=number, ok=True)
            await self.product.work()

    async def _bring(self, number: int, step: Step) -> int:
        match step:
            case ("telegram", who, text):
                return await self.product.telegram(self._update(number, who, text))
            case ("whatsapp", who, text):
                return await self._form(number, who, text)
            case ("reply", channel, who, text):
                return await self._staff(number, "reply", channel, who, {"text": text})
            case ("close", channel, who):
                return await self._staff(number, "close", channel, who, {"outcome": "referred"})
            case ("status", "whatsapp", who):
                return await self._status(who)
            case ("silence", _channel, _who):
                await self.product.recover()
                self.product.later(SILENCE + 60)
                return 204
            case (deed, channel, who):
                return await self._staff(number, deed, channel, who, None)
        raise LookupError(step)

    async def _staff(self, number: int, deed: str, channel: str, who: str, body: dict[str, str] | None) -> int:
        known = [line["case"] for line in remembered(self._file) if "case" in line]
        case = known[0] if known else await self.product.case_of(channel, self.address(channel, who))
        if not known:
            remember(self._file, step=number, ok=False, case=case)
        return await self.product.api(f"/cases/{case}/{deed}", f"{self.number}-{number}", body)

    async def _status(self, who: str) -> int:
        """Twilio tells of the last message this person's phone took; nothing when there is none yet."""
        to = self.address("whatsapp", who)
        sent = [row for row in self.product.vendors.taken(self.since)["twilio"] if row["to"] == to]
        if not sent:
            return 204
        url = sent[-1]["request"]["StatusCallback"]
        hook = self._twilio.callbacks.hook(Sent(0, 0.0, to, sent[-1]["id"], "text", ""), "delivered", None, url)
        return await self.product.twilio(url.removeprefix(PUBLIC), urlencode(hook.form).encode(), hook.headers)

    def _update(self, number: int, who: str, text: str) -> dict[str, Any]:
        id = int(self.address("telegram", who))
        person = {"id": id, "is_bot": False, "first_name": "Ana"}
        message = {"message_id": number, "from": person, "chat": {"id": id, "type": "private"}, "text": text}
        return {"update_id": self.number * 100 + number, "message": message}

    def _provider(self, number: int, step: Step) -> str:
        """The vendor's id, as the channels make it."""
        address = self.address(*step[:2])
        if step[0] == "telegram":
            return f"{self.number * 100 + number}:{address}:{number}"
        return f"SM{self.number * 100 + number:032x}"

    async def _form(self, number: int, who: str, text: str) -> int:
        sid, sender = self._provider(number, ("whatsapp", who)), self.address("whatsapp", who)
        form = {
            "SmsMessageSid": sid, "NumMedia": "0", "ProfileName": "Ana", "MessageType": "text", "SmsSid": sid,
            "SmsStatus": "received", "Body": text, "To": self._twilio.sender, "NumSegments": "1", "MessageSid": sid,
            "AccountSid": self._twilio.account_sid, "From": sender, "ApiVersion": "2010-04-01",
            "WaId": sender.removeprefix("whatsapp:+"),
        }  # fmt: skip
        hook = signed(self._twilio, f"{PUBLIC}/webhooks/twilio", list(form.items()))
        return await self.product.twilio("/webhooks/twilio", urlencode(hook.form).encode(), hook.headers)

"""One vendor hangs, is slow, answers pages, closes or is not to be found: people on the other channel do not notice."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot import crypto
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import signed
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.vendors import PUBLIC, Vendors, settings_for, shown
from tests.oracle import Expected, Heard, Verdict, deeds, judge, phones

ALWAYS = {"on": "any", "times": 1_000_000}
TROUBLES: dict[str, dict[str, Any] | None] = {
    "hangs": {"kind": "hang"} | ALWAYS,
    "is slow": {"kind": "delay", "seconds": 6.0} | ALWAYS,
    "answers HTML": {"kind": "answer", "status": 502, "html": True} | ALWAYS,
    "closes": {"kind": "drop"} | ALWAYS,
    "resolves to nothing": None,
}
NOWHERE = "http://nothing.invalid:9"
WORDS = ("hola", "español", "no", "menú")
VENDORS = {"telegram": "telegram", "whatsapp": "twilio"}
LONGEST = 45.0
"""Seconds after which answers on the healthy channel count as not come: far above anything, far below a timeout."""


@dataclass
class Elsewhere:
    """The vendors, one of them perhaps at an address that does not exist."""

    vendors: Vendors
    gone: str | None = None

    def settings(self) -> dict[str, Any]:
        base = {name: NOWHERE if name == self.gone else self.vendors.base(VENDORS[name]) for name in VENDORS}
        return settings_for(base["telegram"], base["whatsapp"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.vendors, name)


@dataclass
class Crowd:
    """So many people on each channel who all write the same words."""

    people: int
    heard: list[Heard] = field(default_factory=list)
    asked: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    async def talk(self, product: Product) -> None:
        """Everybody writes the next word a moment after the one before, whatever is answered."""
        for place, text in enumerate(WORDS):
            for number in range(self.people):
                for channel in VENDORS:
                    await self._write(product, channel, number, place, text)
            await asyncio.sleep(0.5)

    async def _write(self, product: Product, channel: str, number: int, place: int, text: str) -> None:
        self.asked.setdefault((channel, address(channel, number)), []).append(product.now())
        if channel == "telegram":
            id = int(address(channel, number))
            person = {"id": id, "is_bot": False, "first_name": "Ana"}
            chat = {"id": id, "type": "private"}
            message = {"message_id": place, "from": person, "chat": chat, "text": text}
            status = await product.telegram({"update_id": number * 100 + place, "message": message})
            self.heard.append(Heard(channel, str(id), f"{number * 100 + place}:{id}:{place}"))
        else:
            fake, sid = FakeTwilio(), f"SM{number * 100 + place:032x}"
            form = {"Body": text, "To": fake.sender, "MessageSid": sid, "NumMedia": "0", "ApiVersion": "2010-04-01",
                    "From": address(channel, number), "AccountSid": fake.account_sid}  # fmt: skip
            hook = signed(fake, f"{PUBLIC}/webhooks/twilio", list(form.items()))
            status = await product.twilio("/webhooks/twilio", urlencode(hook.form).encode(), hook.headers)
            self.heard.append(Heard(channel, address(channel, number), sid))
        assert status in (200, 204), f"a webhook was answered {status}"


def address(channel: str, number: int) -> str:
    return str(7_400_000_000 + number) if channel == "telegram" else f"whatsapp:+502{60_000_000 + number}"


@dataclass
class Seen:
    """What the people of one run saw: how long each first answer took (seconds), how many never came in time."""

    waits: dict[str, list[float]]
    missing: Counter[str]
    verdict: Verdict

    def told(self, channel: str) -> str:
        waits = sorted(self.waits[channel])
        if not waits:
            return "no answer"
        p95 = waits[int(len(waits) * 0.95)]
        return f"median {statistics.median(waits) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"


class Trouble:
    """Runs on one kind of database; the first, without trouble, says what is to be expected."""

    def __init__(self, bases: Databases, vendors: Vendors, people: int) -> None:
        self.bases, self.vendors, self.people = bases, vendors, people
        self.expected: Expected | None = None

    async def run(self, broken: str | None = None, trouble: str = "") -> Seen:
        since = {name: len(rows) for name, rows in self.vendors.taken().items()}
        fault = TROUBLES[trouble] if trouble else None
        if broken and fault:
            self.vendors.plan(VENDORS[broken], fault)
        url, crowd = self.bases.fresh(), Crowd(self.people)
        there: Any = Elsewhere(self.vendors, broken if broken and not fault else None)
        product = Product(url, self.bases, there)
        await product.puente.start()
        try:
            await product.worker.leading.wait()
            await crowd.talk(product)
            healthy = [name for name in VENDORS if name != broken]
            missing = await self._until_answered(crowd, healthy, since)
            waits = self._waits(crowd, since)
        finally:
            await product.puente.stop()
            await product.close()
            if broken:
                self.vendors.calm(VENDORS[broken])
            await asyncio.sleep((fault or {}).get("seconds", 0.0))  # until what it is slow with is out
        verdict = await self._afterwards(url, crowd, since)
        self.bases.drop(url)
        return Seen(waits, missing, verdict)

    async def _until_answered(self, crowd: Crowd, channels: list[str], since: dict[str, int]) -> Counter[str]:
        end = time.monotonic() + LONGEST
        missing: Counter[str] = Counter()
        while time.monotonic() < end:
            seen = phones(shown(self.vendors.taken(since)))
            missing = Counter({
                channel: sum(
                    max(0, len(WORDS) - len(seen.get((channel, address(channel, number)), ())))
                    for number in range(crowd.people)
                )
                for channel in channels
            })  # fmt: skip
            if not missing.total():
                break
            await asyncio.sleep(0.2)
        return missing

    def _waits(self, crowd: Crowd, since: dict[str, int]) -> dict[str, list[float]]:
        taken, waits = self.vendors.taken(since), {}
        for channel, vendor in VENDORS.items():
            answered: dict[str, list[float]] = {}
            for row in taken[vendor]:
                answered.setdefault(row["to"], []).append(row["at"])
            waits[channel] = [
                at - asked
                for (name, who), times in crowd.asked.items()
                if name == channel
                for asked, at in zip(times, answered.get(who, []), strict=False)
            ]
        return waits

    async def _afterwards(self, url: str, crowd: Crowd, since: dict[str, int]) -> Verdict:
        """All is well again, and everything uncertain is settled: what people have on their phones."""
        crypto.use(crypto.load(self.bases.keys))
        product = Product(url, self.bases, self.vendors)
        await product.start()
        await product.recover()
        seen = shown(self.vendors.taken(since))
        if self.expected is None:
            done = await product.record.run(deeds)
            self.expected = Expected(phones(seen), done, 0)
        verdict = await product.record.run(judge, crowd.heard, seen, self.expected)
        await product.close()
        return verdict


async def troubles(bases: Databases, vendors: Vendors, people: int, until: float) -> list[str]:
    trouble = Trouble(bases, vendors, people)
    well = await trouble.run()
    lines, bad, met = [], not well.verdict.clean or well.missing.total(), 0
    for broken, other in (("telegram", "whatsapp"), ("whatsapp", "telegram")):
        for name in TROUBLES:
            if time.monotonic() > until and met:
                continue
            seen = await trouble.run(broken, name)
            met += 1
            clean = seen.verdict.clean and not seen.missing.total()
            bad |= not clean
            lines.append(
                f"  {'' if clean else 'FAIL '}{broken} {name}: {other} {seen.told(other)} (all well: "
                f"{well.told(other)}), {seen.missing.total()} answers missing; afterwards {len(seen.verdict.lost)} "
                f"lost, {len(seen.verdict.doubled)} doubled, {len(seen.verdict.stuck)} stuck, {len(seen.verdict.wrong)}"
                f" wrong, uncertain and listed {seen.verdict.uncertain}"
            )
            if not clean:
                lines.append(f"  {seen.verdict.to_json()}")
    lines.append(
        f"{'FAIL' if bad else 'PASS'} providers {bases.kind}: {met} of {2 * len(TROUBLES)} troubles with "
        f"{people} people on each channel, the other channel answered everybody in each"
    )
    return lines


def run(kinds: list[str], folder: Path, share: float, until: float) -> Iterator[str]:
    """40 people on each channel with `share` 1.0, on one kind of database after the other."""
    warm()
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            for place, bases in enumerate(all_of_them):
                end = time.monotonic() + (until - time.monotonic()) / (len(all_of_them) - place)
                yield from asyncio.run(troubles(bases, vendors, max(8, int(40 * share)), end))
    finally:
        vendors.close()

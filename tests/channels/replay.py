"""Plays a chat file over a vendor's webhooks: the engine says what should happen, the phone and the record what did.

Every word, option, effect and standing must be the same.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot import cases, effects, handoff, turn
from bot.channels import cut
from bot.channels.telegram import LIMITS
from bot.channels.whatsapp_layouts import ITEM, ROWS, TITLE
from bot.crypto import vault
from bot.effects import Whose
from bot.models import Address, Contact, Conversation
from bot.record import Tx
from bot.turn import BACK_WITH_BOT
from flows import effects as wanted
from flows.effects import Effect
from flows.message import Message
from flows.talk import Back
from flows.text import LONGEST
from tests.channels.conftest import Town
from tests.channels.recorded import CODE, GONE, HOLDS, NOW, Choices, Engine, Expected, Recorded, Untold, furnish
from tests.fakes.base import Option, Sent

LABEL = LIMITS.button_label


@dataclass
class Player:
    """One chat file with one phone. `stored` says whether WhatsApp has our buttons and lists."""

    town: Town
    channel: str
    stored: bool = True
    taps: bool = True

    def __post_init__(self) -> None:
        self.phone: Any = self.town.on(self.channel)
        self.engine = Engine(self.town.puente.house.book, Recorded(self.town))
        self.effects: list[str] = []
        self.heard = 0
        self.met = self.left = False

    async def play(self, script: str) -> None:
        await self.record(lambda tx: furnish(tx, self.engine.world.jobs))
        for line in script.splitlines():
            if line.startswith("*"):
                await self.set_up(line[1:].strip())
            elif line == "~ hold":
                await self.hold()
            elif line == "~ back":
                await self.back()
            elif line.startswith((">", "@")):
                await self.say(line)
        await self.town.settled()
        assert self.phone.fake.sent_to(self.phone.address)[self.heard :] == [], "said more than the chat"
        assert await self.place() == self.engine.place
        assert await self.done() == self.effects

    async def set_up(self, said: str) -> None:
        self.engine.world.set_up(said)
        if said.startswith("no ") and said.removeprefix("no ") not in (*HOLDS, "ShowVacancy", "ShowFair"):
            raise Untold(f"{said}: the record always has an answer")
        if said.split()[0] not in ("no", "again"):
            if not self.met:
                await self.record(self._stranger)
            await self.record(self._prepare, said)

    async def say(self, line: str) -> None:
        self.met = True
        event, item = self.message(line)
        self.engine.world.written += 1
        expected = self.engine.expect(event)
        async with self.lacking(expected):
            assert await self.phone.send(item) == [204]
            if "effect.LeavePerson" in expected.effects:  # the bot speaks again at once: the next line is `~ back`
                self.left, self.effects = True, self.effects + expected.effects
            else:
                await self.check(expected)

    async def check(self, expected: Expected) -> None:
        """The phone shows what was expected, all of it and nothing else."""
        self.effects += expected.effects
        numbered = self.numbered(expected.options)
        whole = expected.said + numbered
        if not whole or not await self.town.soon(lambda: len(self.told()[1]) >= len(whole)):
            await self.town.until(self.town.idle)
        sent, told = self.told()
        if any(CODE in word for word in whole):
            codes = "|".join(await self.codes())
            told = [re.sub(codes, CODE, word) for word in told]
        assert told == whole
        assert all(len(one.text) <= LONGEST + 400 * bool(numbered) for one in sent)
        assert all(not one.options for one in sent[:-1])
        if sent:
            self.check_options(sent[-1], expected.options)
        self.heard += len(sent)
        self.engine.world.heard = self.heard

    def told(self) -> tuple[list[Sent], list[str]]:
        """The messages on the phone since the last turn, and their words."""
        sent = self.phone.fake.sent_to(self.phone.address)[self.heard :]
        return sent, [word for one in sent for word in one.text.split()]

    def check_options(self, sent: Sent, expected: Choices) -> None:
        if self.numbered(expected):
            assert (sent.kind, sent.options) == ("text", [])
            return
        assert [option.data for option in sent.options] == [id for id, _label in expected]
        labels = [option.label for option in sent.options]
        longest = LABEL
        if self.channel == "telegram":
            assert "parse_mode" not in sent.request
        elif expected:
            quick = len(expected) <= 3 and all(len(label) <= TITLE for _id, label in expected)
            assert sent.kind == ("quick-reply" if quick else "list-picker")
            longest = TITLE if quick else ITEM
        for shown, (_id, label) in zip(labels, expected, strict=True):
            assert shown == label if len(label) <= longest else label.startswith(shown.rstrip("…"))

    def numbered(self, options: Choices) -> list[str]:
        """The words of the options where they cannot be tapped: a number before each."""
        alike = len({cut(label, ITEM) for _id, label in options}) < len(options)  # a list that reads the same twice
        if self.channel == "telegram" or (self.stored and len(options) <= ROWS and not alike):
            return []
        return [word for number, (_id, label) in enumerate(options, 1) for word in (f"{number}.", *label.split())]

    def message(self, line: str) -> tuple[Message, Any]:
        """What the channel should make of a line, and what the phone sends."""
        said = line[1:].strip()
        if line.startswith("@"):
            return self.tapped(said)
        if said.startswith("("):
            return self.thing(said[1:-1])
        shown = [option for option in self.shown() if said == option.label]
        return self.tapped(shown[0].data) if shown and self.taps else (Message(text=said), self.phone.text(said))

    def tapped(self, id: str) -> tuple[Message, Any]:
        """An option of some message on the phone; one that is on none is what is left of an old message."""
        sent = self.phone.received[-1]
        found = [(one, option) for one in self.phone.received for option in one.options if option.data == id]
        on, option = found[-1] if found else (sent, Option("Botón viejo", id, self.kind))
        text = "" if not found and self.channel == "telegram" else option.label
        return Message(text=text, tapped=id), self.phone.tapped(on, option)

    def thing(self, kind: str) -> tuple[Message, Any]:
        phone = self.phone
        match kind:
            case "audio":
                return Message(media="audio"), phone.voice()
            case "image":
                return Message(media="image"), phone.photo()
            case "place" | "location":
                return Message(place=(14.5, -91.5)), phone.location(14.5, -91.5)
            case "sticker":
                return Message(media="sticker" if self.channel == "telegram" else "image"), phone.sticker()
        raise ValueError(kind)

    @property
    def kind(self) -> str:
        return "inline" if self.channel == "telegram" else "button"

    def shown(self) -> list[Option]:
        return list(self.phone.received[-1].options) if self.phone.received else []

    async def hold(self) -> None:
        """A case manager takes the conversation, as the API does, and the person is told."""
        list(self.engine.hear("~ hold"))
        case = await self.record(self._case)
        await self.record(handoff.claim, self.town.puente.house, case, None)
        await self.check(Expected(said=self.tongue(handoff.NOW_A_PERSON).split()))

    async def back(self) -> None:
        expected = self.engine.expect(Back(BACK_WITH_BOT))
        if not self.left:
            await self.record(cases.hand_back, await self.record(self._case))
        self.left = False
        await self.check(expected)

    def tongue(self, text: str) -> str:
        return self.engine.world.tongues[self.engine.locale](text)

    async def place(self) -> str:
        rows = await self.town.all("SELECT state FROM conversation WHERE contact_id = :c", c=await self.contact())
        state = turn.opened(rows[0]["state"])
        return f"{state.flow}.{state.step}" if state else "end"

    async def done(self) -> list[str]:
        rows = await self.town.all(
            "SELECT action FROM audit WHERE actor = :c AND action LIKE 'effect.%' ORDER BY id",
            c=f"contact:{await self.contact()}",
        )
        return [row["action"] for row in rows]

    async def codes(self) -> set[str]:
        rows = await self.town.all("SELECT code FROM handoff_case")
        return {row["code"] for row in rows}

    async def contact(self) -> str:
        rows = await self.town.all(
            "SELECT contact_id FROM address WHERE channel = :ch AND hash = :h",
            ch=self.channel, h=vault().blind(self.channel, self.phone.address),
        )  # fmt: skip
        return str(rows[0]["contact_id"]) if rows else ""

    async def record(self, work: Any, *given: Any) -> Any:
        return await self.town.puente.record.run(work, *given)

    def _contact(self, tx: Tx) -> str:
        hash = vault().blind(self.channel, self.phone.address)
        row = tx.one("SELECT contact_id FROM address WHERE channel = :ch AND hash = :h", ch=self.channel, h=hash)
        return str(row["contact_id"])

    def _case(self, tx: Tx) -> str:
        return cases.open_case(tx, self._contact(tx), reason="asked")

    def _stranger(self, tx: Tx) -> None:
        """Somebody we know before this chat begins."""
        contact = vault().blind("test", self.phone.address).hex()[:32]
        known = tx.one("SELECT id FROM contact WHERE id = :id", id=contact)
        if known is None:
            hash = vault().blind(self.channel, self.phone.address)
            tx.session.add(Contact(id=contact, created_at=NOW))
            tx.session.flush()
            tx.session.add(Conversation(contact_id=contact))
            address = Address(contact_id=contact, channel=self.channel, hash=hash, value=self.phone.address)
            tx.session.add(address)
            tx.session.flush()

    def _prepare(self, tx: Tx, said: str) -> None:
        """A `*` line as rows: done with the product's own effects, as if it had happened before."""
        contact = self._contact(tx)
        whose = Whose(contact, self.channel, "es", NOW)
        match said.split():
            case ["consented"]:
                does: list[Effect] = [wanted.GiveConsent("profile", "before")]
            case ["refused"]:
                does = [wanted.WithdrawConsent("profile")]
            case ["minor"]:
                does = [wanted.MarkMinor()]
            case ["word", word]:
                does = [wanted.KeepWord(word)]
            case ["profile", *answers]:
                names = [answer.partition("=")[0] for answer in answers]
                does = [wanted.Remember(name, self.engine.world.profile[name]) for name in names]
            case ["case", standing]:
                case = cases.open_case(tx, contact, reason="asked", now=NOW)
                closed = "open_contact = NULL, closed_at = :at, " if standing == "closed" else ""
                tx.run(f"UPDATE handoff_case SET {closed} state = :s WHERE id = :id", s=standing, id=case,
                       **({"at": NOW} if closed else {}))  # fmt: skip
                does = []
            case ["jobs", count]:
                furnish(tx, int(count))
                does = []
            case _:
                raise ValueError(said)
        last = tx.one("SELECT COALESCE(MAX(id), 0) AS n FROM audit")["n"]
        for effect in does:
            effects.apply(tx, whose, effect)
        tx.run("DELETE FROM audit WHERE id > :last", last=last)

    @asynccontextmanager
    async def lacking(self, expected: Expected) -> Any:
        """For one turn, take from the record what the turn looks for in vain."""
        world = self.engine.world
        holding = [HOLDS[name] for name in sorted(world.lacks & HOLDS.keys()) if expected.asks(name)]
        if not holding and not world.gone:
            yield
            return
        await self.record(lambda tx: tx.run("UPDATE handoff_case SET office_id = NULL"))
        await self.record(lambda tx: [tx.run(statement) for statement in holding])
        for table in ("vacancy", "fair"):
            await self.record(lambda tx, table=table: [tx.run(GONE.format(table), id=id) for id in world.gone])
        yield
        await self.town.until(self.town.idle)
        await self.record(lambda tx: furnish(tx, world.jobs))

"""Conversations that stand in the middle of everything while the conversations themselves change, and change back."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import crypto, inbox, turn
from bot.channels import Incoming
from bot.house import House
from bot.record import Record
from flows.book import Book
from flows.message import Message
from flows.steps import Choice, Flow, Hold, Waiting, exits
from tests.faults.product import Databases, databases, warm

WORDS = ("hola", "español", "sí, guardar", "no", "persona", "trabajo", "xela", "mi perfil", "menú", "documentos",
         "vivo en tecun", "hace unos dias", "mis datos", "otra cosa", "me quiero morir", "fui albañil")  # fmt: skip


def next_release(book: Book, dice: random.Random) -> Book:
    """A release in which a quarter of the questions have another name, and another quarter have made way for new ones.

    Those renamed are announced as such; where others were nobody can stay.
    """
    flows: dict[str, Flow] = {}
    for name, flow in book.flows.items():
        names = {step: step for step in flow.steps}
        told = dict(flow.renamed)
        for step, body in flow.steps.items():
            change = dice.random()
            if isinstance(body, Waiting) and not isinstance(body, Hold) and change < 0.5:
                names[step] = f"{step}_2" if change < 0.25 else f"new_{step}"
                if change < 0.25:
                    told[step] = names[step]
        steps = {
            names[step]: _led(body, lambda to, names=names: names.get(to, to)) for step, body in flow.steps.items()
        }
        told = {old: names.get(new, new) for old, new in told.items()}
        flows[name] = dataclasses.replace(flow, start=names[flow.start], steps=steps, renamed=told)
    return Book(flows, book.mind, book.door, book.home)


def _led(step: Any, to: Callable[[str], str]) -> Any:
    """A step with every exit led to where that step stands now."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if field.name in ("then", "skip", "some", "none") and isinstance(value, str):
            changes[field.name] = to(value)
        elif field.name == "exits":
            changes[field.name] = {name: to(where) for name, where in value.items()}
        elif field.name == "options" and isinstance(value, Mapping):
            changes[field.name] = {
                name: dataclasses.replace(choice, then=to(choice.then)) if isinstance(choice, Choice) else choice
                for name, choice in value.items()
            }
    if type(step).__name__ == "Say":
        return type(step)(*step.lines, then=to(step.then))
    return dataclasses.replace(step, **changes) if changes else step


@dataclass
class Town:
    """Many people at one installation, each with a web chat."""

    record: Record
    house: House
    written: int = 0
    offered: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    now: float = 1_800_000_000.0

    def say(self, who: str, text: str) -> list[dict[str, Any]]:
        """Write, have the turn taken, and read the answers. Unheard-of errors come up."""
        self.written += 1
        self.now += 60  # nobody floods
        before = self.record.do(lambda tx: tx.one("SELECT COALESCE(MAX(id), 0) AS n FROM outbox"))["n"]
        incoming = Incoming(f"{who}:{self.written}", who, Message(text=text))
        self.record.do(inbox.accept, "web", incoming, self.now)
        contact = self.record.do(
            lambda tx: tx.one(inbox.FIND_ADDRESS, channel="web", hash=crypto.vault().blind("web", who))
        )["contact_id"]
        while self.record.do(turn.take, self.house, contact, self.now):
            pass
        rows = self.record.do(lambda tx: tx.all("SELECT body FROM outbox WHERE id > :n ORDER BY id", n=before))
        said = [json.loads(crypto.vault().open("outbox.body", row["body"])) for row in rows]
        self.offered[who] = [label for one in said for _id, label, _hint in one.get("choices", ())]
        return said

    def walk(self, who: str, steps: int, dice: random.Random) -> None:
        """Somewhere: mostly what is offered, sometimes what people say of themselves."""
        for text in ("hola", "español"):
            self.say(who, text)
        for _step in range(steps):
            offered = self.offered.get(who)
            self.say(who, dice.choice(offered) if offered and dice.random() < 0.7 else dice.choice(WORDS))

    def stands(self, who: str) -> str:
        row = self.record.do(
            lambda tx: tx.one(
                "SELECT c.state FROM conversation c JOIN address a ON a.contact_id = c.contact_id WHERE a.hash = :hash",
                hash=crypto.vault().blind("web", who),
            )
        )
        state = turn.opened(row["state"])
        return f"{state.flow}.{state.step}" if state else "end"


def cross(bases: Databases, seed: int, people: int) -> str:
    """Walk everybody somewhere, bring the next release, go on, bring the old one back, go on."""
    crypto.use(crypto.load(bases.keys))
    record = Record(bases.fresh())
    old = warm()
    dice = random.Random(seed)
    new = House(next_release(old.book, dice), old.tongues)
    for flow in new.book.flows.values():  # a release with a dead exit would prove nothing
        for step in flow.steps.values():
            assert all(to in flow.steps or to in ("end", "home") for to in exits(step).values())
    town = Town(record, old)
    names = [f"p{number}" for number in range(people)]
    for who in names:
        town.walk(who, dice.randrange(12), dice)
    places = {town.stands(who) for who in names}
    gone = sum(_gone(old.book, new.book, town.stands(who)) for who in names)
    stuck: list[str] = []
    for release in (new, old, new):
        town.house = release
        for who in dice.sample(names, people):
            stuck += [f"{who} at {town.stands(who)}"] if not town.say(who, dice.choice(WORDS)) else []
            if not town.say(who, "menú") or town.stands(who).split(".")[0] not in (
                "menu",
                "welcome",
                "hold",
                "unlock",
            ):
                stuck.append(f"{who} never got to the menu: {town.stands(who)}")
    failed = record.do(lambda tx: tx.one("SELECT COUNT(*) AS n FROM inbox WHERE failed > 0 OR done_at IS NULL"))["n"]
    record.close()
    return (
        f"{'FAIL' if stuck or failed else 'PASS'} upgrade {bases.kind}: {people:,} conversations at {len(places)} "
        f"places over an upgrade, a rollback and the upgrade again ({gone:,} stood where nothing is left): "
        f"{len(stuck)} stuck, {failed} failed {stuck[:3]}"
    )


def _gone(old: Book, new: Book, place: str) -> bool:
    flow, _dot, step = place.partition(".")
    return flow in new.flows and step in old.flows[flow].steps and new._renamed(flow, step) is None


def run(kinds: list[str], folder: Path, seed: int, share: float) -> Iterator[str]:
    """1,000 conversations on each kind of database with `share` 1.0."""
    warm()
    with databases(kinds, folder) as all_of_them:
        for bases in all_of_them:
            yield cross(bases, seed, max(20, int(1000 * share)))

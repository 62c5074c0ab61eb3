"""What a chat should lead to, said by the engine alone, over a world whose rows stand in the real database too.

What the record knows better than the chats' world is asked of the record: its directory of services, the lines of a
danger, certificates and the reasons against an offer, how many messages there are, the random code of a case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bot import directory, queries
from bot.record import Tx
from flows import effects as wanted
from flows.effects import Effect, Query
from flows.message import Message
from flows.talk import Back, Reply
from flows.text import Text, speak, words
from tests import world
from tests.channels.conftest import Town
from tests.chat import Chat
from tests.world import World

MESSAGES, OPEN_CASE = Text("Mensajes de este chat: {count}"), Text("Caso abierto: {code}")
CODE = "PU-0001"
OFFICE = "0f" * 16
NOW = 1_795_000_000.0
FOR_EVER = "9999-12-31"
Choices = list[tuple[str, str]]


KNOWN = (
    wanted.FindServices, wanted.AnswerQuestion, wanted.SuggestServices, wanted.ShowService, wanted.FindLines,
    wanted.FindCertificate, wanted.JudgeOffer,
)  # fmt: skip
"""What the record answers from its own directory and knowledge, the same to everybody."""


class Untold(Exception):
    """The chat supposes something of the record that cannot be: the text says what."""


class Recorded(World):
    """The chat's world, with what only the record can say."""

    town: Town
    written = 0
    heard = 0

    def __init__(self, town: Town) -> None:
        super().__init__(town.puente.house.tongues)
        self.town = town
        self.gone: set[str] = set()

    def set_up(self, said: str) -> None:
        super().set_up(said)
        self.gone = set() if said.startswith("again") else self.gone

    def rows(self, query: Query) -> list[dict[str, Any]]:
        """What cannot be shown any more is not offered again either."""
        if type(query).__name__ in self.lacks and isinstance(query, wanted.ShowVacancy | wanted.ShowFair):
            self.gone.add(query.vacancy if isinstance(query, wanted.ShowVacancy) else query.fair)
        return [row for row in self._rows(query) if row.get("id") not in self.gone]

    def _rows(self, query: Query) -> list[dict[str, Any]]:
        match query:
            case known if isinstance(known, KNOWN) and type(query).__name__ not in self.lacks:
                return self.town.puente.record.do(queries.answer, self.asker, query)
            case wanted.MyData():
                return [{"lines": self._my_data()}]
            case wanted.ShowVacancy() if "ShowVacancy" not in self.lacks:
                return [job | {"title": job["label"]} for job in super().rows(query)]
        return super().rows(query)

    @property
    def asker(self) -> queries.Asker:
        return queries.Asker("nobody", self.town.puente.house.book.mind, self.tongues, NOW)

    def _my_data(self) -> list[dict[str, str]]:
        lines = [self._line(name) for name in self._answered()]
        lines.append(self.asker.in_words(MESSAGES, count=self.written + self.heard))
        lines += [self.asker.in_words(label) for name, label in queries.PURPOSES.items() if self.consent.get(name)]
        if self.case in ("new", "claimed"):
            lines.append(self.asker.in_words(OPEN_CASE, code=CODE))
        return lines


class Engine(Chat):
    """What one line should lead to, as data: replies, effects, and the queries on the way."""

    world: Recorded

    def expect(self, event: Message | Back) -> Expected:
        self.expected = Expected()
        self.expected.lines = list(self.turn(event))
        return self.expected

    def _shown(self, happened: Reply | Effect) -> Iterator[str]:
        if isinstance(happened, Effect) and not isinstance(happened, wanted.NoteUnanswered):  # kept as nobody's
            self.expected.effects.append(f"effect.{type(happened).__name__}")
        yield from super()._shown(happened)
        if isinstance(happened, Reply):
            tongue = self.world.tongues[self.locale]
            said = filter(None, (speak(line, happened.fills, tongue) for line in happened.lines))
            self.expected.said += " ".join(said).split()
            options = [(option.id, words(option.label, tongue)) for option in happened.options]
            self.expected.options = options or self.expected.options


@dataclass
class Expected:
    """What a turn should say and do. `said` is its words, so that where a long text is broken does not matter."""

    lines: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    options: Choices = field(default_factory=list)
    effects: list[str] = field(default_factory=list)

    def asks(self, query: str) -> bool:
        return any(line.startswith(f"? {query}(") for line in self.lines)


GONE = "DELETE FROM {} WHERE id = :id"
HOLDS = {
    "FindServices": "DELETE FROM service", "SuggestServices": "DELETE FROM service",
    "ShowService": "DELETE FROM service", "FindVacancies": "DELETE FROM vacancy", "FindFairs": "DELETE FROM fair",
    "ShowProfile": "DELETE FROM profile_answer", "WhoAnswers": "DELETE FROM office",
}  # fmt: skip
"""How the record comes to hold nothing of what a query looks for."""


def furnish(tx: Tx, jobs: int) -> None:
    """The record's office, jobs and fair are those of the chats' world; the directory is its own."""
    directory.seed(tx)
    for table in ("vacancy", "fair"):
        tx.run(f"DELETE FROM {table}")
    for number in range(1, jobs + 1):
        job = world._job(number)
        job["title"] = job["label"]
        tx.run(
            "INSERT INTO vacancy (id, record, municipality, department, expires_on, demo) "
            "VALUES (:id, :record, '0901', 'D09', :never, :yes)",
            id=job["id"], record=json.dumps(job, ensure_ascii=False), never=FOR_EVER, yes=True,
        )  # fmt: skip
    fair = world.FAIR
    tx.run(
        "INSERT INTO fair (id, record, day, demo) VALUES (:id, :record, :never, :yes)",
        id=fair["id"], record=json.dumps(fair, ensure_ascii=False), never=FOR_EVER, yes=True,
    )  # fmt: skip
    if tx.one("SELECT id FROM office WHERE id = :id", id=OFFICE) is None:
        tx.run(
            "INSERT INTO office (id, name, municipalities, languages, hours, demo) "
            "VALUES (:id, 'Oficina de Tecún Umán', '[]', '[]', :hours, :no)",
            id=OFFICE, hours=json.dumps(world.HOURS), no=False,
        )  # fmt: skip

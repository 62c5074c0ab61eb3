"""One turn: a contact's oldest unread event, what it leads to, and all of it written in one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot import cases, effects, inbox, limits, outbox, queries
from bot.channels import Choice, Spoken, parts
from bot.crypto import packed, vault
from bot.effects import Whose
from bot.house import House
from bot.queries import Asker
from bot.record import Tx
from flows import engine
from flows.effects import Effect, EraseMe, LeavePerson, OpenCase
from flows.message import Message
from flows.talk import Back, Found, Option, Reply, State, Turn
from flows.text import LONGEST, Tongue, _, speak, words

URGENT_REASONS = {"danger", "minor"}

CONVERSATION = """SELECT c.state, c.version, c.owner, c.epoch, c.address_id, c.room, c.room_at,
a.channel, k.language, k.erased_at FROM conversation c JOIN contact k ON k.id = c.contact_id
LEFT JOIN address a ON a.id = c.address_id WHERE c.contact_id = :contact"""
UNREAD = """SELECT i.id, i.kind, i.body, i.channel, i.address_id,
COALESCE(i.written_at, i.received_at) AS written_at, a.channel AS wrote_on,
EXISTS (SELECT 1 FROM inbox l WHERE l.contact_id = i.contact_id AND l.id > i.id AND l.done_at IS NULL) AS more
FROM inbox i LEFT JOIN address a ON a.id = i.address_id
WHERE i.contact_id = :contact AND i.done_at IS NULL ORDER BY i.id LIMIT 1"""
DONE = "UPDATE inbox SET done_at = :at WHERE id = :id"
STAND = """UPDATE conversation SET state = :state, version = :version, address_id = :address, room = :room,
room_at = :at, last_inbound_at = COALESCE(:heard, last_inbound_at) WHERE contact_id = :contact"""

SLOW = 1.0
"""Seconds a message has waited after which the person is shown that we are writing (feature a30)."""

LATE = 15 * 60.0
"""Seconds after which an answer begins by owning that it is late."""

SORRY_FOR = 86400.0
"""Seconds for which one such word is enough."""

SORRIED = """SELECT 1 AS yes FROM inbox WHERE contact_id = :contact AND done_at > :since
AND done_at - COALESCE(written_at, received_at) > :late LIMIT 1"""

BACK_WITH_BOT = _("Vuelve el asistente automático.")
TARDY = _("Disculpe la tardanza: tuvimos una falla y hasta ahora leemos su mensaje.")
SORRY = _("Disculpe, tuvimos un problema con su mensaje. Lo guardamos y una persona lo va a leer.")


@dataclass(slots=True)
class Conversation:
    """A contact's conversation as it stood when the turn began."""

    contact_id: str
    state: State | None
    owner: str
    epoch: int
    address_id: int | None
    channel: str | None
    """Of that address: where the bot's words go."""
    language: str
    room: float


NOTHING, LAST, MORE = 0, 1, 2
"""What a turn found unread: nothing to work through, the last there was, or something with more behind it."""

Greet = Callable[[str, Mapping[str, str], bool], None]
"""Told of a message as it is taken up: its channel, what that needs to acknowledge it at once, and whether to show
that the bot is writing."""


def take(
    tx: Tx,
    house: House,
    contact_id: str,
    now: float | None = None,
    greet: Greet | None = None,
    patient: bool = True,
) -> int:
    """Work through the contact's oldest unread event: NOTHING, LAST or MORE. Everything commits together.

    Without being `patient`, a conversation that somebody else holds is left to the contact's lane (MORE): who waited
    with something of the contact in hand could wait for ever.
    """
    at = time.time() if now is None else now
    locking = tx.locking and (" FOR UPDATE OF c" if patient else " FOR UPDATE OF c SKIP LOCKED")
    stored = tx.one(CONVERSATION + locking, contact=contact_id)
    if stored is None and locking and not patient:
        return MORE
    if stored is None:  # removed since: what was noted for them inside the house has nobody to happen to
        tx.run("UPDATE inbox SET done_at = :at WHERE contact_id = :c AND done_at IS NULL", c=contact_id, at=at)
        return NOTHING
    tx.passing("turn.before")
    row = tx.one(UNREAD, contact=contact_id)
    if row is None:
        return NOTHING
    tx.passing("turn.taken")
    room = limits.left(stored["room"], stored["room_at"], at)
    if row["kind"] == "message":
        if room < 1:
            held = limits.hold_back(tx, house, contact_id, row, stored["language"], at)
            if held is not None:
                return MORE if held else NOTHING
        room = max(0.0, room - 1)
    language = stored["language"] or "es"
    state = opened(stored["state"])
    wrote = row["address_id"] is not None
    conversation = Conversation(
        contact_id, state, stored["owner"], stored["epoch"], row["address_id"] if wrote else stored["address_id"],
        row["wrote_on"] if wrote else stored["channel"], language, room,
    )  # fmt: skip
    if stored["erased_at"] is not None:
        tx.run("UPDATE contact SET erased_at = NULL WHERE id = :id", id=contact_id)
    message = None
    if row["kind"] == "message":
        message, courtesy = inbox.read(row["body"], tx.fresh)
        if greet is not None:
            greet(row["channel"], courtesy, stored["owner"] == "bot" and at - row["written_at"] > SLOW)
    _work_through(tx, house, conversation, row, message, at)
    tx.passing("turn.done")
    tx.run(DONE, id=row["id"], at=at)
    return MORE if row["more"] else LAST


def give_up(tx: Tx, house: House, contact_id: str, now: float | None = None) -> None:
    """The oldest unread event could not be worked through: keep it for a person, tell the contact, go on."""
    at = time.time() if now is None else now
    stored = tx.one(CONVERSATION + (" FOR UPDATE OF c" if tx.locking else ""), contact=contact_id)
    row = tx.one(UNREAD, contact=contact_id)
    if row is None or stored is None:
        return
    tx.run("UPDATE inbox SET done_at = :at, failed = 1 WHERE id = :id", id=row["id"], at=at)
    cases.open_case(tx, contact_id, reason="unreadable", urgency="R2", now=at)
    address = row["address_id"] or stored["address_id"]
    if address is not None:
        tx.run("UPDATE conversation SET address_id = :a WHERE contact_id = :c", a=address, c=contact_id)
        tongue = house.tongue(stored["language"])
        cases.say(tx, contact_id, Spoken(tongue(SORRY), speaker="notice"), outbox.URGENT, now=at)


def _work_through(
    tx: Tx, house: House, conversation: Conversation, row: Any, message: Message | None, at: float
) -> None:
    whose = Whose(conversation.contact_id, row["wrote_on"] or row["channel"], conversation.language, at)
    asker = Asker(conversation.contact_id, house.book.mind, house.tongues, at)
    said: list[tuple[Reply, Tongue]] = []
    done: list[Effect] = []
    turn = _first_step(tx, house, conversation, row["kind"], message, at)
    late = message is not None and _sorry_for_the_delay(tx, conversation, row, at)
    while True:
        for event in turn.events:
            if isinstance(event, Reply):
                said.append((event, house.tongue(whose.language)))
            else:
                tx.passing("turn.effect")
                effects.apply(tx, whose, event)
                done.append(event)
        if turn.wants is None or turn.state is None:
            break
        rows = queries.answer(tx, asker, turn.wants)
        turn = engine.advance(house.book, turn.state, Found(rows), house.tongue(whose.language))
    tx.passing("turn.state")
    _stand(tx, house, conversation, turn.state, row, at)
    if late and said:
        said.insert(1 if _urgent(done) else 0, (Reply((TARDY,)), house.tongue(whose.language)))
    tx.passing("turn.words")
    _say(tx, conversation, said, done, at)


def _first_step(
    tx: Tx, house: House, conversation: Conversation, kind: str, message: Message | None, at: float
) -> Turn:
    """What the event itself leads to, before the record is asked anything."""
    book, state, tongue = house.book, conversation.state, house.tongue(conversation.language)
    if message is not None:
        if state is None:
            return engine.welcome(book, message, tongue)
        return engine.advance(book, state, message, tongue)
    match kind:
        case "handback" if conversation.owner == "bot":  # not when somebody took it again meanwhile
            if state is None:
                return engine.begin(book, book.home)
            return engine.advance(book, state, Back(BACK_WITH_BOT), tongue)
        case "silence":
            cases.silent(tx, conversation.contact_id, at)
    return Turn(state)


def _sorry_for_the_delay(tx: Tx, conversation: Conversation, row: Any, at: float) -> bool:
    """Whether this message waited so long that we owe a word about it, and have not said it yet."""
    if at - row["written_at"] <= LATE:
        return False
    return tx.one(SORRIED, contact=conversation.contact_id, since=at - SORRY_FOR, late=LATE) is None


def _stand(tx: Tx, house: House, conversation: Conversation, state: State | None, row: Any, at: float) -> None:
    """Where the conversation stands now, and where the contact wrote from."""
    stored = None if state is None else packed(state.to_json())
    tx.run(
        STAND,
        contact=conversation.contact_id,
        state=None if stored is None else vault().seal("conversation.state", stored),
        version=house.book.version,
        address=conversation.address_id,
        heard=row["written_at"] if row["kind"] == "message" else None,
        room=conversation.room,
        at=at,
    )


def _say(tx: Tx, conversation: Conversation, said: list[tuple[Reply, Tongue]], done: list[Effect], at: float) -> None:
    """The turn's words, as messages to where the contact wrote from."""
    if not said or conversation.address_id is None or conversation.channel is None:
        return
    epoch = conversation.epoch
    if any(isinstance(effect, EraseMe | LeavePerson) for effect in done):
        epoch = tx.one("SELECT epoch FROM conversation WHERE contact_id = :c", c=conversation.contact_id)["epoch"]
    outbox.put(
        tx,
        conversation.contact_id,
        conversation.address_id,
        conversation.channel,
        spoken(said),
        epoch=epoch,
        lane=outbox.URGENT if _urgent(done) else outbox.REPLY,
        now=at,
    )


def _urgent(done: list[Effect]) -> bool:
    return any(isinstance(effect, OpenCase) and effect.reason in URGENT_REASONS for effect in done)


def spoken(said: Iterable[tuple[Reply, Tongue]]) -> list[Spoken]:
    """Replies as messages: one where it fits in 600 characters, else several; options go with the last words."""
    texts: list[str] = []
    choices: tuple[Choice, ...] = ()
    for reply, tongue in said:
        lines = (speak(line, reply.fills, tongue) for line in reply.lines)
        for piece in parts("\n".join(filter(None, lines)), LONGEST):
            if texts and len(texts[-1]) + 2 + len(piece) <= LONGEST:
                texts[-1] = f"{texts[-1]}\n\n{piece}"
            elif piece:
                texts.append(piece)
        choices = tuple(_choice(option, tongue) for option in reply.options) or choices
    return [Spoken(text) for text in texts[:-1]] + [Spoken(text, choices) for text in texts[-1:]]


def _choice(option: Option, tongue: Tongue) -> Choice:
    hint = words(option.hint, tongue) if option.hint else None
    return Choice(option.id, words(option.label, tongue), hint or None)


def opened(sealed: bytes | None) -> State | None:
    """A conversation's stored state."""
    return None if sealed is None else State.from_json(json.loads(vault().open("conversation.state", sealed)))

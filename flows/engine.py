"""How a conversation goes on: one event in; the next question and an ordered log of words and effects out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows import hearing, interrupts, kinds, repair
from flows.book import Book
from flows.interrupts import Interrupt
from flows.kinds import Value, Which
from flows.message import Message
from flows.steps import Ask, Choose, Hold, Pick
from flows.talk import Back, Event, Found, Option, State, Turn
from flows.text import Tongue, _
from flows.walk import HELD, MORE, OTHER, SKIP, UNLOCK, Walk, start_of

LANGUAGE = interrupts.SUBFLOWS["language"]
DANGER = "danger"

MOVED = _("Hicimos cambios en este programa desde la última vez. Guardamos lo que usted ya contestó.")


def begin(book: Book, name: str, answers: Mapping[str, Any] | None = None) -> Turn:
    """Start a conversation at a flow's first step."""
    return Walk(book, start_of(book.flows[name], answers or {})).run()


def welcome(book: Book, message: Message, tongue: Tongue) -> Turn:
    """A stranger's first message: danger and commands are heard at once, a question is answered after the welcome."""
    walk = Walk(book, start_of(book.flows[book.door], {"question": message.text}))
    found = interrupts.danger(message, book.mind) or interrupts.command(message, book.mind)
    if found is not None and found.name in book.flows:
        walk.answers["question"] = ""
        if found.name not in (book.home, LANGUAGE):  # the welcome begins with the language and ends in the menu
            walk.call(found.name, back_to=walk.step, answers=found.answers)
    elif repair.is_offer(message.text, book.mind):
        walk.answers["question"] = ""
        repair.judge_offer(walk, message)
    return walk.run()


def advance(book: Book, state: State, event: Event, tongue: Tongue) -> Turn:
    """What one event leads to. `event` is a message, the record's answer to `wants`, or a return to the bot."""
    state, moved = book.settle(state)
    walk = Walk(book, state)
    if moved:
        walk.say(MOVED)
    match event:
        case Found(rows=rows):
            if not moved:
                walk.found(rows)
        case Back(greeting=greeting):
            walk.release()
            walk.say(greeting)
        case Message():
            if moved or not book.waits(state):
                return _first_danger(walk, event)
            _hear(walk, event, tongue)
    return walk.run()


def hold(book: Book, state: State) -> State:
    """The state while a case manager has the conversation: on top of where the person stood."""
    walk = Walk(book, book.settle(state)[0])
    walk.call(HELD, back_to=walk.step, answers={"held": True})
    return walk.state()


def _first_danger(walk: Walk, message: Message) -> Turn:
    """The place a message was meant for is gone: only danger in it is sure to mean the same elsewhere."""
    alarm = interrupts.danger(message, walk.book.mind)
    if alarm is not None:
        walk.call(alarm.name, back_to=walk.step, answers=alarm.answers)
    return walk.run()


def _hear(walk: Walk, message: Message, tongue: Tongue) -> None:
    """The order in which a message is understood (DESIGN: anywhere, in this order)."""
    if isinstance(walk.here, Hold):
        held = interrupts.while_with_a_person(message, walk.book.mind)
        if held is not None:
            _obey(walk, held)
        return
    options = walk.options()
    chosen = hearing.exactly(message, options, tongue)
    if chosen is None:
        mind = walk.book.mind
        found = interrupts.danger(message, mind)
        if found is None and walk.answers.get("held"):
            found = interrupts.while_with_a_person(message, mind)
        elif found is None:
            meant = hearing.named(message, options, tongue) or repair.names_place(walk, message)
            found = interrupts.command(message, mind, yielding=meant)
        if found is not None:
            if found.name == DANGER and isinstance(walk.here, Ask) and walk.here.kind is kinds.offer:
                _take_own_words(walk, message, tongue)  # the offer is judged when the lines have been shown
            _obey(walk, found)
            return
        if repair.shows_offer(walk, message):
            repair.judge_offer(walk, message)
            return
        if repair.asks_something_else(walk, message):
            repair.digress(walk, message)
            return
        if repair.corrects(walk, message, options, tongue):
            return
        chosen = hearing.roughly(message, options, tongue)
    if chosen is not None:
        _take_option(walk, chosen, tongue)
    elif not _take_own_words(walk, message, tongue):
        if walk.answers.get("held"):
            walk.to_hold()
        else:
            repair.mend(walk, message, options, tongue)


def _obey(walk: Walk, found: Interrupt) -> None:
    walk.misses = 0
    match found.name:
        case "menu":
            walk.go_home()
        case "cancel":
            walk.answers.pop("which", None)
            walk.leave() if walk.callers and walk.flow != UNLOCK else walk.go_home()
        case "back":
            if not walk.which() and not walk.back():
                walk.say(repair.NOTHING_BEFORE)
            walk.answers.pop("which", None)
        case "repeat":
            pass
        case flow:
            walk.call(flow, back_to=walk.step, answers=found.answers)


def _take_option(walk: Walk, chosen: Option, tongue: Tongue) -> None:
    walk.misses = 0
    step = walk.here
    match step:
        case Ask(skip=skip) if chosen is SKIP and skip is not None:
            walk.keep(step.save, None)
            walk.take("skip")
        case Ask(options=options) if chosen.id in options and not walk.which():
            walk.take(chosen.id)
        case Ask():
            _settle_which(walk, step, chosen)
        case Choose(options=options):
            walk.keep(step.save, chosen.id)
            walk.take(chosen.id)
        case Pick(rows=rows, options=options):
            if chosen is MORE:
                walk.turn_page(rows)
            elif chosen.id in options:
                walk.take(chosen.id)
            else:
                row = next(row for row in walk.answers[rows] if str(row["id"]) == chosen.id)
                walk.keep(step.save, row)
                walk.take("then")


def _settle_which(walk: Walk, step: Ask, chosen: Option) -> None:
    """One of the meanings offered was chosen, or none of them."""
    rows = walk.which()
    walk.answers.pop("which")
    if chosen is not OTHER:
        walk.keep(step.save, next(row for row in rows if str(row["id"]) == chosen.id))
        walk.take("then")
    elif step.kind.other is not None:
        said = str(rows[0].get("said", ""))
        repair.note(walk, said)
        walk.keep(step.save, step.kind.other(said))
        walk.take("then")


def _take_own_words(walk: Walk, message: Message, tongue: Tongue) -> bool:
    step = walk.here
    if isinstance(step, Choose):
        meant = step.read(message.text) if step.read is not None else None
        if meant is None:
            return False
        _take_option(walk, Option(meant, step.options[meant].label), tongue)
        return True
    if not isinstance(step, Ask):
        return False
    match step.kind.read(message, walk.book.mind):
        case Value(value=value):
            walk.answers.pop("which", None)
            before = walk.answers.get(step.save) if step.adds else None
            walk.keep(step.save, f"{before}\n{value}" if before else value)
            walk.take("then")
        case Which(rows=rows):
            walk.offer(rows)
        case None:
            return False
    walk.misses = 0
    return True


__all__ = ["MOVED", "Book", "advance", "begin", "hold", "welcome"]

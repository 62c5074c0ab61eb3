"""What happens when the waiting question did not get its answer: a correction, a question back, or not understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flows import hearing, kinds
from flows.effects import NoteUnanswered
from flows.interrupts import COURTESIES
from flows.kinds import Value
from flows.message import Message
from flows.mind import Mind
from flows.steps import Ask, Choose, Pick
from flows.talk import Option
from flows.text import Text, Tongue, _
from flows.understanding.normalise import fold
from flows.walk import Walk

NOTHING_BEFORE = _("No hay una pregunta anterior.")
NOT_UNDERSTOOD = _("No le entendí.")
TAP_ONE = _("Puede tocar una opción o escribir su número.")
STUCK, ANSWER, MEDIA, SCAM = "stuck", "answer", "media", "scam"

PRIVATE = frozenset({"danger", "minors", "unlock", "key_word"})
"""Flows whose words are for nobody but the person who answers the case, or for nobody at all: a key word."""

SMALL = frozenset({"en", "de", "del", "el", "la", "soy", "vivo", "estoy", "aqui"})
"""Words around the name of a place."""

LISTED = frozenset({kinds.place.name, kinds.trade.name})
"""Kinds of answer that are looked up in a list of ours."""

_CORRECTION = re.compile(
    r"^(?:(?:no|perdon|perdone|disculpe|me equivoque|equivocado|corrijo|quise decir|digo|mejor dicho|sorry"
    r"|i meant|i mean|actually|my mistake)\b[\s,.:;]*)+"
    r"(?:(?:es|era|soy de|vivo en|estoy en|mi|it s|it is|i m from|i am from|i live in)\b\s*)?"
)
_ASKING = re.compile(
    r"\?|¿|^(?:como|cuanto|cuanta|cuantos|cuando|donde|adonde|en donde|que (?:hago|necesito|piden|papeles|requisitos)"
    r"|quien|puedo|hay|a quien|how|where|when|what|who|can i|do you|is there)\b"
)


def asks_something_else(walk: Walk, message: Message) -> bool:
    """Whether a person asks about a service where the waiting question would take the words for something else.

    An eager question would take almost any; "¿cómo saco mi DPI?" holds the name of an option, and still asks.
    """
    step = walk.here
    if not message.text or (isinstance(step, Ask) and not step.kind.eager):
        return False
    if walk.book.mind.scams.offered(message.text):
        return False  # "¿Quiere ganar $500 al día?" is not the person's own question
    if "?" not in message.text and not _ASKING.search(fold(message.text)):
        return False
    found = walk.book.mind.services.find(message.text).decision
    return found == "answer" or (found != "unknown" and isinstance(step, Ask))


def names_place(walk: Walk, message: Message) -> bool:
    """Whether a place was asked for and its name is all that was written: *Cantel* is no *cancel*."""
    step = walk.here
    if not isinstance(step, Ask) or step.kind is not kinds.place:
        return False
    places = walk.book.mind.places
    said = set(fold(message.text).split()) - SMALL
    names = (set(fold(places.full_name(code)).split()) for code in places.find(message.text).codes)
    return bool(said) and any(said <= name for name in names)


def corrects(walk: Walk, message: Message, options: Sequence[Option], tongue: Tongue) -> bool:
    """Whether "no, soy de Xela" at a question with a "No" changed the earlier answer it speaks of."""
    rest = _correction(message)
    if not rest or not isinstance(walk.here, Choose | Pick):
        return False
    if hearing.roughly(Message(message.id, rest), options, tongue) is not None or not _corrected(
        walk, message, tongue
    ):
        return False
    walk.misses = 0
    return True


def shows_offer(walk: Walk, message: Message) -> bool:
    """Whether a person pastes a job offer where the waiting question did not ask for words of any kind."""
    if not message.text or walk.answers.get("held") or (isinstance(walk.here, Ask) and walk.here.kind.eager):
        return False
    return is_offer(message.text, walk.book.mind)


def is_offer(text: str, mind: Mind) -> bool:
    """Whether a text is a job offer somebody shows us; one that looks honest may be a question about a service."""
    if not mind.scams.offered(text):
        return False
    if mind.scams.offered(text, surely=True):
        return True
    return mind.scams.judge(text).label != "green" or mind.services.find(text).decision == "unknown"


def judge_offer(walk: Walk, message: Message) -> None:
    """Say what speaks against the offer, then put our own question again."""
    walk.misses = 0
    walk.call(SCAM, back_to=walk.step, answers={"offer": message.text[: kinds.OFFER]})


def digress(walk: Walk, message: Message) -> None:
    """Answer the person's own question, then put ours again."""
    walk.misses = 0
    walk.call(ANSWER, back_to=walk.step, answers={"question": message.text})


def mend(walk: Walk, message: Message, options: Sequence[Option], tongue: Tongue) -> None:
    """The waiting question had no use for the message: try what else it may mean, then say so."""
    if message.media is not None or message.place is not None:
        walk.call(MEDIA, back_to=walk.step, answers={"media": message.media or "place"})
    elif message.tapped is not None and not message.text:
        _miss(walk, message)
    elif _corrected(walk, message, tongue):
        walk.misses = 0
    elif (courtesy := COURTESIES.get(walk.book.mind.commands.hear(message.text) or "")) is not None:
        walk.call(courtesy, back_to=walk.step)
    elif walk.book.mind.services.find(message.text).decision != "unknown":
        digress(walk, message)
    else:
        _miss(walk, message)


def note(walk: Walk, said: str) -> None:
    """Leave words nobody understood for staff to read; never those of a conversation that is private."""
    open_flows = {walk.flow, *(flow for flow, _step in walk.callers)}
    if not said or open_flows & PRIVATE or walk.answers.get("held"):
        return
    step = walk.here
    wanted = step.kind.name if isinstance(step, Ask) else ""
    walk.do(NoteUnanswered(said[: kinds.LONGEST], wanted if wanted in LISTED else "message"))


def _miss(walk: Walk, message: Message) -> None:
    """Not understood: once with an example, the second time with a person. Never a third.

    A name of a trade or a place is missing from our lists the first time it is not understood; any other words
    are noted when they were said again and still not understood.
    """
    walk.misses += 1
    again = walk.misses >= 2 or walk.flow == STUCK
    if again or (isinstance(walk.here, Ask) and walk.here.kind.name in LISTED):
        note(walk, message.text)
    if again:
        walk.misses = 0
        walk.call(STUCK, back_to=walk.step)
        return
    step = walk.here
    walk.say(NOT_UNDERSTOOD, step.sorry if isinstance(step, Ask) else TAP_ONE)


def _corrected(walk: Walk, message: Message, tongue: Tongue) -> bool:
    """Change an earlier answer of this conversation ("no, soy de Xela") and say so."""
    rest = _correction(message)
    if not rest:
        return False
    meant = Message(message.id, rest)
    for flow, name, depth in reversed(walk.trail[:-1]):
        step = walk.book.flows[flow].steps[name]
        if depth != len(walk.callers) or not isinstance(step, Ask | Choose) or step.save is None:
            continue
        value = _reread(walk, step, meant, tongue)
        if value is not None and value != walk.answers.get(step.save):
            walk.keep(step.save, value)
            walk.answers["corrected"] = value
            walk.say(_shown(step, value))
            del walk.answers["corrected"]
            return True
    return False


def _correction(message: Message) -> str:
    """What stands after "no," or "perdón," in a message that begins so; empty in any other."""
    said = fold(message.text)
    rest = _CORRECTION.sub("", said, count=1).strip()
    return "" if rest == said else rest


def _reread(walk: Walk, step: Ask | Choose, meant: Message, tongue: Tongue) -> Any:
    if isinstance(step, Choose):
        options = [Option(name, choice.label, None, choice.also) for name, choice in step.options.items()]
        chosen = hearing.roughly(meant, options, tongue)
        same_way = chosen is not None and step.options[chosen.id].then == _way(walk, step)
        return chosen.id if chosen is not None and same_way else None
    read = None if step.kind.eager else step.kind.read(meant, walk.book.mind)
    return read.value if isinstance(read, Value) else None


def _way(walk: Walk, step: Choose) -> str | None:
    """Where the earlier choice led: only a choice that leads the same way can be changed afterwards."""
    taken = step.options.get(str(walk.answers.get(step.save or "")))
    return taken.then if taken else None


def _shown(step: Ask | Choose, value: Any) -> Text:
    if isinstance(value, dict):
        return _("Cambiado: {corrected.label}.")
    return _("Cambiado: {corrected}.") if isinstance(step, Ask) else _("Cambiado.")

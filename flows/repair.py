"""What happens when the waiting question did not get its answer: a correction, a question back, or not understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flows import hearing
from flows.interrupts import COURTESIES
from flows.kinds import Value
from flows.message import Message
from flows.steps import Ask, Choose, Pick
from flows.talk import Option
from flows.text import Text, Tongue, _
from flows.understanding.normalise import fold
from flows.walk import Walk

NOTHING_BEFORE = _("No hay una pregunta anterior.")
NOT_UNDERSTOOD = _("No le entendí.")
TAP_ONE = _("Puede tocar una opción o escribir su número.")
STUCK, ANSWER, MEDIA = "stuck", "answer", "media"

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
    if "?" not in message.text and not _ASKING.search(fold(message.text)):
        return False
    found = walk.book.mind.services.find(message.text).decision
    return found == "answer" or (found != "unknown" and isinstance(step, Ask))


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


def digress(walk: Walk, message: Message) -> None:
    """Answer the person's own question, then put ours again."""
    walk.misses = 0
    walk.call(ANSWER, back_to=walk.step, answers={"question": message.text})


def mend(walk: Walk, message: Message, options: Sequence[Option], tongue: Tongue) -> None:
    """The waiting question had no use for the message: try what else it may mean, then say so."""
    if message.media is not None or message.place is not None:
        walk.call(MEDIA, back_to=walk.step, answers={"media": message.media or "place"})
    elif message.tapped is not None and not message.text:
        _miss(walk)
    elif _corrected(walk, message, tongue):
        walk.misses = 0
    elif (courtesy := COURTESIES.get(walk.book.mind.commands.hear(message.text) or "")) is not None:
        walk.call(courtesy, back_to=walk.step)
    elif walk.book.mind.services.find(message.text).decision != "unknown":
        digress(walk, message)
    else:
        _miss(walk)


def _miss(walk: Walk) -> None:
    """Not understood: once with an example, the second time with a person. Never a third."""
    walk.misses += 1
    if walk.misses >= 2 or walk.flow == STUCK:
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

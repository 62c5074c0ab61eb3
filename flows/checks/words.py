"""Whether what we say can be said in every language, and is short, whole and kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from flows import engine, kinds, repair, walk
from flows.checks.finding import Finding
from flows.conversations.questions import LABELS
from flows.steps import Ask, Flow, Say, Step, texts
from flows.text import LONGEST, MONTHS, WEEKDAYS, Text, Tongue, slots
from flows.understanding import normalise

_BRACES = re.compile(r"[{}]")
_SLOT = re.compile(r"\{[a-z_]+(?:\.[a-z_]+)*(?::(?:day|list|lines|if))?\}")

TOO_CLOSE = frozenset(
    normalise.words(
        "tu tus ti te contigo tuyo tuya tienes puedes quieres necesitas sabes vives estas eres haces buscas hablas"
        " vos sos tenes podes queres necesitas sabes"
    )
)
"""*Tú* and *vos* words: we say *usted* to somebody we have just met (facts: voice)."""

UNKIND = {
    "es": frozenset(
        normalise.words(
            "deportado deportada deportados deportadas ilegal ilegales indocumentado indocumentada indocumentados"
            " indocumentadas mojado mojada mojados repatriado repatriada repatriados fracaso fracasos"
        )
    ),
    "en": frozenset(
        normalise.words(
            "deported deportee deportees illegal illegals undocumented wetback repatriated failure alien aliens"
        )
    ),
}
"""Words about a person that only that person may use (facts: voice)."""

ENGINE: tuple[Text, ...] = (
    engine.MOVED,
    repair.NOTHING_BEFORE,
    repair.NOT_UNDERSTOOD,
    repair.TAP_ONE,
    *(words for kind in vars(kinds).values() if isinstance(kind, kinds.Kind) for words in (kind.which,)),
    *(words for option in (walk.MORE, walk.SKIP, walk.OTHER) for words in (option.label, option.also) if words),
    *LABELS.values(),
    *MONTHS,
    *WEEKDAYS,
)
"""What the engine says of its own accord."""


def check(flows: Mapping[str, Flow], tongues: Sequence[Tongue]) -> Iterator[Finding]:
    for tongue in tongues:
        for text in dict.fromkeys(ENGINE):
            yield from _translated(Finding("engine", "", tongue.locale, ""), text, tongue)
        for flow in flows.values():
            yield from _translated(Finding(flow.name, "", tongue.locale, ""), flow.title, tongue)
            for name, step in flow.steps.items():
                at = Finding(flow.name, name, tongue.locale, "")
                for text in texts(step):
                    yield from _translated(at, text, tongue)
                yield from _read(at, step, tongue)


def _translated(at: Finding, text: Text, tongue: Tongue) -> Iterator[Finding]:
    said = tongue(text)
    if not _known(text, tongue):
        yield _at(at, f"not translated: {_cut(text)}")
    elif sorted(_SLOT.findall(said)) != sorted(_SLOT.findall(text)):
        yield _at(at, f"has other slots than its source: {_cut(said)}")
    if _BRACES.search(_SLOT.sub("", said)):
        yield _at(at, f"has a slot nobody can fill: {_cut(said)}")


def _known(text: Text, tongue: Tongue) -> bool:
    """Whether a language has words of its own for a literal. Spanish, the source, has no catalogue."""
    return tongue.knows is None or tongue.knows(text)


def _read(at: Finding, step: Step, tongue: Tongue) -> Iterator[Finding]:
    for message in _messages(step, tongue):
        if len(message) > LONGEST:
            yield _at(at, f"is {len(message)} characters, {LONGEST} at most: {_cut(message)}")
        unwelcome = UNKIND.get(tongue.locale, frozenset()) | (TOO_CLOSE if tongue.locale == "es" else frozenset())
        for word in dict.fromkeys(normalise.words(_with_accents(message))):
            if word in unwelcome:
                yield _at(at, f"says “{word}”: {_cut(message)}")


def _messages(step: Step, tongue: Tongue) -> Iterator[str]:
    """What a person reads, as far as it stands in the step: the lines a Say surely says are one message."""
    match step:
        case Say(lines=lines):
            yield from (tongue(line) for line in lines if slots(line))
            yield "\n".join(tongue(line) for line in lines if not slots(line))
        case Ask(text=text, sorry=sorry, kind=kind):
            yield from (tongue(text), tongue(sorry), tongue(kind.which))
            yield from (tongue(text) for text in texts(step) if text not in {*_others(step), step.text, step.sorry})
        case _:
            yield from (tongue(text) for text in texts(step) if text not in _others(step))


def _others(step: Step) -> set[Text]:
    """The other words for options: what people type, never what we say."""
    return {choice.also for choice in getattr(step, "options", {}).values() if choice.also is not None}


def _with_accents(text: str) -> str:
    """*Estás* is a *tú* word, *estas* and *éstas* are not: what differs only by its accent is told apart."""
    return re.sub(r"\b[eéEÉ]stas\b", "", text)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _at(where: Finding, problem: str) -> Finding:
    return Finding(where.flow, where.step, where.locale, problem)

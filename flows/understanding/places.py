"""Where a person is: the municipality or department they name, asked back when the name exists twice.

Codes are those of the Instituto Nacional de Estadística: "0901" a municipality, "D09" the department it lies in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .normalise import words
from .place_context import CUES, LOCATIVES, ORIGIN, PLAIN, Role, role
from .place_names import ABROAD, CONNECTIVES, FULL, Form, Names, departments, spell_out

_WORDS_READ = 70
_LONGEST_NAME = 6
_NEAR_TRIES = 16
_REPAIRS = 2
_LOOSE_READ = 12
_CANDIDATES = 12
_NATION = "D01"
"""The department that has the country's name: *Coatepeque, Guatemala* does not mean it."""

_TRAILING_NO = re.compile(r"\b[Nn]o\s*[,.;:]")
_VILLAGE = frozenset(
    words("aldea caserio canton colonia barrio finca parcelamiento sector paraje residencial col lotificacion")
)
_FILLER = CUES | LOCATIVES | CONNECTIVES | frozenset(
    words("mi me es un una yo si pues hola buenas buenos dias tardes noches gracias por favor que se con ya solo pero"
        " o lo le muy cerca alla lado parte zona municipio mero san santa santo")
)  # fmt: skip
_EDGES = (CUES | LOCATIVES | {"y", "de", "del"}) - {"ciudad", "pueblo"}


class Where(NamedTuple):
    """What was understood: a place, a question with its candidates, or nothing we serve."""

    decision: str
    """`place`, `ask` or `unknown`."""
    codes: tuple[str, ...]
    abroad: bool


class _Span(NamedTuple):
    start: int
    end: int
    form: Form
    role: Role


NOWHERE = Where("unknown", (), False)
ELSEWHERE = Where("unknown", (), True)


class Places:
    """The gazetteer, and how a sentence is read with it."""

    def __init__(self, names: Names, titles: Mapping[str, str]) -> None:
        self._names = names
        self._titles = dict(titles)

    @classmethod
    def learn(
        cls,
        municipalities: Sequence[Mapping[str, str]],
        aliases: Sequence[Mapping[str, str]],
        abroad: Sequence[str],
    ) -> Places:
        """Rows as in `knowledge/municipalities.csv` (code, name, department) and `place_aliases.csv` (alias, codes,
        kind); the names of `abroad.csv`. Every department is made from its municipalities."""
        titles = {row["code"]: row["name"] for row in municipalities}
        titles.update(departments(municipalities))
        return cls(Names.learn(municipalities, aliases, abroad), titles)

    def find(self, text: str) -> Where:
        """Where the person is, says this text: one name, or a sentence with a name in it."""
        tokens = spell_out(_TRAILING_NO.sub(" ", text))[:_WORDS_READ]
        spans = self._spans(tokens)
        if not spans:
            return NOWHERE
        if _abroad_in_passing(spans):
            spans = [span for span in spans if span.form.codes != (ABROAD,)]
        best = max(span.role.rank for span in spans)
        cue = max(span.role.cue for span in spans if span.role.rank == best)
        return self._settle(tokens, [span for span in spans if span.role == Role(best, cue)])

    def name(self, code: str) -> str:
        """The everyday name of a municipality or department. KeyError for a code that is neither."""
        return self._titles[code]

    def full_name(self, code: str) -> str:
        """*San Pablo, San Marcos*: a municipality with its department; a department alone."""
        if code.startswith("D"):
            return self._titles[code]
        return f"{self._titles[code]}, {self._titles[self.department(code)]}"

    def department(self, code: str) -> str:
        """The department ("D09") a code lies in."""
        return code if code.startswith("D") else "D" + code[:2]

    def _spans(self, tokens: list[str]) -> list[_Span]:
        found: list[tuple[int, int, Form]] = []
        at = 0
        while at < len(tokens):
            size = self._longest(tokens, at)
            if size is None:
                at += 1
                continue
            end, form = size
            found.append((at, end, form))
            at = end
        found = self._repaired(tokens, self._expected(tokens, found))
        covered = _covered(len(tokens), found)
        return [_Span(start, end, form, role(tokens, start, end, covered)) for start, end, form in found]

    def _longest(self, tokens: list[str], at: int) -> tuple[int, Form] | None:
        for end in range(min(len(tokens), at + _LONGEST_NAME), at, -1):
            if tokens[end - 1] not in CONNECTIVES and (form := self._names.exact(tokens[at:end])):
                return end, form
        return None

    def _expected(self, tokens: list[str], found: list[tuple[int, int, Form]]) -> list[tuple[int, int, Form]]:
        """Without the everyday words that stand where no place is expected."""
        covered = _covered(len(tokens), found)
        alone = all(covered[i] or token in _FILLER for i, token in enumerate(tokens))
        kept = []
        for start, end, form in found:
            beside = any(
                other is not form and not other.ordinary and (0 <= s - end <= 2 or 0 <= start - e <= 2)
                for s, e, other in found
            )
            if not form.ordinary or alone or beside or _located(tokens, start):
                kept.append((start, end, form))
        return kept

    def _repaired(self, tokens: list[str], found: list[tuple[int, int, Form]]) -> list[tuple[int, int, Form]]:
        """With the misspelled names that stand where a place is expected, or alone."""
        for _ in range(_REPAIRS):
            repaired = self._repaired_once(tokens, found)
            if repaired is None:
                break
            found = repaired
        return found

    def _repaired_once(
        self, tokens: list[str], found: list[tuple[int, int, Form]]
    ) -> list[tuple[int, int, Form]] | None:
        covered = _covered(len(tokens), found)
        loose = [i for i, token in enumerate(tokens) if not covered[i] and token not in _FILLER]
        if not loose or len(loose) > _LOOSE_READ:
            return None
        for start, end in _windows(tokens, loose)[:_NEAR_TRIES]:
            alone = start <= loose[0] and loose[-1] < end
            beside = start > 0 and (tokens[start - 1] in LOCATIVES or covered[start - 1])
            if not (alone or beside or (end < len(tokens) and covered[end])):
                continue
            kept = [span for span in found if span[1] <= start or end <= span[0]]
            within = {code for _, _, form in kept for code in form.codes if code.startswith("D") and code != _NATION}
            form = self._names.near(tokens[start:end], alone, frozenset(within))
            if form and (len(kept) == len(found) or (form.size > 1 and _single(form.codes))):
                return sorted([*kept, (start, end, form)])
        return None

    def _settle(self, tokens: list[str], spans: list[_Span]) -> Where:
        here = [span for span in spans if span.form.codes != (ABROAD,)]
        away = [span for span in spans if span.form.codes == (ABROAD,)]
        if not here or any(self._foreign(span, other) for span in here for other in away):
            return ELSEWHERE
        ranked = sorted((self._weigh(tokens, span, here) for span in here), key=lambda weighed: weighed[0])
        best = ranked[-1]
        rivals = [codes for _, codes, span in ranked if span.form.strength == FULL and _single(codes)]
        if len({codes[0] for codes in rivals}) > 1 and _between(tokens, spans) & {"o", "y", "entre"}:
            return _where(code for codes in rivals for code in codes if not code.startswith("D"))
        return _where(best[1])

    def _foreign(self, span: _Span, other: _Span) -> bool:
        """*San José, California*: a shared or everyday name with a foreign one right after it."""
        gap = other.start - span.end
        return 0 <= gap <= 1 and (span.form.ordinary or not _single(span.form.codes))

    def _weigh(
        self, tokens: list[str], span: _Span, here: list[_Span]
    ) -> tuple[tuple[bool, bool, bool, int, int], tuple[str, ...], _Span]:
        """How well a name says where, and the codes left when the departments beside it are taken into account."""
        codes, qualified = span.form.codes, False
        beside = [d for other in here if other is not span for d in other.form.codes if d.startswith("D")]
        for department in sorted(set(beside), key=lambda d: d == _NATION):
            inside = _inside(span.form.codes, department) or _inside(span.form.hidden, department)
            if inside:
                codes, qualified = inside, True
                break
        before = tokens[max(0, span.start - 2) : span.start]
        said = {*before, *tokens[span.end : span.end + 1]}
        if "departamento" in said and any(code.startswith("D") for code in codes):
            codes = tuple(code for code in codes if code.startswith("D"))
        elif {"municipio", "cabecera"} & set(before):
            codes = tuple(code for code in codes if not code.startswith("D")) or codes
        specific = not any(code.startswith("D") for code in codes)
        strength = 0 if before and before[-1] in _VILLAGE else span.form.strength
        return (
            (qualified and specific, specific and _single(codes), codes[-1] != _NATION, strength, -span.start),
            codes,
            span,
        )


def _where(codes: Iterable[str]) -> Where:
    listed = tuple(dict.fromkeys(code for code in codes if code != ABROAD))[:_CANDIDATES]
    if not listed:
        return ELSEWHERE
    return Where("place" if _single(listed) else "ask", listed, False)


def _abroad_in_passing(spans: Iterable[_Span]) -> bool:
    """*Houston Texas pero soy de Joyabaj*: nothing says that they are abroad, and something where they are from."""
    ranks = {span.role.rank for span in spans if span.form.codes == (ABROAD,)}
    return ranks == {PLAIN} and any(
        span.role.rank == ORIGIN and not span.form.ordinary for span in spans if span.form.codes != (ABROAD,)
    )


def _single(codes: tuple[str, ...]) -> bool:
    """One place, or a department and a town of it that share the name."""
    if len(codes) == 2:
        one, two = sorted(codes, key=lambda code: code.startswith("D"))
        return two.startswith("D") and one.startswith(two[1:])
    return len(codes) == 1


def _inside(codes: tuple[str, ...], department: str) -> tuple[str, ...]:
    return tuple(code for code in codes if code == department or code.startswith(department[1:]))


def _covered(size: int, found: Iterable[tuple[int, int, Form]]) -> list[bool]:
    covered = [False] * size
    for start, end, _ in found:
        covered[start:end] = [True] * (end - start)
    return covered


def _located(tokens: list[str], start: int) -> bool:
    """After *en*, or after *de* with a word that places the person before it."""
    if start == 0:
        return False
    before = tokens[start - 1]
    if before in {"en", "desde", "hacia", "municipio", "aldea", "in"}:
        return True
    return before in {"de", "por", "a", "para"} and any(t in CUES for t in tokens[max(0, start - 4) : start - 1])


def _windows(tokens: list[str], loose: list[int]) -> list[tuple[int, int]]:
    """Runs of up to five words with an unknown one in them, longest first."""
    windows = set()
    for i in loose:
        for start in range(max(0, i - 4), i + 1):
            for end in range(i + 1, min(len(tokens), start + 5) + 1):
                if not (_EDGES & {tokens[start], tokens[end - 1]}) and tokens[end - 1] not in CONNECTIVES:
                    windows.add((start, end))
    return sorted(windows, key=lambda window: (window[0] - window[1], window))


def _between(tokens: list[str], spans: list[_Span]) -> set[str]:
    return set(tokens[min(s.end for s in spans) : max(s.start for s in spans)]) | {
        tokens[s.start - 1] for s in spans if s.start
    }

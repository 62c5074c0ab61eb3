"""Every name a town or department goes by, found by its sound and through spelling mistakes.

A municipality is known by its full name, by the first part people say (*San Pedro*), and by the part that sets it
apart (*Soloma*). Names that several towns share keep all of them: whoever asks must choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from .normalise import words
from .phonetic import sound

ABROAD = "abroad"
CONNECTIVES = frozenset(words("de del la el los las y"))
_ARTICLES = frozenset(words("la el los las"))
_SAINTS = frozenset(words("san santa santo"))
_DEVOTIONS = frozenset(words("santiago concepcion"))
_SHORT = {
    "s": "san", "sn": "san", "snt": "santa", "sta": "santa", "snta": "santa", "sto": "santo", "stgo": "santiago",
    "pto": "puerto", "cd": "ciudad", "cdad": "ciudad", "depto": "departamento", "dpto": "departamento",
    "depa": "departamento", "muni": "municipio", "mun": "municipio", "mpio": "municipio", "nva": "nueva",
    "nvo": "nuevo", "z": "zona", "con": "con",
}  # fmt: skip

_TWICE = re.compile(r"(.)\1+")
_AS_J = re.compile(r"(?<![csptw])h(?!u)")
_NOT_TYPED = CONNECTIVES | _SAINTS
_NEAREST = 8
_BEGINNING = 5
_LITERAL = 3
"""Names up to this long (*reu*, *sm*) sound like too many other words."""

FULL, ALIAS, PART, VILLAGE = 4, 3, 2, 1
_STRENGTH = {"village": VILLAGE, "border post": VILLAGE, "region": PART, "zone": VILLAGE, "department": FULL}


class Form(NamedTuple):
    """One way of naming places: the codes it can mean, best first; codes only a department beside it brings out."""

    key: str
    letters: str
    codes: tuple[str, ...]
    hidden: tuple[str, ...]
    strength: int
    size: int
    """How many words it has."""
    ordinary: bool
    """Also an everyday word (*flores*, *la libertad*): a place only where a place is expected."""


def spell_out(text: str) -> list[str]:
    """Folded words with the abbreviations of place names written in full."""
    return [_SHORT.get(word, word) for word in words(text)]


def key_of(tokens: Iterable[str]) -> str:
    """The sound of a name, its words run together: *sanjuan* and *San Juan* are one. A very short one as written."""
    spoken = " ".join(tokens)
    if len(spoken) <= _LITERAL:
        return "=" + spoken
    return _TWICE.sub(r"\1", sound(spoken).replace(" ", ""))


def without_connectives(tokens: Sequence[str]) -> list[str]:
    """The name without its *de, del, la, los*: people leave them out."""
    return [token for token in tokens if token not in CONNECTIVES]


class Names:
    """All the forms, by exact sound and by nearness."""

    def __init__(self, forms: Mapping[str, Form], everyday: frozenset[str]) -> None:
        self._forms = dict(forms)
        self._everyday = everyday
        self._keys = [key for key in self._forms if not key.startswith("=")]
        self._sounds = self._keys
        self._letters = [self._forms[key].letters for key in self._keys]

    @classmethod
    def learn(
        cls,
        municipalities: Sequence[Mapping[str, str]],
        aliases: Sequence[Mapping[str, str]],
        abroad: Sequence[str],
    ) -> Names:
        """Collect the forms. Rows as in `knowledge/municipalities.csv` and `place_aliases.csv`."""
        table, everyday = _Table(), set[str]()
        for row in municipalities:
            for tokens, strength in _spoken(words(row["name"])):
                table.add(tokens, (row["code"],), strength)
        for department, name in departments(municipalities).items():
            table.add(words(name), (department,), FULL)
        for row in aliases:
            tokens, kind = spell_out(row["alias"]), row["kind"]
            if kind in ("not a place", "everyday word"):
                everyday.add(key_of(tokens))
                if kind == "not a place":
                    table.never.add(key_of(tokens))
                continue
            codes = tuple(code for code in row["codes"].split("|") if code)
            table.add(tokens, codes, _STRENGTH.get(kind, ALIAS), given=True, ordinary=kind == "ordinary")
        for name in abroad:
            table.add(spell_out(name), (ABROAD,), ALIAS)
        return cls(table.forms(), frozenset(everyday))

    def exact(self, tokens: Sequence[str]) -> Form | None:
        """The form that sounds like these words, with or without their connectives."""
        form = self._forms.get(key_of(tokens))
        if form is None and len(tokens) > 2:
            bare = without_connectives(tokens)
            if 1 < len(bare) < len(tokens):
                form = self._forms.get(key_of(bare))
        return form

    def near(self, tokens: Sequence[str], alone: bool, within: frozenset[str] = frozenset()) -> Form | None:
        """The nearest form within a few slips of the finger, or one these words begin.

        More is forgiven when nothing else was written (`alone`), and inside the departments named beside it.
        """
        if all(token in _NOT_TYPED or key_of([token]) in self._everyday for token in tokens):
            return None
        ranked = self._ranked(tokens, alone)
        inside = [(cost, form) for cost, form in ranked if _inside(form, within)]
        near = inside or [(cost, form) for cost, form in ranked if int(cost) <= _slips(len(form.key), alone)]
        if not near:
            return self._begun(key_of(tokens)) if alone or len(tokens) > 1 else None
        best = list({form.codes: form for cost, form in near if cost == near[0][0]}.values())
        return best[0] if len(best) == 1 else _either(best)

    def _ranked(self, tokens: Sequence[str], alone: bool) -> list[tuple[float, Form]]:
        """Forms of about as many words, nearest first: by sound, with a typed h heard as j, and by letters."""
        costs: dict[str, float] = {}
        spelled = "".join(tokens)
        for query, choices in (
            (key_of(tokens), self._sounds),
            (key_of([_AS_J.sub("j", token) for token in tokens]), self._sounds),
            (spelled, self._letters),
        ):
            slips = _slips(len(query), alone) + 1
            for _, distance, at in process.extract(
                query, choices, scorer=OSA.distance, score_cutoff=slips, limit=_NEAREST
            ):
                key, first = self._keys[at], choices[at][0]
                cost = distance + (first != query[0]) / 2
                costs[key] = min(cost, costs.get(key, cost))
        forms = [(cost, self._forms[key]) for key, cost in costs.items()]
        return sorted((near for near in forms if _alike(len(tokens), *near)), key=lambda near: (near[0], near[1].key))

    def _begun(self, key: str) -> Form | None:
        """The form this key is the beginning of (*sta lucia cotz*), when there is only one."""
        if len(key) < _BEGINNING:
            return None
        begun = {self._forms[other].codes: self._forms[other] for other in self._keys if other.startswith(key)}
        return next(iter(begun.values())) if len(begun) == 1 else None


def departments(municipalities: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The department codes ("D09") and names; a department has the first two digits of its municipalities."""
    return {"D" + row["code"][:2]: row["department"] for row in municipalities}


def _slips(length: int, alone: bool) -> int:
    if alone:
        return 0 if length < 4 else 1 if length < 7 else 2 if length < 11 else 3
    return 0 if length < 5 else 1 if length < 10 else 2


def _alike(size: int, cost: float, form: Form) -> bool:
    """Typing splits a word or runs two together; it does not make one word of three."""
    return abs(form.size - size) < (2 if cost < 2 else 1 + (size > 2))


def _inside(form: Form, within: frozenset[str]) -> bool:
    return any("D" + code[:2] in within for code in (*form.codes, *form.hidden) if not code.startswith("D"))


def _either(forms: list[Form]) -> Form:
    codes = tuple(dict.fromkeys(code for form in forms for code in form.codes))
    return Form(forms[0].key, forms[0].letters, codes, (), min(form.strength for form in forms), forms[0].size, False)


def _spoken(name: list[str]) -> list[tuple[list[str], int]]:
    """The full name and the parts of it people say, with how much each part says."""
    forms = [(name, FULL)]
    cut = 2 if name[0] in _SAINTS else 1 if name[0] in _DEVOTIONS else 0
    if cut and len(name) > cut:
        tail = name[cut:]
        while tail and tail[0] in CONNECTIVES and tail[0] not in _ARTICLES:
            tail = tail[1:]
        forms += [(name[:cut], FULL), (tail, PART)]
        if tail[0] in _ARTICLES and len(tail) > 1:
            forms.append((tail[1:], PART))
    elif name[0] in _ARTICLES and len(name) > 1:
        forms.append((name[1:], PART))
    return forms


class _Table:
    """Gathers what each key can mean before the strongest meanings are kept."""

    def __init__(self) -> None:
        self.never: set[str] = set()
        self._meanings: dict[str, dict[int, list[str]]] = {}
        self._given: dict[str, tuple[str, ...]] = {}
        self._strength: dict[str, int] = {}
        self._size: dict[str, int] = {}
        self._letters: dict[str, str] = {}
        self._ordinary: set[str] = set()

    def add(
        self, tokens: list[str], codes: tuple[str, ...], strength: int, given: bool = False, ordinary: bool = False
    ) -> None:
        for key in {key_of(tokens), key_of(without_connectives(tokens) if len(tokens) > 2 else tokens)}:
            self._size.setdefault(key, len(tokens))
            self._letters.setdefault(key, "".join(tokens))
            self._meanings.setdefault(key, {}).setdefault(strength, []).extend(codes)
            if given:  # an alias says what a name means: it stands above what we derive
                self._given[key] = codes
                self._strength[key] = strength
        if ordinary:
            self._ordinary |= {key_of(tokens), key_of(tokens[1:] if tokens[0] in _ARTICLES else tokens)}

    def forms(self) -> dict[str, Form]:
        found = {}
        for key, by_strength in self._meanings.items():
            if key in self.never:
                continue
            every = [code for strength in sorted(by_strength, reverse=True) for code in by_strength[strength]]
            strength = self._strength.get(key, max(by_strength))
            codes = self._given.get(key) or _home(tuple(dict.fromkeys(by_strength[strength])))
            hidden = tuple(dict.fromkeys(c for c in every if c not in codes and c != ABROAD))
            found[key] = Form(
                key, self._letters[key], codes, hidden, strength, self._size[key], key in self._ordinary
            )
        return found


def _home(codes: tuple[str, ...]) -> tuple[str, ...]:
    """A Guatemalan place before a foreign one of the same name."""
    return tuple(code for code in codes if code != ABROAD) or codes

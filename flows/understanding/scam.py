"""Whether a job offer a person pastes looks false, and the reasons, so that the person can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flows.text import Text, _
from flows.understanding.likeness import Likeness
from flows.understanding.offer import READER_SIGNS, Signs, Words, read

STRONG = 4.0
"""A rule from this weight on is not outweighed by what speaks for the offer."""

OFFERED, SURELY = 1.0, 3.0
"""Log-odds from which a text is an offer somebody shows or tells of, not their own question; and surely one."""

FEWEST = 8
"""Words an offer has at least, when nobody asked for one."""

LIKE = 2.0
"""What reading like a known false offer weighs: a reason to check, never alone a reason to refuse."""


class Verdict(NamedTuple):
    """red: do not go on; yellow: ask and check first; green: nothing that stands out, which is no guarantee."""

    label: str
    reasons: tuple[str, ...]


class Pattern(NamedTuple):
    """Signs that together show a reason; `within` words of the first (0: anywhere), after it if `order`."""

    weight: float
    within: int
    order: bool
    signs: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...]

    def holds(self, signs: Signs) -> bool:
        if any(name in signs for name in self.unless):
            return False
        places = []
        for either in self.signs:
            found = [at for name in either if name in signs for at in signs[name]]
            if not found:
                return False
            places.append(found)
        if not self.within or len(places) == 1:
            return True
        back = 0 if self.order else -self.within
        return any(_near(first, places[1:], back, self.within) for first in places[0])


def _near(first: int, others: Sequence[Sequence[int]], back: int, ahead: int) -> bool:
    return all(any(back <= at - first <= ahead and at != first for at in places) for places in others)


class Scams:
    """The rules and the known offers, ready to judge. A rule is a reason; their weights make the label."""

    def __init__(
        self, rules: Mapping[str, Any], examples: Sequence[Mapping[str, Any]], others: Sequence[str]
    ) -> None:
        self._words = Words(rules["words"])
        self._denied = frozenset(rules["denied"])
        self._turns = frozenset(rules["turns"])
        known = set(rules["words"]) | READER_SIGNS
        self._rules = {id: [_pattern(p, known) for p in patterns] for id, patterns in rules["rules"].items()}
        self._credits = [_pattern(p, known) for p in rules["credits"]]
        self._pardons = [_pattern(p, known) for p in rules["pardons"]]
        self._at = {name: float(rules[name]) for name in ("red", "yellow", "most_credit", "resembles")}
        for id in self._rules:
            if id not in REASONS:
                raise ValueError(f"scam rules: no words for the reason {id!r}")
        offers = [self._read(e["text"]) for e in examples]
        self._likeness = Likeness.learn(offers, [bool(e["scam"]) for e in examples])
        told = [_outline(offer) for offer in [*offers, *map(self._read, others)]]
        self._offerlike = Likeness.learn(told, [at < len(offers) for at in range(len(told))], pairs=False, rounds=30)

    @classmethod
    def learn(
        cls, rules: Mapping[str, Any], examples: Sequence[Mapping[str, Any]] = (), others: Sequence[str] = ()
    ) -> Scams:
        """`rules` is `knowledge/scam_rules.yaml` as read, `examples` lines of `scam_examples.jsonl`.

        Every example given is learnt from (its `text` and whether it is a `scam`): to measure, give the
        `train` ones only. Without any the rules judge alone. `others` are messages that are no offers: what
        people ask and tell. A missing part is a KeyError, an unknown sign
        or reason a ValueError.
        """
        return cls(rules, examples, others)

    def judge(self, text: str) -> Verdict:
        """The label and the rules that speak against the offer, heaviest first; any text, never raises."""
        words, signs = self._read(text)
        found = {id: max(p.weight for p in held) for id, held in self._held(signs).items()}
        strong = sum(weight for weight in found.values() if weight >= STRONG)
        credit = min(self._at["most_credit"], _weigh(self._credits, signs))
        total = strong + max(0.0, sum(found.values()) - strong - credit) - _weigh(self._pardons, signs)
        if self._likeness.of((words, signs)) >= self._at["resembles"]:
            found["resembles"] = LIKE
            total += LIKE
        label = "red" if total >= self._at["red"] else "yellow" if total >= self._at["yellow"] else "green"
        reasons = sorted(found, key=lambda reason: -found[reason]) if label != "green" else ()
        return Verdict(label, tuple(reasons))

    def offered(self, text: str, surely: bool = False) -> bool:
        """Whether a text is a job offer that somebody shows us, pasted or told; a few words never are."""
        if len(text.split(None, FEWEST)) < FEWEST:
            return False
        return self._offerlike.of(_outline(self._read(text))) >= (SURELY if surely else OFFERED)

    def _held(self, signs: Signs) -> dict[str, list[Pattern]]:
        held = {id: [p for p in patterns if p.holds(signs)] for id, patterns in self._rules.items()}
        return {id: patterns for id, patterns in held.items() if patterns}

    def _read(self, text: str) -> tuple[list[str], dict[str, list[int]]]:
        return read(text, self._words, self._denied, self._turns)


def _outline(offer: tuple[list[str], dict[str, list[int]]]) -> tuple[list[str], list[str]]:
    """Words, signs and about how long: an offer says more at once than a question does."""
    words, signs = offer
    return words, [*signs, f"long {min(len(words) // 4, 8)}"]


def _weigh(patterns: Sequence[Pattern], signs: Signs) -> float:
    return sum(p.weight for p in patterns if p.holds(signs))


def _pattern(given: Mapping[str, Any], known: set[str]) -> Pattern:
    signs = tuple(tuple(str(either).split("|")) for either in given["signs"])
    unless = tuple(given.get("unless", ()))
    for name in (*(name for either in signs for name in either), *unless):
        if name.removeprefix("no:") not in known:
            raise ValueError(f"scam rules: no such sign: {name!r}")
    return Pattern(float(given["weight"]), int(given.get("within", 0)), bool(given.get("order")), signs, unless)


REASONS: dict[str, Text] = {
    "fee": _("Le piden dinero por el trabajo o la visa. Es señal de estafa."),
    "personal_payment": _("El pago va a una cuenta personal o por un medio que no se puede reclamar."),
    "documents_kept": _("Se quedan con su pasaporte, su DPI o su teléfono. No entregue sus documentos originales."),
    "your_data": _("Piden fotos de sus documentos, códigos, claves o datos de banco."),
    "sure_visa": _("Prometen una visa segura. El Ministerio de Trabajo no emite visas y no cobra sus servicios."),
    "us_return": _(
        "Ofrecen volver a Estados Unidos con visa de trabajo. "
        "El Ministerio de Trabajo informa que ese país no acepta en su programa a personas retornadas."
    ),
    "impersonation": _("Usa el nombre de una institución. Pregunte usted en la oficina antes de seguir."),
    "unregistered_recruiter": _(
        "Es trabajo en otro país. Quien recluta debe estar registrado en el Ministerio de Trabajo: "
        "pida que se lo muestre."
    ),
    "travel_trap": _("Le pagan o le apuran el viaje sin contrato claro. Después pueden cobrárselo."),
    "women_only": _("Busca mujeres por su edad, su aspecto o sus fotos. Puede ser una trampa."),
    "alone_or_secret": _("Pide ir sola, no preguntar o guardar el secreto."),
    "courier": _("Piden llevar algo, cruzar a alguien o prestar una cuenta. Puede ser un delito."),
    "too_good": _("Ofrece mucho dinero y casi no pide nada."),
    "easy_home_money": _("Promete dinero fácil desde la casa o el teléfono."),
    "likes": _("Pagan por dar “me gusta”, calificar o hacer tareas. Después piden que usted deposite."),
    "pyramid": _("Hay que meter dinero o gente para ganar. Así funcionan las pirámides."),
    "strange_link": _("El enlace esconde a dónde lleva. No lo abra."),
    "private_contact": _("Solo hay un contacto privado. Pida el nombre y la dirección de la empresa."),
    "nameless": _("No dicen quiénes son ni dónde está la empresa."),
    "resembles": _("Se parece a ofertas falsas que ya conocemos. Pregunte quiénes son y dónde es el trabajo."),
    "pressure": _("Le meten prisa o le insisten en que no es estafa."),
}

"""Whether a job offer a person pastes looks false, and the reasons, so that the person can judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flows.text import Text, _
from flows.understanding.offer import Signs, Words, read

STRONG = 4.0
"""A rule from this weight on is not outweighed by what speaks for the offer."""


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
    """The rules of `knowledge/scam_rules.yaml`, ready to judge."""

    def __init__(
        self,
        words: Words,
        denied: frozenset[str],
        turns: frozenset[str],
        rules: Mapping[str, tuple[Pattern, ...]],
        credits: Sequence[Pattern],
        pardons: Sequence[Pattern],
        thresholds: tuple[float, float, float],
    ) -> None:
        self._words = words
        self._denied = denied
        self._turns = turns
        self._rules = rules
        self._credits = credits
        self._pardons = pardons
        self._red, self._yellow, self._most_credit = thresholds

    @classmethod
    def learn(cls, rules: Mapping[str, Any]) -> Scams:
        """`rules` is the file as read; a missing part is a KeyError, an unknown sign or reason a ValueError."""
        known = set(rules["words"]) | READER_SIGNS
        return cls(
            Words(rules["words"]),
            frozenset(rules["denied"]),
            frozenset(rules["turns"]),
            {id: tuple(_pattern(p, known) for p in _reasoned(id, ps)) for id, ps in rules["rules"].items()},
            [_pattern(p, known) for p in rules["credits"]],
            [_pattern(p, known) for p in rules["pardons"]],
            (rules["red"], rules["yellow"], rules["most_credit"]),
        )

    def judge(self, text: str) -> Verdict:
        """The label and the rules that speak against the offer, heaviest first; any text, never raises."""
        signs = read(text, self._words, self._denied, self._turns)
        found: dict[str, float] = {}
        for id, patterns in self._rules.items():
            weight = max((p.weight for p in patterns if p.holds(signs)), default=0.0)
            if weight:
                found[id] = weight
        credit = min(self._most_credit, sum(p.weight for p in self._credits if p.holds(signs)))
        strong = sum(weight for weight in found.values() if weight >= STRONG)
        weak = max(0.0, sum(found.values()) - strong - credit)
        total = strong + weak - sum(p.weight for p in self._pardons if p.holds(signs))
        label = "red" if total >= self._red else "yellow" if total >= self._yellow else "green"
        reasons = tuple(sorted(found, key=lambda id: -found[id])) if label != "green" else ()
        return Verdict(label, reasons)


READER_SIGNS = frozenset(
    "AMOUNT NUMBER WAGE GOOD_WAGE HIGH_WAGE HUGE_WAGE YOUNG SHORT_LINK ODD_LINK CHAT_LINK FREE_MAIL HANDLE FOREIGN_PHONE".split()
)


def _pattern(given: Mapping[str, Any], known: set[str]) -> Pattern:
    signs = tuple(tuple(str(either).split("|")) for either in given["signs"])
    unless = tuple(given.get("unless", ()))
    for name in (*(name for either in signs for name in either), *unless):
        if name.removeprefix("no:") not in known:
            raise ValueError(f"scam rules: no such sign: {name!r}")
    return Pattern(float(given["weight"]), int(given.get("within", 0)), bool(given.get("order")), signs, unless)


def _reasoned(id: str, patterns: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    if id not in REASONS:
        raise ValueError(f"scam rules: no words for the reason {id!r}")
    return patterns


REASONS: dict[str, Text] = {
    "fee": _("Le piden dinero para darle el trabajo o la visa. Un trabajo verdadero no se paga."),
    "personal_payment": _("El pago va a una cuenta personal o por un medio que no se puede reclamar."),
    "documents_kept": _("Se quedan con su pasaporte, su DPI o su teléfono. Nadie puede quitarle sus documentos."),
    "your_data": _("Piden fotos de sus documentos, códigos, claves o datos de banco."),
    "sure_visa": _("Prometen una visa segura. Nadie puede garantizar una visa: la decide el consulado."),
    "us_return": _(
        "Ofrecen volver a Estados Unidos con visa de trabajo. "
        "El Ministerio de Trabajo informa que ese país no acepta en el programa a quienes fueron deportados."
    ),
    "impersonation": _("Usa el nombre de una institución. Pregunte usted en la oficina antes de seguir."),
    "unregistered_recruiter": _(
        "Es trabajo en otro país. Quien recluta debe estar registrado en el Ministerio de Trabajo: pida que lo muestre."
    ),
    "travel_trap": _("Le pagan o le apuran el viaje sin contrato claro. Después pueden cobrárselo."),
    "women_only": _("Busca mujeres por su edad, su aspecto o sus fotos. Así engañan las redes de trata."),
    "alone_or_secret": _("Pide ir sola, no preguntar o guardar el secreto."),
    "courier": _("Piden llevar algo, cruzar a alguien o prestar una cuenta. Puede ser un delito."),
    "too_good": _("Ofrece mucho dinero y casi no pide nada."),
    "easy_home_money": _("Promete dinero fácil desde la casa o el celular."),
    "likes": _("Pagan por dar “me gusta”, calificar o hacer tareas. Después piden que usted deposite."),
    "pyramid": _("Hay que meter dinero o gente para ganar. Así funcionan las pirámides."),
    "strange_link": _("El enlace esconde a dónde lleva. No lo abra."),
    "private_contact": _("Solo hay un contacto privado. Pida el nombre y la dirección de la empresa."),
    "nameless": _("No dicen quiénes son ni dónde está la empresa."),
    "pressure": _("Le meten prisa o le insisten en que no es estafa."),
}

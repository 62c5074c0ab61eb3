"""What the directory and the rules let us say of a pasted job offer, and of certifying what somebody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot import knowledge
from flows.understanding.scam import REASONS

if TYPE_CHECKING:
    from bot.queries import Asker

READ, STEP = 1000, 800
"""Characters of an offer judged at a time, and how far on the next part begins: one that came in several messages."""

MOST_REASONS = 4
"""Reasons told: what fits a small screen; the heaviest come first."""

LABELS = ("green", "yellow", "red")
ABROAD = frozenset({"sure_visa", "us_return", "unregistered_recruiter"})
"""Reasons that only stand against work in another country."""


def verdict(asker: Asker, offer: str) -> dict[str, Any]:
    """The worst label of an offer's parts, and the reasons of all in words: `label`, `reasons`, `abroad`."""
    parts = [offer[at : at + READ] for at in range(0, max(1, len(offer) - READ + STEP), STEP)]
    judged = [asker.mind.scams.judge(part) for part in parts]
    judged.sort(key=lambda found: -LABELS.index(found.label))
    reasons = list(dict.fromkeys(reason for found in judged for reason in found.reasons))
    return {
        "label": judged[0].label,
        "reasons": [asker.in_words(REASONS[reason]) for reason in reasons[:MOST_REASONS]],
        "abroad": not ABROAD.isdisjoint(reasons),
    }


def certificate(trade: str | None) -> Mapping[str, Any] | None:
    """The entry of `certificates.yaml` for a trade; None for one that is not certified that way, or not known."""
    routes: list[dict[str, Any]] = knowledge.facts("certificates.yaml")
    fits = (route for route in routes if trade and trade.startswith(tuple(route["trades"])))
    return next(fits, None)


def certified(told: Mapping[str, Any], route: Mapping[str, Any]) -> dict[str, Any]:
    """A service as told, with the facts to be said of it as one `fact`."""
    said = {
        locale: " ".join(facts[at] for at in route["facts"] if at < len(facts))
        for locale, facts in told["facts"].items()
    }
    return {**told, "fact": said}

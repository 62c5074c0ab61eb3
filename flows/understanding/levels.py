"""Says how soon somebody must be helped: R0 now, R1 the same day, R2 within 72 hours."""

from __future__ import annotations

from collections.abc import Set

ALWAYS = {
    "suicide_selfharm": "R0",
    "immediate_danger": "R0",
    "medical_emergency": "R0",
    "child_alone_or_missing": "R0",
    "minor_writing_alone": "R1",
    "no_shelter_tonight": "R1",
    "hunger_or_stranded": "R2",
}
"""Kinds whose level does not hang on what else is said (facts: flags that trigger a handoff)."""

LIFE = {
    "partner_or_family_violence": ({"weapon"}, {"choke"}, {"happening"}, {"child_harmed"}),
    "sexual_violence": ({"child"}, {"family"}, {"happening"}),
    "trafficking_or_forced_labour": (
        {"captive"},
        {"captive!"},
        {"sexual"},
        {"sold"},
        {"force_sex"},
        {"child"},
        {"gang"},
        {"leave_v"},
    ),
    "extortion_or_threats": ({"held"}, {"happening", "weapon"}),
    "missing_relative_on_route": ({"teen"},),
    "official_abuse": ({"happening"},),
}
"""Ideas that, all of one set present, put a life or a child at stake now."""

HARM = {"hit", "threaten", "choke", "weapon", "sexual", "kill", "touch", "pain", "happening"}
MONEY = {"bribe", "demand", "take"}


def level(kind: str, ideas: Set[str], minor: bool) -> str:
    """R0, R1 or R2 for a kind of danger and the ideas said with it; `minor`: the person says they are under 18.

    In doubt the sooner: a wrong handoff is cheaper than a missed one.
    """
    if kind in ALWAYS:
        return ALWAYS[kind]
    if minor or any(needed <= ideas for needed in LIFE[kind]):
        return "R0"
    if kind == "trafficking_or_forced_labour" and not ideas & {"documents", "past", "demand", "forced!"}:
        return "R0"
    if kind == "official_abuse" and ideas & MONEY and not ideas & HARM:
        return "R2"
    return "R1"

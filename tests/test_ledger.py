"""Names that are stored: changing one strands the people whose conversations stand there, so none may just go.

`ledger.json` lists every flow, step, option and answer that has ever been in a release. `pytest --accept` adds new
ones; what disappears stays in the ledger, and fails here until a step says what it is called now (`renamed`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.conversations import FLOWS
from flows.steps import Ask, Choose, Flow, Pick

LEDGER = Path(__file__).with_name("ledger.json")
GONE_FOR_GOOD: frozenset[str] = frozenset()
"""Names whose end was decided, each with the reason in the commit that put it here."""

Names = Mapping[str, Mapping[str, Any]]


def stored(flows: Mapping[str, Flow]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "steps": {
                step_name: sorted(step.options) if isinstance(step, Ask | Choose | Pick) else []
                for step_name, step in sorted(flow.steps.items())
            },
            "answers": sorted({*flow.saved(), *flow.takes}),
        }
        for name, flow in sorted(flows.items())
    }


def lost(ledger: Names, flows: Mapping[str, Flow]) -> list[str]:
    """Names in the ledger that lead nowhere today."""
    today, gone = stored(flows), []
    for name, once in ledger.items():
        if name not in today:
            gone.append(name)
            continue
        for step, options in once["steps"].items():
            now = flows[name].renamed.get(step, step)
            if now not in flows[name].steps:
                gone.append(f"{name}.{step}")
            else:
                gone += [f"{name}.{step}.{option}" for option in set(options) - set(today[name]["steps"][now])]
        gone += [f"{name}:{answer}" for answer in set(once["answers"]) - set(today[name]["answers"])]
    return sorted(set(gone) - GONE_FOR_GOOD)


def joined(ledger: Names, now: Names) -> dict[str, dict[str, Any]]:
    """The ledger with today's names added; nothing is ever taken out."""
    both: dict[str, dict[str, Any]] = {}
    for name in sorted({*ledger, *now}):
        old, new = ledger.get(name, {"steps": {}, "answers": []}), now.get(name, {"steps": {}, "answers": []})
        both[name] = {
            "steps": {
                step: sorted({*old["steps"].get(step, ()), *new["steps"].get(step, ())})
                for step in sorted({*old["steps"], *new["steps"]})
            },
            "answers": sorted({*old["answers"], *new["answers"]}),
        }
    return both


def test_no_stored_name_is_lost(accept: bool) -> None:
    ledger = json.loads(LEDGER.read_text("utf-8"))
    if accept:
        LEDGER.write_text(json.dumps(joined(ledger, stored(FLOWS)), indent=1) + "\n", "utf-8")
    assert not lost(ledger, FLOWS), "a step says what it is called now with renamed={…}; see the top of this file"


def test_every_name_of_today_is_in_the_ledger() -> None:
    ledger = json.loads(LEDGER.read_text("utf-8"))
    assert joined(ledger, stored(FLOWS)) == ledger, "run: pytest --accept"


def without(step: str, **renamed: str) -> dict[str, Flow]:
    """The conversations after somebody took a step out of the fairs."""
    fairs = FLOWS["fairs"]
    steps = {name: kept for name, kept in fairs.steps.items() if name != step}
    return {**FLOWS, "fairs": Flow("fairs", fairs.start, steps, fairs.title, renamed=renamed)}


def test_a_step_that_disappears_is_missed_until_it_is_renamed() -> None:
    ledger = stored(FLOWS)
    assert "fairs.gone" in lost(ledger, without("gone"))
    assert lost(ledger, without("gone", gone="nothing")) == []


def test_flows_options_and_answers_that_disappear_are_missed() -> None:
    ledger = stored(FLOWS)
    assert lost(ledger, {name: flow for name, flow in FLOWS.items() if name != "fairs"}) == ["fairs"]
    smaller = {name: dict(entry) for name, entry in ledger.items()}
    smaller["menu"]["steps"] = {"ask": [*ledger["menu"]["steps"]["ask"], "once"]}
    smaller["menu"]["answers"] = ["once"]
    assert lost(smaller, FLOWS) == ["menu.ask.once", "menu:once"]


def test_what_is_gone_stays_in_the_ledger() -> None:
    once = {"menu": {"steps": {"ask": ["once"], "old": []}, "answers": ["once"]}}
    both = joined(once, stored(FLOWS))["menu"]
    assert "old" in both["steps"] and "once" in both["steps"]["ask"] and "once" in both["answers"]

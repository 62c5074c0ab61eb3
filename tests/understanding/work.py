"""The two engines as the tests and the report load them, and what counts as right."""

import csv
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import flows.knowledge
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places

KNOWLEDGE = Path(flows.knowledge.__file__).parent
TRADES = KNOWLEDGE / "trades"


def rows(path: str) -> list[dict[str, str]]:
    with (KNOWLEDGE / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cases(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (KNOWLEDGE / path).read_text(encoding="utf-8").splitlines()]


def lexicon() -> list[dict[str, str]]:
    files = sorted(path.name for path in TRADES.glob("*.csv") if path.name != "official.csv")
    return [row for name in files for row in rows(f"trades/{name}")]


def learn_places() -> Places:
    return Places.learn(
        rows("municipalities.csv"),
        rows("place_aliases.csv") + rows("place_lookalikes.csv"),
        [row["name"] for row in rows("abroad.csv")],
    )


def learn_occupations() -> Occupations:
    return Occupations.learn(lexicon(), rows("isco08.csv"), rows("trades/official.csv"))


places = lru_cache(maxsize=1)(learn_places)
occupations = lru_cache(maxsize=1)(learn_occupations)


def place_verdict(case: dict[str, Any]) -> str:
    """`right`, `asked` (a question where a place was meant), `missed` or `wrong`."""
    where = places().find(case["text"])
    if case["gold"] == ["AMB"]:
        return "right" if where.decision == "ask" else "wrong" if where.decision == "place" else "missed"
    if case["gold"] == ["NONE"]:
        same = where.decision == "unknown" and where.abroad == case.get("abroad", where.abroad)
        return "right" if same else "wrong"
    if where.decision == "place":
        return "right" if where.codes[0] in case["gold"] else "wrong"
    return "asked" if where.decision == "ask" else "missed"


def rank(case: dict[str, Any]) -> int | None:
    """The place of the first acceptable occupation among the answers, from 1."""
    codes = [trade.code for trade in occupations().find(case["text"])]
    return next((i for i, code in enumerate(codes, 1) if code in case["gold"]), None)

"""The service engine as its tests and its report load it, and what counts as right."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

import flows.knowledge
from bot import knowledge
from flows.understanding.services import Decision, Services

KNOWLEDGE = Path(flows.knowledge.__file__).parent


QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where it is built in: ten times as fast."""


def load(name: str) -> Any:
    return yaml.load((KNOWLEDGE / name).read_text(encoding="utf-8"), Loader=QUICK)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


RECORDS: list[dict[str, Any]] = load("services.yaml")["services"]
CUES: dict[str, Any] = load("service_cues.yaml")
THESAURUS: dict[str, Any] = load("thesaurus.yaml")
OUTSIDE = lines(KNOWLEDGE / "out_of_scope.jsonl")
QUESTIONS = lines(KNOWLEDGE / "service_questions_test.jsonl")
TRAIN = knowledge.out_of_scope("train")
CHATTER = [line for line in OUTSIDE if line["split"] == "test"]


@lru_cache(maxsize=1)
def services() -> Services:
    return Services.learn(RECORDS, CUES, THESAURUS, TRAIN)


def first_right(decision: Decision, case: Mapping[str, Any]) -> bool:
    return decision.ids[:1] != () and decision.ids[0] in case["gold"]


def among_three(decision: Decision, case: Mapping[str, Any]) -> bool:
    return any(id in case["gold"] for id in decision.ids[:3])


def wrongly_stated(decision: Decision, case: Mapping[str, Any]) -> bool:
    """Answered directly with a service that neither answers the question nor was said to come close."""
    accepted = [*case.get("gold", ()), *case.get("tolerated", ())]
    return decision.decision == "answer" and decision.ids[0] not in accepted

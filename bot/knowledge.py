"""The knowledge files of the flows, read once at start, and the mind that is built from them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml

from bot import learning
from flows.mind import Mind
from flows.understanding.age import declared_age
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places
from flows.understanding.scam import Scams
from flows.understanding.services import Services

THINNED = 3
"""One in so many of our other messages teaches what is no offer: all of them teach no more, and take longer."""

T = TypeVar("T")

_ROOT = files("flows.knowledge")


def text(name: str) -> str:
    """A knowledge file as text; `name` is its path below flows/knowledge."""
    return _ROOT.joinpath(*name.split("/")).read_text("utf-8")


@cache
def facts(name: str) -> Any:
    """A YAML file of the knowledge, as plain dicts and lists; not to be changed by the caller."""
    return yaml.load(text(name), Loader=yaml.CSafeLoader)


def table(name: str) -> list[dict[str, str]]:
    """A CSV file of the knowledge, one dict a row."""
    return list(csv.DictReader(text(name).splitlines()))


def lines(name: str) -> list[dict[str, Any]]:
    """A JSON Lines file of the knowledge."""
    return [json.loads(line) for line in text(name).splitlines() if line.strip()]


def mind(services: Sequence[Mapping[str, Any]] | None = None, kept: Path | None = None) -> Mind:
    """Everything the bot understands, built from the files; `services` are the directory's records as they stand.

    `kept` is a folder for what took long to learn; it is learnt again when the files it comes from change. Danger and
    commands are there at once; the others by the time a conversation comes to them (`learning.warm`).
    """
    records = facts("services.yaml")["services"] if services is None else services
    return Mind(
        dangers=dangers(kept),
        commands=commands(kept),
        places=places(),
        trades=later(lambda: trades(kept)),
        services=later(lambda: directory(records, kept)),
        scams=later(lambda: scams(kept)),
        age=declared_age,
    )


_TRADES = tuple(f"trades/{file.name}" for file in sorted(_ROOT.joinpath("trades").iterdir(), key=lambda f: f.name)
                if file.name.endswith(".csv"))  # fmt: skip
_SAFE = {"economica", "educacion", "documentos"}
"""Dimensions of services nobody in danger asks for because of it."""

_NO_OFFERS = ("danger/messages.jsonl", "danger/look_alikes.jsonl", "out_of_scope.jsonl")

_DANGER = tuple(
    f"danger/{name}"
    for name in ("messages.jsonl", "look_alikes.jsonl", "concepts.yaml", "scenes.yaml", "ordinary.yaml")
)
FILES: Mapping[str, tuple[str, ...]] = {
    "dangers": (*_DANGER, "services.yaml", "service_cues.yaml", "out_of_scope.jsonl"),
    "services": ("service_cues.yaml", "thesaurus.yaml", "out_of_scope.jsonl"),
    "commands": ("commands.yaml",),
    "trades": (*_TRADES, "isco08.csv"),
    "scams": ("scam_rules.yaml", "scam_examples.jsonl", *_NO_OFFERS),
}
"""What each engine that takes some time is learnt from, besides the directory."""


def sources(engine: str) -> list[str]:
    """The text of the files an engine is learnt from: when one changes it is learnt again."""
    return [text(name) for name in FILES[engine]]


def later(make: Callable[[], T]) -> T:
    """Stands for what `make` makes, and makes it when it is asked something."""
    return learning.Later(make)  # type: ignore[return-value]


def dangers(kept: Path | None = None) -> Dangers:
    """Danger, learnt from every labelled line we have."""

    def learn() -> Dangers:
        return Dangers.learn(danger_lines(), danger_patterns())

    return learning.kept(kept, "dangers", sources("dangers"), learn)


def danger_lines(split: str = "") -> list[dict[str, Any]]:
    """Messages labelled danger or harmless, of one split ("train", "test") or all; the questions belong to "train".

    Harmless are, besides the look-alikes, small talk and what people ask about services that are not for people in
    danger: a question about a shelter may be somebody's last hope, a question about a diploma is not.
    """
    told = [*lines("danger/messages.jsonl"), *lines("danger/look_alikes.jsonl")]
    told += [{**line, "kind": None} for line in lines("out_of_scope.jsonl")]
    if split != "test":
        told += [{"text": text, "kind": None, "style": "question", "split": "train"} for text in _safe_questions()]
    return [line for line in told if not split or line["split"] == split]


def _safe_questions() -> list[str]:
    safe = {record["id"] for record in facts("services.yaml")["services"] if record["dimension"] in _SAFE}
    cues = facts("service_cues.yaml")
    asked = [entry for id, entry in cues["records"].items() if id in safe]
    asked += [entry for entry in cues["needs"].values() if entry["ids"] and safe.issuperset(entry["ids"])]
    return list(dict.fromkeys(text for entry in asked for tongue in ("es", "en") for text in entry.get(tongue, ())))


def danger_patterns() -> dict[str, Any]:
    """The lexicon of danger, its scenes and the everyday words around it, as `Dangers.learn` takes them."""
    scenes, ordinary = facts("danger/scenes.yaml"), facts("danger/ordinary.yaml")
    return {"concepts": facts("danger/concepts.yaml"), **scenes, **ordinary}


def directory(services: Sequence[Mapping[str, Any]], kept: Path | None = None) -> Services:
    """Questions about services, learnt from the records and from what people say when they need each."""

    def learn() -> Services:
        out_of_scope = [line["text"] for line in lines("out_of_scope.jsonl")]
        return Services.learn(services, facts("service_cues.yaml"), facts("thesaurus.yaml"), out_of_scope)

    records = json.dumps(services, ensure_ascii=False, default=str)
    return learning.kept(kept, "services", [*sources("services"), records], learn)


@cache
def places() -> Places:
    """Municipalities and departments, and how people write them."""
    known = [*table("place_aliases.csv"), *table("place_lookalikes.csv")]
    return Places.learn(table("municipalities.csv"), known, [row["name"] for row in table("abroad.csv")])


def commands(kept: Path | None = None) -> Commands:
    """What people write to steer the conversation."""
    return learning.kept(kept, "commands", sources("commands"), lambda: Commands.learn(facts("commands.yaml")))


def trades(kept: Path | None = None) -> Occupations:
    """Trades, from a worker's own words; the official titles count less."""

    def learn() -> Occupations:
        own = [row for name in _TRADES if name != "trades/official.csv" for row in table(name)]
        return Occupations.learn(own, table("isco08.csv"), table("trades/official.csv"))

    return learning.kept(kept, "trades", sources("trades"), learn)


def scams(kept: Path | None = None) -> Scams:
    """Offers that may be a scam, and why."""

    def learn() -> Scams:
        told = [line["text"] for name in _NO_OFFERS for line in lines(name)]
        return Scams.learn(facts("scam_rules.yaml"), lines("scam_examples.jsonl"), told[::THINNED])

    return learning.kept(kept, "scams", sources("scams"), learn)


if __name__ == "__main__":  # one part of a first start, in a process of its own (bot.learning.ahead)
    folder, part = Path(sys.argv[1]), sys.argv[2]
    if part == "dangers":
        dangers(folder)
    else:
        directory(facts("services.yaml")["services"], folder)

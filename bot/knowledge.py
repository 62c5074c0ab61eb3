"""The knowledge files of the flows, read once at start, and the mind that is built from them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from flows.understanding.normalise import words
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places
from flows.understanding.scam import Scams
from flows.understanding.services import Services

THINNED = 3
"""One in so many of our other messages teaches what is no offer: all of them teach no more, and take longer."""

TAUGHT = 3
"""How often a text counts that staff have said the meaning of: one line among thousands would hardly be heard."""

CHATTER = frozenset({"idiom", "noticia", "charla"})
"""Styles of harmless message, among those that share words with danger, that no service answers either."""

SPLITS = ("train", "test")

PLACE = 4
"""Words of a text that may be another name of a place; in a longer one the name is only a part."""

NOTHING, ABROAD = "nothing", "abroad"
"""What staff say of a text that means nothing of ours, and of a place outside Guatemala."""

T = TypeVar("T")

Said = Mapping[str, Sequence[Sequence[str]]]
"""By kind ("service", "trade", "place", "message"): texts nobody understood and what staff said each is."""


@dataclass(frozen=True, slots=True)
class Own:
    """What a house itself brings to what the files say: its directory's records, and what its staff said texts are."""

    services: Sequence[Mapping[str, Any]]
    said: Said = field(default_factory=dict)

    def told(self) -> str:
        """As a process of its own reads it."""
        return json.dumps({"services": self.services, "said": self.said}, ensure_ascii=False, default=str)

    def texts(self, kind: str, *labels: str) -> list[str]:
        return [text for text, label in self.said.get(kind, ()) if label in labels]


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


def mind(own: Own | None = None, kept: Path | None = None, apart: bool = False) -> Mind:
    """Everything the bot understands, built from the files and what the house itself brings.

    `kept` is a folder for what took long to learn; it is learnt again when what it comes from changes, with `apart`
    in a process of its own. Danger, commands and places are there at once; the others by the time a conversation
    comes to them (`learning.warm`).
    """
    brought = own or shipped()
    return Mind(
        dangers=dangers(kept),
        commands=commands(kept, brought),
        places=gazetteer(brought) if brought.said.get("place") else places(),
        trades=later(lambda: trades(kept, brought, apart)),
        services=later(lambda: directory(brought, kept, apart)),
        scams=later(lambda: scams(kept, apart)),
        age=declared_age,
    )


def taught(before: Mind, own: Own, kept: Path) -> Mind:
    """The same mind with what staff have said since, all of it learnt when this returns; takes seconds."""
    now = replace(
        before,
        commands=commands(kept, own),
        places=gazetteer(own),
        trades=later(lambda: trades(kept, own, apart=True)),
        services=later(lambda: directory(own, kept, apart=True)),
    )
    learning.make((now.trades, now.services))
    return now


def shipped() -> Own:
    """What a house brings that has changed nothing."""
    return Own(facts("services.yaml")["services"])


_TRADES = tuple(f"trades/{file.name}" for file in sorted(_ROOT.joinpath("trades").iterdir(), key=lambda f: f.name)
                if file.name.endswith(".csv"))  # fmt: skip
IDLE = {"word", "word_en", "othersense", "strongword", "strongword_en", "shopping", "shopping_en", "services_other",
        "localservices", "transport", "household", "money", "moneytalk", "commerce"}  # fmt: skip
"""Styles of small talk in which nobody greets, thanks or steers the bot."""

SHORT, EACH = 14, 12
"""The longest line that could be taken for a command, in words; but for services one in so many teaches enough."""

_SAFE = {"economica", "educacion", "documentos"}
"""Dimensions of services nobody in danger asks for because of it."""

_FOR_MONEY = {"fee", "likes", "pyramid", "toogood", "visa", "impersonation", "raffle"}
"""Kinds of scam that take money; the others may take a person."""

_NO_OFFERS = ("danger/messages.jsonl", "danger/look_alikes.jsonl", "out_of_scope.jsonl")

_DANGER = tuple(
    f"danger/{name}"
    for name in ("messages.jsonl", "look_alikes.jsonl", "concepts.yaml", "scenes.yaml", "ordinary.yaml")
)
FILES: Mapping[str, tuple[str, ...]] = {
    "dangers": (*_DANGER, "services.yaml", "service_cues.yaml", "out_of_scope.jsonl", "scam_examples.jsonl"),
    "services": ("service_cues.yaml", "thesaurus.yaml", "out_of_scope.jsonl", "danger/look_alikes.jsonl"),
    "commands": (
        "commands.yaml",
        "service_cues.yaml",
        "out_of_scope.jsonl",
        "municipalities.csv",
        *_TRADES,
        "danger/messages.jsonl",
        "danger/look_alikes.jsonl",
    ),
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

    Harmless are, besides the look-alikes, small talk, job offers that are no trap but for the purse, and what people
    ask about services that are not for people in danger: a question about a shelter may be somebody's last hope, a
    question about a diploma is not.
    """
    told = [*lines("danger/messages.jsonl"), *lines("danger/look_alikes.jsonl")]
    told += [{**line, "kind": None} for line in lines("out_of_scope.jsonl")]
    offers = (line for line in lines("scam_examples.jsonl") if not line["scam"] or line["kind"] in _FOR_MONEY)
    told += [{**line, "kind": None, "style": "offer"} for line in offers]
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


def directory(own: Own, kept: Path | None = None, apart: bool = False) -> Services:
    """Questions about services, learnt from the records and from what people say when they need each."""

    def learn() -> Services:
        idle = out_of_scope()
        idle += own.texts("service", NOTHING) * TAUGHT
        return Services.learn(own.services, _cues(own), facts("thesaurus.yaml"), idle)

    brought = Own(own.services, {"service": own.said.get("service", ())}).told()
    return learning.kept(kept, "services", [*sources("services"), brought], learn, brought if apart else None)


def out_of_scope(*splits: str) -> list[str]:
    """Messages no service answers, of these splits or of all: chatter, and turns of phrase that only sound grave."""
    told = [line for line in lines("danger/look_alikes.jsonl") if line["style"].partition("/")[0] in CHATTER]
    return [line["text"] for line in (*lines("out_of_scope.jsonl"), *told) if line["split"] in (splits or SPLITS)]


def _cues(own: Own) -> dict[str, Any]:
    """What people say when they need each service, with what staff have said since."""
    cues = facts("service_cues.yaml")
    records = dict(cues["records"])
    for text, label in own.said.get("service", ()):
        if label != NOTHING:
            known = records.get(label) or {}
            records[label] = {**known, "es": [*known.get("es", ()), *[text] * TAUGHT]}
    return {**cues, "records": records}


@cache
def places() -> Places:
    """Municipalities and departments, and how people write them."""
    return gazetteer(Own(()))


def gazetteer(own: Own) -> Places:
    """The same, with the names staff have told us."""
    known = [*table("place_aliases.csv"), *table("place_lookalikes.csv")]
    abroad = [row["name"] for row in table("abroad.csv")]
    for text, label in own.said.get("place", ()):
        if len(words(text)) > PLACE or label == NOTHING:
            continue
        if label == ABROAD:
            abroad.append(text)
        else:
            known.append({"alias": text, "codes": label, "kind": "people"})
    return Places.learn(table("municipalities.csv"), known, abroad)


def commands(kept: Path | None = None, own: Own | None = None) -> Commands:
    """What people write to steer the conversation."""
    said = own.said.get("message", ()) if own else ()

    def learn() -> Commands:
        data = facts("commands.yaml")
        meant = {name: [*said_so, *(t for t, label in said if label == name)]
                 for name, said_so in data["commands"].items()}  # fmt: skip
        others = [*data["others"], *(text for text, label in said if label == NOTHING)]
        return Commands.learn({**data, "commands": meant, "others": others}, elsewhere())

    return learning.kept(kept, "commands", [*sources("commands"), json.dumps(said, ensure_ascii=False)], learn)


def elsewhere() -> list[str]:
    """What people write that steers nothing: what they need, their trade, their town, danger, small talk."""
    records = facts("service_cues.yaml")["records"].values()
    needs = [line for record in records for line in (*record["es"], *record["en"])]
    idle = [
        line["text"] for line in lines("out_of_scope.jsonl") if line["split"] == "train" and line["style"] in IDLE
    ]
    harm = [line["text"] for line in danger_lines("train") if line["kind"] or not line["style"].startswith("charla")]
    crafts = [row["phrase"] for name in _TRADES if name != "trades/official.csv" for row in table(name)]
    towns = [row["name"] for row in table("municipalities.csv")]
    return [*_short(needs)[::2], *_short([*idle, *harm, *crafts])[::EACH], *towns]


def _short(told: Sequence[str]) -> list[str]:
    return [line for line in told if len(line.split()) <= SHORT]


def trades(kept: Path | None = None, own: Own | None = None, apart: bool = False) -> Occupations:
    """Trades, from a worker's own words; the official titles count less."""
    said = own.said.get("trade", ()) if own else ()

    def learn() -> Occupations:
        worded = [row for name in _TRADES if name != "trades/official.csv" for row in table(name)]
        worded += [{"phrase": text, "codes": label} for text, label in said if label != NOTHING]
        return Occupations.learn(worded, table("isco08.csv"), table("trades/official.csv"))

    told = own.told() if own and apart else None
    return learning.kept(kept, "trades", [*sources("trades"), json.dumps(said, ensure_ascii=False)], learn, told)


def scams(kept: Path | None = None, apart: bool = False) -> Scams:
    """Offers that may be a scam, and why."""

    def learn() -> Scams:
        told = [line["text"] for name in _NO_OFFERS for line in lines(name)]
        return Scams.learn(facts("scam_rules.yaml"), lines("scam_examples.jsonl"), told[::THINNED])

    return learning.kept(kept, "scams", sources("scams"), learn, "{}" if apart else None)


def learn_apart(folder: Path, engine: str, told: str) -> None:
    """One engine, learnt in a process of its own and kept for the one that asked (`bot.learning.kept`, `ahead`)."""
    own = Own(**json.loads(told or "{}") or {"services": ()})
    make: Mapping[str, Callable[[], object]] = {
        "dangers": lambda: dangers(folder),
        "services": lambda: directory(own, folder),
        "trades": lambda: trades(folder, own),
        "scams": lambda: scams(folder),
    }
    make[engine]()


if __name__ == "__main__":
    learn_apart(Path(sys.argv[1]), sys.argv[2], sys.stdin.read())

"""What each part of an engine is worth: the held-out figures with it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot import heldout, knowledge
from bot.heldout import Figure
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places
from flows.understanding.scam import Scams
from flows.understanding.services import Services

Made = Iterator[tuple[str, Callable[[], Any]]]


def main(engines: Mapping[str, Any]) -> None:
    for name, variants in VARIANTS.items():
        lines = heldout.lines(name)
        whole = heldout.figures(name, heldout.JUDGES[name](engines[name], lines))
        print(f"\n{name}: each part off, and what that does to the figures")
        print(f"  {'all parts':34} " + "  ".join(f"{figure.name} {figure.share:.3f}" for figure in whole))
        for without, make in variants():
            found = heldout.figures(name, heldout.JUDGES[name](make(), lines))
            print(f"  {without:34} " + changed(whole, found))


def changed(whole: list[Figure], found: list[Figure]) -> str:
    """The figures that moved by more than half a point."""
    shares = {figure.name: figure.share for figure in found}
    moved = [(f.name, shares.get(f.name, 0.0), shares.get(f.name, 0.0) - f.share) for f in whole]
    return "  ".join(f"{name} {share:.3f} ({by:+.3f})" for name, share, by in moved if abs(by) >= 0.005) or "the same"


def services() -> Made:
    records = knowledge.facts("services.yaml")["services"]
    cues, thesaurus = knowledge.facts("service_cues.yaml"), knowledge.facts("thesaurus.yaml")
    idle = knowledge.out_of_scope("train")

    def less(*names: str) -> dict[str, Any]:
        def entry(said: Mapping[str, Any]) -> dict[str, Any]:
            return {name: words for name, words in said.items() if name not in names}

        return {part: {id: entry(said) for id, said in cues[part].items()} for part in ("records", "needs")}

    yield "without the thesaurus", lambda: Services.learn(records, cues, {}, idle)
    yield "without cue words", lambda: Services.learn(records, less("cues"), thesaurus, idle)
    yield "without example questions", lambda: Services.learn(records, less("es", "en"), thesaurus, idle)
    yield "without shared needs", lambda: Services.learn(records, {**cues, "needs": {}}, thesaurus, idle)
    yield "without out-of-scope lines", lambda: Services.learn(records, cues, thesaurus, [])
    yield "the records' own words alone", lambda: Services.learn(records, {}, {}, [])


def dangers() -> Made:
    patterns = knowledge.danger_patterns()
    both = knowledge.danger_lines("train")
    train = [line for line in both if line["kind"]]
    alike = [line for line in both if not line["kind"]]
    bare: dict[str, Any] = {**patterns, "scenes": {}, "plain": [], "idioms": [], "concepts": {}}
    yield "without scenes", lambda: Dangers.learn(both, {**patterns, "scenes": {}})
    yield "without idioms", lambda: Dangers.learn(both, {**patterns, "idioms": []})
    yield "without plain words of danger", lambda: Dangers.learn(both, {**patterns, "plain": []})
    yield "without ideas, scenes or idioms", lambda: Dangers.learn(both, bare)
    yield "without half of the look-alikes", lambda: Dangers.learn([*train, *alike[::2]], patterns)
    yield "without half of the messages", lambda: Dangers.learn([*train[::2], *alike], patterns)


def occupations() -> Made:
    files = [name for name in knowledge.FILES["trades"] if name.startswith("trades/") and "official" not in name]
    own = [row for name in files for row in knowledge.table(name)]
    titles, official = knowledge.table("isco08.csv"), knowledge.table("trades/official.csv")
    roles = [row for row in own if ">" in row["codes"]]
    trades = [row for row in own if ">" not in row["codes"]]
    yield "without official titles", lambda: Occupations.learn(own, titles)
    yield "without roles (ayudante de …)", lambda: Occupations.learn(trades, titles, official)
    yield "half of the workers' lexicon", lambda: Occupations.learn([*trades[::2], *roles], titles, official)
    yield "official titles alone", lambda: Occupations.learn(roles, titles, official)


def places() -> Made:
    towns, abroad = knowledge.table("municipalities.csv"), [row["name"] for row in knowledge.table("abroad.csv")]
    aliases, alike = knowledge.table("place_aliases.csv"), knowledge.table("place_lookalikes.csv")
    yield "without nicknames", lambda: Places.learn(towns, alike, abroad)
    yield "without look-alikes", lambda: Places.learn(towns, aliases, abroad)
    yield "without names abroad", lambda: Places.learn(towns, [*aliases, *alike], [])


def scams() -> Made:
    rules = knowledge.facts("scam_rules.yaml")
    train = [line for line in knowledge.lines("scam_examples.jsonl") if line["split"] == "train"]
    yield "without what was learnt", lambda: Scams.learn(rules)
    yield "without what speaks for an offer", lambda: Scams.learn({**rules, "credits": [], "pardons": []}, train)
    yield "without rules", lambda: Scams.learn({**rules, "rules": {}}, train)


def commands() -> Made:
    data = knowledge.facts("commands.yaml")
    yield (
        "without ways of saying",
        lambda: Commands.learn({**data, "ways": {name: [] for name in data["ways"]}}, knowledge.elsewhere()),
    )
    yield "without exact words", lambda: Commands.learn({**data, "exact": {}}, knowledge.elsewhere())
    yield (
        "without messages that only look so",
        lambda: Commands.learn({**data, "others": [], "never": []}, knowledge.elsewhere()),
    )


VARIANTS: Mapping[str, Callable[[], Made]] = {
    "services": services, "dangers": dangers, "occupations": occupations, "places": places, "scams": scams,
    "commands": commands,
}  # fmt: skip

"""What the scam engine makes of offers it has not learnt from: `python -m tests.understanding.report_scam`.

Learns from the train voices, judges the test voices: share flagged with 95 % intervals, by kind and voice, the
same without the learnt part, the worst errors, and the time an offer takes.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import yaml

from flows.understanding.scam import Scams

KNOWLEDGE = Path(__file__).parents[2] / "flows" / "knowledge"
RULES: dict[str, Any] = yaml.safe_load((KNOWLEDGE / "scam_rules.yaml").read_text(encoding="utf-8"))
EXAMPLES: list[dict[str, Any]] = [
    json.loads(line) for line in (KNOWLEDGE / "scam_examples.jsonl").read_text(encoding="utf-8").splitlines()
]
TRAIN = [example for example in EXAMPLES if example["split"] == "train"]
TEST = [example for example in EXAMPLES if example["split"] == "test"]


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share."""
    if not of:
        return 0.0, 1.0
    share, z = hits / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def flagged(scams: Scams, examples: Iterable[dict[str, Any]]) -> tuple[int, int]:
    labels = [scams.judge(example["text"]).label for example in examples]
    return sum(label != "green" for label in labels), len(labels)


def row(name: str, hits: int, of: int) -> str:
    low, high = interval(hits, of)
    return f"  {name:<28} {hits:>4} / {of:<4} {hits / max(1, of):6.1%}   [{low:.1%}, {high:.1%}]"


def table(scams: Scams, title: str, by: Callable[[dict[str, Any]], str]) -> None:
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for example in TEST:
        groups[by(example)].append(example)
    print(f"\nRed or yellow, by {title}")
    for name in sorted(groups):
        print(row(name, *flagged(scams, groups[name])))


def side(example: dict[str, Any]) -> str:
    return "scam" if example["scam"] else "honest"


def main(_args: Sequence[str] = ()) -> None:
    scams = Scams.learn(RULES, TRAIN)
    print(f"{len(TRAIN)} offers learnt from, {len(TEST)} offers by other voices judged")
    table(scams, "side", side)
    print("\nWithout the learnt part (rules alone)")
    alone = Scams.learn(RULES)
    for is_scam in (True, False):
        print(row("scam" if is_scam else "honest", *flagged(alone, [e for e in TEST if e["scam"] == is_scam])))
    table(scams, "voice", lambda e: f"{side(e)} {e['voice']}")
    table(scams, "kind of scam", lambda e: f"{side(e)} {e['kind']}" if e["scam"] else "honest")
    errors = [(e, scams.judge(e["text"])) for e in TEST]
    print("\nErrors")
    for example, verdict in errors:
        if (verdict.label == "green") == example["scam"]:
            print(f"  {side(example):<6} {verdict.label:<6} {', '.join(verdict.reasons)}: {example['text'][:150]}")
    took = []
    for example in EXAMPLES:
        began = time.perf_counter()
        scams.judge(example["text"])
        took.append(1000 * (time.perf_counter() - began))
    took.sort()
    print(f"\nms an offer: p50 {took[len(took) // 2]:.2f}, p95 {took[int(len(took) * 0.95)]:.2f}, max {took[-1]:.2f}")


if __name__ == "__main__":
    main()

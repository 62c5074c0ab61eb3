"""How well places and occupations are understood: `python -m tests.understanding.report_work [more.jsonl ...]`.

Prints shares with 95 % Wilson intervals, the worst errors and the time a text takes. Further files are read as
occupations when their name says so, else as places.
"""

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.understanding.work import (
    cases,
    learn_occupations,
    learn_places,
    occupations,
    place_verdict,
    places,
    rank,
)

WORST = 10


def share(hits: int, of: int) -> str:
    """A share with its 95 % Wilson interval."""
    if not of:
        return "—"
    z, p = 1.96, hits / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{p:.3f} [{max(0.0, middle - half):.3f}–{min(1.0, middle + half):.3f}]"


def times(find: Callable[[str], object], texts: list[str]) -> str:
    taken = []
    for text in texts:
        start = time.perf_counter()
        find(text)
        taken.append(time.perf_counter() - start)
    taken.sort()
    return f"p50 {taken[len(taken) // 2] * 1e3:.2f} ms, p95 {taken[int(len(taken) * 0.95)] * 1e3:.2f} ms"


def report_places(name: str, lines: list[dict[str, Any]]) -> None:
    kinds = {"AMB": "shared names asked", "NONE": "not a place, or abroad"}
    print(f"\n{name}: {len(lines)} lines, {times(places().find, [case['text'] for case in lines])}")
    verdicts = [(case, place_verdict(case)) for case in lines]
    for kind in ("place", *kinds.values()):
        got = Counter(v for case, v in verdicts if kinds.get(case["gold"][0], "place") == kind)
        total = got.total()
        print(f"  {kind:24} n={total:<4} right {share(got['right'], total)}  wrong {share(got['wrong'], total)}")
    for case, verdict in [found for found in verdicts if found[1] != "right"][:WORST]:
        print(f"    {verdict:7} {case['text']!r} wanted {case['gold']} got {places().find(case['text'])}")


def report_occupations(name: str, lines: list[dict[str, Any]]) -> None:
    print(f"\n{name}: {len(lines)} lines, {times(occupations().find, [case['text'] for case in lines])}")
    groups: dict[str, list[dict[str, Any]]] = {}
    for case in lines:
        groups.setdefault(" ".join(case.get(key, "") for key in ("split", "style")).strip() or "all", []).append(case)
    for group, members in groups.items():
        ranks = [rank(case) for case in members]
        first, three = sum(r == 1 for r in ranks), sum(r is not None and r <= 3 for r in ranks)
        size = len(members)
        print(f"  {group:20} n={size:<4} first {share(first, size)}  among three {share(three, size)}")
        for case in [case for case, r in zip(members, ranks, strict=True) if r is None or r > 3][:WORST]:
            got = [trade.code for trade in occupations().find(case["text"])]
            print(f"    {case['text']!r} wanted {case['gold']} got {got}")


def main(files: list[str]) -> None:
    for engine, learn in (("places", learn_places), ("occupations", learn_occupations)):
        start = time.perf_counter()
        learn()
        print(f"{engine} learnt in {time.perf_counter() - start:.2f} s")
    report_places("places_test", cases("places_test.jsonl"))
    report_occupations("trades/test", cases("trades/test.jsonl"))
    for file in map(Path, files):
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        (report_occupations if "occupation" in file.name else report_places)(file.stem, lines)


if __name__ == "__main__":
    main(sys.argv[1:])

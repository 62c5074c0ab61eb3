"""What the service engine makes of questions it has not learnt from.

`python -m tests.understanding.report_services [FILE …]`: our held-out questions and chatter, then the files given
(JSON lines with text, gold, style). `… calibration` fits the score's constants again on folds of the cues.
"""

import copy
import pickle
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from flows.understanding import services as engine
from flows.understanding.ngrams import traits
from flows.understanding.services import Services
from tests.understanding import directory

Case = dict[str, Any]
FOLDS = 4


def interval(hits: int, of: int) -> str:
    """A share with Wilson's 95 % interval."""
    if not of:
        return "     –         "
    share, z = hits / of, 1.96
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{share:.3f} {max(0.0, middle - half):.2f}–{min(1.0, middle + half):.2f}"


def table(services: Services, name: str, cases: Sequence[Case]) -> None:
    """Top one and top three of what has an answer; what is answered directly, and how much of that is right."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        who = f"{case['writer']} " if "writer" in case else ""
        for group in (f"{who}{case.get('style', '')}", f"{who}all {case.get('lang', 'es')}"):
            groups[group].append(case)
    print(f"\n{name}: {len(cases)} messages")
    print(f"{'':18}{'n':>4}  {'first':16} {'in three':16} {'direct':16} {'right':16} menu unknown")
    for group, members in sorted(groups.items()):
        found = [(services.find(case["text"]), case) for case in members]
        asked = [(decision, case) for decision, case in found if case.get("gold")]
        direct = [(decision, case) for decision, case in found if decision.decision == "answer"]
        right = sum(not directory.wrongly_stated(decision, case) for decision, case in direct)
        print(
            f"{group:18}{len(members):4}  "
            f"{interval(sum(directory.first_right(*pair) for pair in asked), len(asked)):16} "
            f"{interval(sum(directory.among_three(*pair) for pair in asked), len(asked)):16} "
            f"{interval(len(direct), len(found)):16} {interval(right, len(direct)):16} "
            f"{sum(decision.decision == 'menu' for decision, _ in found):4} "
            f"{sum(decision.decision == 'unknown' for decision, _ in found):4}"
        )
    worst(services, cases)


def worst(services: Services, cases: Sequence[Case], many: int = 10) -> None:
    found = [(services.find(case["text"]), case) for case in cases]
    wrong = [
        (decision, case)
        for decision, case in found
        if directory.wrongly_stated(decision, case)
        or (case.get("gold") and not directory.first_right(decision, case))
    ]
    wrong.sort(key=lambda pair: (-directory.wrongly_stated(*pair), -pair[0].score))
    for decision, case in wrong[:many]:
        meant = ", ".join(case.get("gold", [])[:2]) or "nothing of ours"
        print(f"  {decision.decision:7} {decision.score:.2f} {decision.ids[0]} ← {case['text']!r} ({meant})")


def pace(services: Services, texts: Sequence[str]) -> None:
    spent = []
    for text in texts:
        start = time.thread_time()
        services.find(text)
        spent.append((time.thread_time() - start) * 1000)
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    size = len(pickle.dumps(services)) / 1e6
    print(f"\na message, CPU: p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms; pickled {size:.1f} MB")


def unseen() -> Iterator[tuple[Services, str, set[str], float]]:
    """Every line of the cues and every outside line, with an engine that has not seen it, and how much it counts."""
    for fold in range(FOLDS):
        cues, held, at = copy.deepcopy(directory.CUES), [], 0
        for section in ("records", "needs"):
            for id, entry in cues[section].items():
                right = {id} if section == "records" else set(entry.get("ids") or ())
                if section == "records":
                    right |= {other for need in cues["needs"].values() if id in need["ids"] for other in need["ids"]}
                for kind in ("cues", "es", "en"):
                    kept = []
                    for text in entry.get(kind) or ():
                        at += 1
                        if at % FOLDS == fold:
                            held.append((str(text), right, 0.5 if kind == "cues" else 1.0))
                        else:
                            kept.append(text)
                    entry[kind] = kept
        outside = [text for place, text in enumerate(directory.TRAIN) if place % FOLDS != fold]
        learnt = Services.learn(directory.RECORDS, cues, directory.THESAURUS, outside)
        held += [(text, set(), 0.35) for place, text in enumerate(directory.TRAIN) if place % FOLDS == fold]
        for text, right, counts in held:
            yield learnt, text, right, counts


def calibration() -> None:
    """SLOPE, LENGTH and LIFT by logistic regression of "the first was right" on unseen lines (Newton's method)."""
    rows, hits, counted = [], [], []
    for services, text, right, counts in unseen():
        read = traits(services._concepts, text)
        chances = services._weights.probabilities(services._ngrams.row(read)) @ services._right
        held = float(np.clip(chances.max(), 1e-6, 1 - 1e-6))
        rows.append((np.log(held / (1 - held)), np.log(1 + sum(" " not in word for word in read.words)), 1.0))
        hits.append(services._ids[int(chances.argmax())] in right)
        counted.append(counts)
    x, y, w = np.array(rows), np.array(hits, float), np.array(counted)
    fitted = np.zeros(3)
    for _ in range(20):
        chance = 1 / (1 + np.exp(-x @ fitted))
        curve = (x * (w * chance * (1 - chance))[:, None]).T @ x + np.eye(3) * 1e-3
        fitted += np.linalg.solve(curve, x.T @ (w * (y - chance)) - 1e-3 * fitted)
    print("SLOPE {:.2f}, LENGTH {:.2f}, LIFT {:.2f}".format(*fitted), "now", engine.SLOPE, engine.LENGTH, engine.LIFT)


def main(arguments: Sequence[str]) -> None:
    if list(arguments) == ["calibration"]:
        calibration()
        return
    start = time.process_time()
    services = directory.services()
    print(f"learnt in {time.process_time() - start:.2f} s of CPU")
    table(services, "held-out questions", directory.QUESTIONS)
    table(services, "chit-chat and out of scope", directory.CHATTER)
    for path in arguments:
        table(services, path, directory.lines(Path(path)))
    pace(services, [case["text"] for case in directory.QUESTIONS])


if __name__ == "__main__":
    main(sys.argv[1:])

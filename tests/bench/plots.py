"""Throughput and latency drawn against contacts and against workers: small SVG files, plain text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

WIDE, HIGH, MARGIN = 480, 280, 56

Points = Sequence[tuple[float, float]]


def draw(folder: Path, drawn: dict[str, list[tuple[float, ...]]]) -> list[Path]:
    """For each measured series two drawings: turns a second, and milliseconds a turn waited."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for against, rows in drawn.items():
        for place, what in ((1, "turns a second"), (2, "milliseconds a turn")):
            path = folder / f"{what.split()[0]}-{against}.svg"
            path.write_text(svg(f"{what} against {against}", against, what, [(row[0], row[place]) for row in rows]))
            made.append(path)
    return made


def svg(title: str, across: str, up: str, points: Points) -> str:
    """One line of points; a scale of powers of ten where the figures span more than two of them."""
    xs = [x for x, _y in points]
    powers = min(xs) > 0 and max(xs) / min(xs) > 100
    places = [math.log10(x) if powers else x for x in xs]
    low, span = min(places), max(places) - min(places) or 1
    top = max(y for _x, y in points) * 1.1 or 1
    dots = [
        (MARGIN + (place - low) / span * (WIDE - 2 * MARGIN), HIGH - MARGIN - y / top * (HIGH - 2 * MARGIN))
        for place, (_x, y) in zip(places, points, strict=True)
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>',
        f'<text x="{WIDE / 2}" y="20" text-anchor="middle" font-size="13">{title}</text>',
        f'<text x="{WIDE / 2}" y="{HIGH - 8}" text-anchor="middle">{across}</text>',
        f'<text x="14" y="{HIGH / 2}" text-anchor="middle" transform="rotate(-90 14 {HIGH / 2})">{up}</text>',
        f'<path d="M{MARGIN} {MARGIN}V{HIGH - MARGIN}H{WIDE - MARGIN}" fill="none" stroke="#888"/>',
        f'<polyline points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in dots)}" fill="none" stroke="#1a5fb4"/>',
    ]
    for (x, y), (across_at, up_at) in zip(dots, points, strict=True):
        lines.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="#1a5fb4"/>')
        lines.append(f'<text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="middle">{up_at:.3g}</text>')
        lines.append(f'<text x="{x:.0f}" y="{HIGH - MARGIN + 16}" text-anchor="middle">{across_at:,.0f}</text>')
    return "\n".join([*lines, "</svg>", ""])

"""What a harness has done so far, in a file that survives it: one line of JSON each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def remember(path: Path, **line: Any) -> None:
    """One line in a file that survives us."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def remembered(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

"""Every test of the runtime, on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.service import build
from tests.installation import Home, Template
from tests.minds import MIND


@pytest.fixture
def home(database: dict[str, Any], template: Template, tmp_path: Path) -> Iterator[Home]:
    puente = build(template.settings(tmp_path, **database), MIND)
    yield Home(puente)
    puente.record.close()

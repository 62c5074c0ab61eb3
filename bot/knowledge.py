"""The knowledge files of the flows, read once at start, and the mind that is built from them."""

from __future__ import annotations

import csv
import json
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from flows.understanding.places import Places

_ROOT = files("flows.knowledge")


def text(name: str) -> str:
    """A knowledge file as text; `name` is its path below flows/knowledge."""
    return _ROOT.joinpath(*name.split("/")).read_text("utf-8")


@cache
def facts(name: str) -> Any:
    """A YAML file of the knowledge, as plain dicts and lists; not to be changed by the caller."""
    return yaml.load(text(name), Loader=yaml.CSafeLoader)  # noqa: S506 - CSafeLoader is the safe one, in C


def table(name: str) -> list[dict[str, str]]:
    """A CSV file of the knowledge, one dict a row."""
    return list(csv.DictReader(text(name).splitlines()))


def lines(name: str) -> list[dict[str, Any]]:
    """A JSON Lines file of the knowledge."""
    return [json.loads(line) for line in text(name).splitlines() if line.strip()]


@cache
def places() -> Places:
    """Municipalities and departments, and how people write them."""
    return Places.learn(
        table("municipalities.csv"), table("place_aliases.csv"), [row["name"] for row in table("abroad.csv")]
    )

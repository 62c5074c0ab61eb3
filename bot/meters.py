"""What can be measured without knowing anybody: waiting, speed and failures, as Prometheus reads them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.record import Tx

OURS = CollectorRegistry()
"""What this process counts itself; everything else is asked of the record when somebody looks."""

TURNS = Histogram(
    "puente_turn_seconds", "Time of one turn, its transaction included", registry=OURS,
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
SENDS = Counter("puente_sends", "Attempts to send, by what became of them", ["channel", "outcome"], registry=OURS)
STRANGERS = Counter("puente_webhook_strangers", "Webhook calls the vendor did not make", ["channel"], registry=OURS)
FAILED_TURNS = Counter("puente_turn_failures", "Turns that raised", registry=OURS)

WINDOW = 86400.0
"""Seconds after a person's message within which WhatsApp takes any answer."""

WINDOW_KEPT = 60.0
"""Seconds for which the count of open windows is good enough: it reads every address."""

UNREAD = """SELECT COUNT(*) AS n, COUNT(DISTINCT contact_id) AS lanes, MIN(received_at) AS oldest FROM inbox
WHERE done_at IS NULL AND contact_id IS NOT NULL"""
PENDING = """SELECT channel, state, COUNT(*) AS n FROM outbox WHERE channel = :channel
AND (state = 'waiting' OR state = 'claimed' OR state = 'unknown') GROUP BY channel, state"""
CASES = """SELECT state, urgency, COUNT(*) AS n FROM handoff_case WHERE open_contact > ''
GROUP BY state, urgency"""
OPEN_WINDOWS = "SELECT channel, COUNT(*) AS n FROM address WHERE last_inbound_at > :since GROUP BY channel"

_windows: tuple[float, list[Any]] = (0.0, [])


def gather(tx: Tx, now: float, channels: Iterable[str]) -> list[Metric]:
    """What the record says at this moment; of the outbox, what these channels have on their way."""
    unread = tx.one(UNREAD)
    age = 0.0 if unread["oldest"] is None else max(0.0, now - unread["oldest"])
    found = [
        _one("puente_inbox_unread", "Messages nobody has worked through yet", unread["n"]),
        _one("puente_inbox_age_seconds", "Age of the oldest of them", age),
        _one("puente_lanes_waiting", "People with something unread", unread["lanes"]),
        _by(["channel", "state"], "puente_outbox", "Messages on their way, and uncertain ones",
            [row for channel in channels for row in tx.all(PENDING, channel=channel)]),
        _by(["state", "urgency"], "puente_cases", "Open cases", tx.all(CASES)),
        _by(["channel"], "puente_windows_open", "Addresses that wrote within 24 hours", _open_windows(tx, now)),
        _by(["matter"], "puente_alerts", "Alarms that last",
            tx.all("SELECT matter, 1 AS n FROM alert WHERE over_at IS NULL")),
    ]  # fmt: skip
    waiting = [{"channel": row["name"].split("|")[1], "n": row["value"]} for row in _memos(tx, "queue|")]
    found.append(_by(["channel"], "puente_provider_queue", "Updates the provider holds for us", waiting))
    rounds = [{"round": row["name"].split("|", 1)[1], "n": now - row["value"]} for row in _memos(tx, "round|")]
    found.append(_by(["round"], "puente_round_age_seconds", "Since a round last went well", rounds))
    return found


def shown(gathered: Iterable[Metric]) -> bytes:
    """The whole page, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Gathered(gathered))
    return generate_latest(OURS) + generate_latest(registry)


def stopwatch() -> Any:
    """`with stopwatch():` around one turn."""
    return TURNS.time()


class _Gathered(Collector):
    def __init__(self, gathered: Iterable[Metric]) -> None:
        self._gathered = list(gathered)

    def collect(self) -> Iterable[Metric]:
        return self._gathered


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _by(labels: list[str], name: str, words: str, rows: Iterable[Any]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for row in rows:
        family.add_metric([str(row[label]) for label in labels], row["n"])
    return family


def _memos(tx: Tx, beginning: str) -> list[Any]:
    return tx.all("SELECT name, value FROM memo WHERE name LIKE :like", like=f"{beginning}%")


def _open_windows(tx: Tx, now: float) -> list[Any]:
    global _windows
    asked, rows = _windows
    if time.monotonic() - asked > WINDOW_KEPT:
        rows = [dict(row) for row in tx.all(OPEN_WINDOWS, since=now - WINDOW)]
        _windows = (time.monotonic(), rows)
    return rows

"""`python -m tests.bench NAME …` runs one of the measurements; without a name it lists them."""

import sys
from importlib import import_module

MEASUREMENTS = {
    "understanding": "how well people are understood, how fast, beside rapidfuzz and SQLite FTS5",
    "turns": "what a turn costs, beside other ways of writing a bot",
}
"""Each a module of this package with `main(arguments)`, and what it measures."""

if __name__ == "__main__":
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in MEASUREMENTS:
        listed = "\n".join(f"  {known:14} {what}" for known, what in MEASUREMENTS.items())
        sys.exit(f"python -m tests.bench NAME …\n{listed}")
    import_module(f"tests.bench.{name}").main(sys.argv[2:])

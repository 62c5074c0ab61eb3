"""Measurements, each a module with `main`; `python -m tests.bench` lists them."""

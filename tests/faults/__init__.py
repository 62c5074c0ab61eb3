"""Harnesses that break everything that can break, one thing at a time and all at once, and count what was lost."""

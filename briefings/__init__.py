"""Briefings: what the subjects say of a day, as Markdown that a person reads before the next one begins."""

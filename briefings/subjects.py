"""The briefings of subjects: `BRIEFING` in a subject's folder here. A subject may have none."""

from importlib import import_module
from importlib.util import find_spec

from briefings.day import SubjectBriefing
from ingestion.catalog import SUBJECTS
from ingestion.feeds import Subject


def briefings_of_subjects() -> list[tuple[Subject, SubjectBriefing]]:
    """Each subject that has a briefing, with it."""
    return [
        (subject, import_module(f"briefings.{name}").BRIEFING)
        for name, subject in SUBJECTS.items()
        if find_spec(f"briefings.{name}")
    ]

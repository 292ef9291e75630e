"""The subject `telemetry`: runs of pipelines, the platform's own among them, and what crawlers found."""

from ingestion.feeds import Subject
from ingestion.telemetry import event_files, platform_runs

SUBJECT = Subject(name="telemetry", feeds=(*event_files.FEEDS, *platform_runs.FEEDS))

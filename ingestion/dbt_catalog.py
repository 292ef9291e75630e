"""Write what dbt needs of the catalog into the dbt project: `python -m ingestion.dbt_catalog`.

Three kinds of files come of it: `macros/catalog.sql` with the registered feeds, which models loop over, a YAML file of
sources for each subject, and the seeds that a subject brings along. Run it after a change of a registry entry; a test
fails where they differ.

Exit status: 0 the files are what the catalog says; 1 with `--check`, where they are not.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.catalog import SUBJECTS
from ingestion.feeds import PARTITION_COLUMN_NAMES, Column, ColumnType, Feed, Subject
from warehouse.exit_codes import ExitCode
from warehouse.paths import PROJECT_ROOT
from warehouse.terminal import quiet_on_broken_pipe

_COMMAND = "python -m ingestion.dbt_catalog"
_WRITTEN_BY = f"Written by `{_COMMAND}` from the catalog of feeds. Do not edit."
_DOC_BLOCK = re.compile(r"\{%-?\s*docs\s+(\w+)\s*-?%\}")
_LOAD_ID = Column("_dlt_load_id", ColumnType.VARCHAR, required=True)


@dataclass(frozen=True)
class Generated:
    """The text of each file, by path, and the columns that nobody has described yet."""

    files: Mapping[Path, str]
    undescribed: tuple[str, ...]


def generate(dbt_directory: Path, subjects: Iterable[Subject] = SUBJECTS.values()) -> Generated:
    """The files that the dbt project must have for these subjects; writes nothing."""
    subjects = tuple(subjects)
    files = {dbt_directory / "macros" / "catalog.sql": _macro(subjects)}
    undescribed: list[str] = []
    for subject in subjects:
        docs = _doc_blocks(dbt_directory / "models", subject)
        folder = dbt_directory / "models" / "staging" / subject.name
        text, without = _sources(subject, docs)
        files[folder / f"_{subject.name}__sources.yml"] = text
        undescribed += without
        for name, csv in subject.seeds.items():
            files[dbt_directory / "seeds" / subject.name / f"{name}.csv"] = csv()
    return Generated(files, tuple(undescribed))


def _macro(subjects: Sequence[Subject]) -> str:
    entries = ",\n".join(_entry(subject, feed) for subject in subjects for feed in subject.feeds)
    return f"""\
{{# {_WRITTEN_BY} #}}

{{#
    The registered feeds, in order: all, or those of a subject, kind, raw table or staging model. `kind` is what a row
    is; `code` is the feed's number in surrogate keys; `kept_in` and `quarantined_in` are the models that hold its rows;
    rows of a period of a feed that `is_stream` are of several loads, and its version is the last of them.
#}}
{{% macro registered_feeds(subject=none, kind=none, raw_table=none, staging_model=none) -%}}
    {{%- set feeds = [
{entries},
    ] -%}}
    {{%- set chosen = [] -%}}
    {{%- for feed in feeds
        if subject in (none, feed.subject)
        and kind in (none, feed.kind)
        and raw_table in (none, feed.raw_table)
        and staging_model in (none, feed.staging_model)
    -%}}
        {{%- do chosen.append(feed) -%}}
    {{%- endfor -%}}
    {{{{ return(chosen) }}}}
{{%- endmacro %}}
"""


def _entry(subject: Subject, feed: Feed) -> str:
    values = {
        "subject": subject.name,
        "feed": feed.name,
        "kind": feed.kind,
        "code": feed.code,
        "raw_table": feed.raw_table,
        "grain": feed.grain.value,
        "period_column": feed.period_column.name,
        "event_time": feed.event_time,
        "staging_model": feed.staging_model,
        "kept_in": feed.kept_in,
        "quarantined_in": feed.quarantined_in,
        "is_stream": feed.is_stream,
    }
    lines = "".join(f"            '{name}': {_jinja(value)},\n" for name, value in values.items())
    return f"        {{\n{lines}        }}"


def _jinja(value: str | int | None) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return str(value) if isinstance(value, int) else repr(str(value))


def _doc_blocks(models: Path, subject: Subject) -> frozenset[str]:
    """Names of the doc blocks that a subject's columns may use: those of its own folders, and the engine's."""
    paths = [*models.glob(f"*/{subject.name}/**/*.md"), *models.glob("docs/*.md")]
    return frozenset(name for path in paths for name in _DOC_BLOCK.findall(path.read_text()))


def _sources(subject: Subject, docs: frozenset[str]) -> tuple[str, list[str]]:
    undescribed: list[str] = []
    tables: dict[str, list[Feed]] = {}
    for feed in subject.feeds:
        tables.setdefault(feed.raw_table, []).append(feed)
    lines = [
        f"# {_WRITTEN_BY}",
        "# Descriptions are doc blocks in this folder: table_<table>, and raw_<column> or <table>__<column>.",
        "sources:",
        "  - name: raw_data",
        "    description: \"{{ doc('raw_data') }}\"",
        "    tables:",
    ]
    for table, feeds in tables.items():
        names = [f"table_{table}"]
        of = "message" if feeds[0].is_stream else f"row of the file of a {feeds[0].grain}"
        neutral = f"Rows as {feeds[0].publisher} publishes them. Grain: one {of}."
        lines += [
            f"      - name: {table}",
            f"        description: {_description(names, neutral, docs)}",
            "        config:",
            "          meta:",
            f"            subject: {subject.name}",
            f"            feeds: [{', '.join(feed.name for feed in feeds)}]",
            "        columns:",
        ]
        columns = {column.name: column for feed in feeds for column in (*feed.raw_columns, _LOAD_ID)}
        for column in columns.values():
            names = [f"{table}__{column.name}", f"raw_{column.name}", column.name]
            # The columns that say where a row is from mean the same everywhere.
            if column.name in PARTITION_COLUMN_NAMES:
                names = [column.name]
            if docs.isdisjoint(names):
                undescribed.append(f"{table}.{column.name}")
            neutral = f"As {feeds[0].publisher} publishes it."
            lines += [
                f"          - name: {column.name}",
                f"            data_type: {column.type.lower()}",
                f"            description: {_description(names, neutral, docs)}",
            ]
    return "\n".join(lines) + "\n", undescribed


def _description(names: Sequence[str], neutral: str, docs: frozenset[str]) -> str:
    """A reference to the first of the doc blocks that exists, or else a text that is true of any."""
    name = next((name for name in names if name in docs), None)
    return f"\"{{{{ doc('{name}') }}}}\"" if name else json.dumps(neutral)


@quiet_on_broken_pipe
def main(arguments: Sequence[str] | None = None, *, prog: str = _COMMAND) -> int:
    """Write the files that differ, or say which do; the exit status."""
    parser = argparse.ArgumentParser(prog=prog, description="Write the catalog of feeds into the dbt project.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a file is out of date")
    parser.add_argument("--dbt-directory", type=Path, default=PROJECT_ROOT / "dbt", help="default: dbt")
    options = parser.parse_args(arguments)
    generated = generate(options.dbt_directory)
    changed = [
        path for path, text in generated.files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in changed:
        if options.check:
            print(f"{path} is not what the catalog says. Write it again: {_COMMAND}", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(generated.files[path], encoding="utf-8")
            print(f"wrote {path}")
    if generated.undescribed:
        print(
            f"not described yet: {', '.join(generated.undescribed)}. Add doc blocks named <table>__<column> to a .md "
            "file in the subject's folder of dbt/models/staging, then run this again."
        )
    return ExitCode.FAILED if options.check and changed else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())

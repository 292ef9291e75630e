"""dbt in this process. It writes its manifests, which take it a second, only where they would say something new.

dbt writes them twice in each run, in Python, whether the project has changed or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.paths import dbt_target_folder

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

_MANIFESTS = ("manifest.json", "semantic_manifest.json")
# What dbt keeps of a project that it has parsed. It writes it anew only if it had to parse something.
_PARSED = "partial_parse.msgpack"
_RESULTS = "run_results.json"

# Whoever gives one of these decides what is parsed or written, and where.
_DECIDING = (
    *("--write-json", "--no-write-json", "--target-path", "--target", "-t", "--profile", "--profiles-dir"),
    *("--project-dir", "--vars", "--state", "--partial-parse", "--no-partial-parse", "--partial-parse-file-path"),
)


@dataclass(frozen=True)
class Project:
    """The project as it was read for a later run; none if dbt could not read it, which the run will say."""

    manifest: "Manifest | None" = None

    @classmethod
    def read(cls) -> "Project":
        """Read the project in the current folder. The database is not opened."""
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        from warehouse.dbt_starts import make_starts_for_less

        make_starts_for_less()
        target = dbt_target_folder()
        # What was not current before is written by the run.
        before = _time_of(target / _PARSED)
        found = dbtRunner().invoke(["parse", "--no-write-json", "--quiet"]).result
        return cls(found if isinstance(found, Manifest) and before == _time_of(target / _PARSED) else None)

    def run(self, arguments: Sequence[str]) -> "dbtRunnerResult":
        """See `run_dbt`."""
        return run_dbt(arguments, self.manifest)


def run_dbt(arguments: Sequence[str], manifest: "Manifest | None" = None) -> "dbtRunnerResult":
    """Run a command of dbt that builds, in the current folder. With a manifest it does not read the project.

    Afterwards the target folder has the same as after dbt's own command, but for the SQL that it compiled, which it
    writes into the manifest too, and the graph of the project, `graph.gpickle`.
    """
    from dbt.cli.main import dbtRunner

    from warehouse.dbt_starts import make_starts_for_less

    # The adapter has it done as well, but only once the project is read.
    make_starts_for_less()
    target = dbt_target_folder()
    if _is_decided(arguments) or not _are_current(target):
        return dbtRunner().invoke([*arguments])
    parsed_at = _time_of(target / _PARSED)
    done = run_for_results(arguments, manifest)
    if _time_of(target / _PARSED) != parsed_at:
        dbtRunner().invoke(["parse", "--quiet"])
    return done


def run_for_results(arguments: Sequence[str], manifest: "Manifest | None" = None) -> "dbtRunnerResult":
    """Run a command of dbt that builds, for a caller who has the manifest: into the target folder go the SQL and the
    results alone, by which `dbt retry` knows what to take up.
    """
    from dbt.cli.main import dbtRunner

    results = dbt_target_folder() / _RESULTS
    # Otherwise `dbt retry` would take up what an earlier run left.
    results.unlink(missing_ok=True)
    done = dbtRunner(manifest=manifest).invoke([arguments[0], "--no-write-json", *arguments[1:]])
    if write := getattr(done.result, "write", None):
        # `dbt retry` takes its arguments from there, and has to write its own results.
        getattr(done.result, "args", {})["write_json"] = True
        write(str(results))
    return done


def _is_decided(arguments: Sequence[str]) -> bool:
    return any(argument.partition("=")[0] in _DECIDING for argument in arguments)


def _are_current(target: Path) -> bool:
    """Whether dbt wrote the manifests after it had parsed the project last."""
    parsed_at = _time_of(target / _PARSED)
    return bool(parsed_at) and all(_time_of(target / name) > parsed_at for name in _MANIFESTS)


def _time_of(path: Path) -> int:
    """When a file was written, in nanoseconds; 0 if there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0

"""The suites of Great Expectations as asset checks: one for each suite, on the asset of its model."""

import dagster as dg

from orchestration.assets.dbt_assets import dbt_analytics_assets
from orchestration.execution.writer_pool import WRITER_POOL
from quality.suite import Suite
from quality.suites import SUITES

_ASSET_OF_MODEL = {key.path[-1]: key for key in dbt_analytics_assets.keys}


def _asset_check(suite: Suite) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=_ASSET_OF_MODEL[suite.model],
        name=suite.check_name,
        description=f"{len(suite.expectations)} expectations on {suite.model}, checked by {suite.kind}. "
        f"Their names and what they expect: `python -m quality.run --list --select {suite.name}`.",
        blocking=suite.is_blocking,
        # It writes what it observed into the ledger at its end.
        pool=WRITER_POOL,
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        # Imported here because Great Expectations takes seconds to import.
        from quality.runner import run_and_record, verdict
        from quality.validate import NothingLoadedError

        try:
            (result,) = run_and_record(
                [suite],
                started_by="dagster",
                arguments={"select": suite.name},
                dagster_run_id=context.run.run_id,
                builds_docs=False,
            )
        except NothingLoadedError as error:
            return dg.AssetCheckResult(passed=True, metadata={"nothing to check": str(error)})
        outcome = verdict(result)
        failures = [*result.failed("error"), *result.failed("warn")]
        return dg.AssetCheckResult(
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN,
            description=outcome.observed,
            metadata={
                "expectations": len(suite.expectations),
                "failed": dg.TableMetadataValue(
                    [
                        dg.TableRecord(
                            {
                                "expectation": check.check_name,
                                "partition": check.partition_key or "",
                                "severity": check.severity,
                                "observed": check.observed,
                                "expected": check.expected,
                            }
                        )
                        for check in failures
                    ],
                    dg.TableSchema(
                        [
                            dg.TableColumn(name)
                            for name in ("expectation", "partition", "severity", "observed", "expected")
                        ]
                    ),
                ),
            },
        )

    return check


quality_checks = [_asset_check(suite) for suite in SUITES]


@dg.op(
    name="check_quality",
    ins={"validated": dg.In(dg.Nothing)},
    out=dg.Out(dg.Nothing),
    description="Great Expectations: every suite that may forbid a publication. Fails if one does, and says why.",
    # It writes what it observed into the ledger at its end.
    pool=WRITER_POOL,
)
def check_op(context: dg.OpExecutionContext) -> None:
    """The step of jobs that are not made of assets."""
    # Imported here because Great Expectations takes seconds to import.
    from quality.runner import error_of, run_and_record
    from quality.validate import NothingLoadedError

    blocking = [suite for suite in SUITES if suite.is_blocking]
    try:
        results = run_and_record(
            blocking,
            started_by="dagster",
            arguments={"select": ",".join(suite.name for suite in blocking)},
            dagster_run_id=context.run_id,
            builds_docs=False,
        )
    except NothingLoadedError as error:
        context.log.info("%s", error)
        return
    if failed := error_of(results):
        raise dg.Failure(failed, allow_retries=False)

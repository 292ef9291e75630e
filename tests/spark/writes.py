"""What Spark wrote, as its own metrics say."""

from dataclasses import dataclass
from typing import Any

from warehouse.spark.session import spark_session

_PARTITIONS, _ROWS = "number of dynamic part", "number of output rows"


@dataclass(frozen=True)
class Write:
    """One statement that wrote partitions: how many, and how many rows."""

    partitions: int
    rows: int


def writes_since(last: int) -> list[Write]:
    """What was written after the statement of this number."""
    store = _store()
    found = []
    for execution in _executions(store):
        if execution.executionId() > last:
            values = store.executionMetrics(execution.executionId())
            for node in _each(store.planGraph(execution.executionId()).allNodes()):
                said = _metrics(node, values)
                if _PARTITIONS in said:
                    found.append(Write(said[_PARTITIONS], said[_ROWS]))
    return found


def _metrics(node: Any, values: Any) -> dict[str, int]:
    """The counts of a step of a plan."""
    said = {}
    for metric in _each(node.metrics()):
        value = values.get(metric.accumulatorId())
        if metric.name() in (_PARTITIONS, _ROWS) and value.isDefined():
            said[metric.name()] = int(value.get().replace(",", ""))
    return said


def last_statement() -> int:
    """The number of the last statement."""
    return max((execution.executionId() for execution in _executions(_store())), default=-1)


def _store() -> Any:
    session: Any = spark_session()
    return session._jsparkSession.sharedState().statusStore()


def _executions(store: Any) -> list[Any]:
    return _each(store.executionsList())


def _each(listed: Any) -> list[Any]:
    return [listed.apply(number) for number in range(listed.size())]

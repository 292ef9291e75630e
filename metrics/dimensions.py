"""What metrics can be grouped and filtered by, with the grains of times."""

from dataclasses import dataclass

from metrics.conditions import GRAINS
from metrics.dialects import MetricSource
from metrics.engine import LOCK, engine, refusals
from metrics.semantic_manifest import manifest_of


@dataclass(frozen=True)
class Dimension:
    """A dimension. A time has grains, finest first; any other dimension has none."""

    name: str
    description: str
    grains: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The names to group by: the dimension, or a time with each of its grains."""
        return tuple(f"{self.name}__{grain}" for grain in self.grains) or (self.name,)


def dimensions_of(metrics: tuple[str, ...], source: MetricSource) -> list[Dimension]:
    """The dimensions that all of these metrics have, by name.

    Raises:
        BadMetricQueryError: there is no such metric.
        WarehouseError: there is no semantic manifest.
    """
    manifest = manifest_of(source)
    with refusals(), LOCK:
        found = engine(manifest).simple_dimensions_for_metrics(list(metrics))
    dimensions = []
    for each in found:
        name = each.granularity_free_dunder_name
        finest = each.dunder_name.removeprefix(f"{name}__")
        grains = GRAINS[GRAINS.index(finest) :] if finest in GRAINS else ()
        dimensions.append(Dimension(name, each.description or "", grains))
    return sorted(dimensions, key=lambda dimension: dimension.name)

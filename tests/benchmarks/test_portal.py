"""What the benchmark of the portal says of its figures."""

import pytest
from rich.console import Console

from benchmarks.portal import COLD, OTHER, WARM, Figures, conclusions, table_of
from benchmarks.portal_client import PortalPage, Visit


def figures(warm_seconds: float, peak_mb: float) -> Figures:
    made = Figures(pages=[PortalPage("", "Overview", "1"), PortalPage("demand", "Demand", "2")], peak_mb=peak_mb)
    for page in made.pages:
        made.keep(page.title, COLD, [Visit(1.0, 0.05, 30, page.title), Visit(3.0, 0.05, 30, page.title)])
        made.keep(page.title, WARM, [Visit(0.2, 0.05, 30, page.title)])
        made.cpu |= {(page.title, COLD): 1.5, (page.title, OTHER): 0.25}
    made.keep("Demand", WARM, [Visit(warm_seconds, 0.05, 30, "Demand")])
    made.cpu["", WARM] = 0.1
    made.start_seconds.append(2.5)
    return made


@pytest.mark.parametrize(
    ("warm_seconds", "peak_mb", "said"),
    [
        (1.9, 499, ["warm: at most 1.90 s (Demand); goal 2 s met", "at most 499 MB; goal 500 MB met"]),
        (2.1, 501, ["warm: at most 2.10 s (Demand); goal 2 s missed", "at most 501 MB; goal 500 MB missed"]),
    ],
)
def test_the_slowest_visit_of_all_decides(warm_seconds: float, peak_mb: float, said: list[str]) -> None:
    lines = "\n".join(conclusions(figures(warm_seconds, peak_mb)))
    for one in said:
        assert one in lines
    assert f"{OTHER}: not measured" in lines


def test_the_table_has_a_row_for_each_page() -> None:
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table_of("alone", figures(1.0, 400)))
    rows = [line.split() for line in captured.get().splitlines()]
    assert rows[2][:3] == ["Overview", "2.00", "(3.00)"]
    assert rows[3][:5] == ["Demand", "2.00", "(3.00)", "0.60", "(1.00)"]

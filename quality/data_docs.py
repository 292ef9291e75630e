"""Makes the data docs of Great Expectations work offline: they load nothing from elsewhere.

GX's pages take their style and their list of results from other hosts. Without a network, the first page would be
empty.
"""

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from quality.suite import Suite
from warehouse.ledger import Check
from warehouse.paths import database_path

_HERE = Path(__file__).parent
_ASSETS = ("data_docs.css", "data_docs.js")

_ELSEWHERE = re.compile(
    r"""<link[^>]*href=["']https?:[^>]*>|<script[^>]*src=["']https?:[^>]*>\s*</script>|<img[^>]*src=["']https?:[^>]*>"""
    # Inline scripts that call jQuery, which is removed.
    r"""|<script>(?:(?!</script>)[^$])*\$\((?:(?!</script>).)*</script>|url\(['"]?https?:[^)]*\)""",
    re.DOTALL,
)


def docs_folder() -> Path:
    """Where the data docs are: beside the DuckDB file, by default `data/quality_docs`."""
    return database_path().parent / "quality_docs"


def complete(folder: Path, results: Sequence[tuple[Suite, Sequence[Check]]]) -> None:
    """Remove what pages would load from elsewhere, and write a first page that lists the results."""
    for asset in _ASSETS:
        shutil.copy(_HERE / asset, folder / "static" / asset)
    for page in folder.rglob("*.html"):
        static = "../" * (len(page.relative_to(folder).parts) - 1) + "static"
        page.write_text(_without_elsewhere(page.read_text(), static))
    (folder / "index.html").write_text(_first_page(folder, results))


def _without_elsewhere(page: str, static: str) -> str:
    style, script = f"<link rel='stylesheet' href='{static}/data_docs.css'>", f"{static}/data_docs.js"
    page = _ELSEWHERE.sub("", page)
    page = page.replace("</head>", f"{style}\n</head>", 1)
    return page.replace("</body>", f"<script src='{script}'></script>\n</body>", 1)


def _first_page(folder: Path, results: Sequence[tuple[Suite, Sequence[Check]]]) -> str:
    rows = "\n".join(_row(folder, suite, checks) for suite, checks in results)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Data quality</title><link rel="stylesheet" href="static/data_docs.css"></head>
<body><main>
<h1>Data quality</h1>
<table>
<thead><tr>
<th></th><th>suite</th><th>model</th><th class="number">expectations</th><th>what does not hold</th>
</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main></body>
</html>
"""


def _row(folder: Path, suite: Suite, checks: Sequence[Check]) -> str:
    pages = sorted((folder / "validations" / suite.name).rglob("*.html"))
    name = f"<a href='{pages[-1].relative_to(folder)}'>{suite.name}</a>" if pages else suite.name
    failures = [check for check in checks if not check.passed]
    has_failed = any(check.severity == "error" for check in failures)
    state = ("failed" if has_failed else "warned" if failures else "passed") if checks else ""
    described = "<br>".join(html.escape(_description(check)) for check in failures)
    count = len(suite.expectations) if checks else "nothing loaded"
    return (
        f"<tr><td class='{state}'></td><td>{name}</td><td>{suite.model}</td>"
        f"<td class='number'>{count}</td><td>{described}</td></tr>"
    )


def _description(check: Check) -> str:
    of = f" of {check.partition_key}" if check.partition_key else ""
    return f"{check.check_name}{of}: observed {check.observed}, expected {check.expected} ({check.severity})"

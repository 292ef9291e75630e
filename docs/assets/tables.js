// On a telephone each row of a table is shown below the other, its cells with their headings (site.css). The reference
// says so in its markup; for tables of Markdown this does. Tables of many figures are moved sideways instead.
for (const table of document.querySelectorAll("article table:not([class], [data-rows])")) {
  const headings = [...table.querySelectorAll("thead th")].map(cell => cell.textContent.trim())
  if (headings.length > 5) continue
  table.dataset.rows = ""
  for (const row of table.querySelectorAll("tbody tr"))
    [...row.cells].forEach((cell, at) => { cell.dataset.label = headings[at] ?? "" })
}

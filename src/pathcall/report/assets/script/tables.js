// Tables: sorting, searching, and what a table looks like that the script makes.
function sortable(table) {
  all("thead th", table).forEach((th, column) => {
    const button = make("button", { type: "button" }, th.textContent);
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = th.getAttribute("aria-sort") === "ascending";
      all("th[aria-sort]", table).forEach((o) => o.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0], rows = [...body.rows];
      const numeric = rows.some((r) => r.cells[column].dataset.v !== undefined);
      const value = (r) => { const c = r.cells[column]; return numeric ? Number(c.dataset.v ?? NaN) : c.textContent.toLowerCase(); };
      rows.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (numeric) {
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
          return down ? y - x : x - y;
        }
        return (down ? -1 : 1) * x.localeCompare(y, "en");
      });
      body.append(...rows);
    });
  });
}
let focused = "";
function visible(row) {
  row.hidden = Boolean(focused && row.dataset.c && row.dataset.c !== focused) || row.dataset.out === "1";
}
// What a caption counts are the rows that are shown.
function recount(table) {
  const count = table.querySelector("caption .count"), rows = [...table.tBodies[0].rows];
  if (!count) return;
  const shown = rows.filter((r) => !r.hidden).length;
  const of = shown === rows.length ? "" : ` of ${rows.length}`;
  count.textContent = `(${shown}${of} ${rows.length === 1 ? "row" : "rows"})`;
}
function filterable(input) {
  const table = $(input.dataset.filter);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.dataset.out = words.every((w) => text.includes(w)) ? "0" : "1";
      visible(row);
    }
    recount(table);
  });
}

function cell(text, value) {
  return make("td", Number.isFinite(value) ? { "data-v": value } : {}, text);
}
function plainTable(caption, head, rows, id) {
  const table = make("table", { class: "data", id },
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, head.map((h, k) => make("th", { scope: "col", class: rows[0]?.cells[k]?.dataset.v !== undefined && "n" }, h)))),
    make("tbody", {}, rows));
  return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table);
}

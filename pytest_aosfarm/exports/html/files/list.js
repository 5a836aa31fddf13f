// The list of tests: search, filter, order; drawn a page at a time, and a file only once it is opened.

const FILES_AT_ONCE = 100;
const ROWS_AT_ONCE = 200;
const FAILURES_AT_ONCE = 5; // of a file that is not opened
const list = document.getElementById("list");
const results = make("div", { id: "results" });
const chips = make("div", { class: "chips", role: "group", "aria-label": "outcome" });
const search = make("input", {
  type: "search", placeholder: "Search tests, messages, workers ( / )", "aria-label": "Search tests", "data-testid": "search",
  spellcheck: "false", autocomplete: "off",
});
const order = make("select", { "aria-label": "Order", "data-testid": "sort" },
  ...Object.entries(SORTS).map(([value, text]) => make("option", { value }, text)));

function drawTools() {
  const counts = new Map();
  for (const index of tests) counts.set(wordOf(index), (counts.get(wordOf(index)) || 0) + 1);
  chips.append(chip("", "all", tests.length));
  for (const word of data.outcomes) if (counts.has(word)) chips.append(chip(word, word, counts.get(word)));
  list.replaceChildren(make("div", { class: "tools" }, search, order, chips), results);
}

function chip(word, text, count) {
  const button = make("button", { type: "button", "data-word": word, "data-testid": `filter-${word ? kindOf(word) : "all"}` },
    word ? make("span", { class: `is-${kindOf(word)}` }, icon(kindOf(word))) : null, `${text} ${count.toLocaleString("en")}`);
  button.addEventListener("click", () => {
    if (!word) state.outcomes.clear();
    else if (!state.outcomes.delete(word)) state.outcomes.add(word);
    writeState();
    drawList();
  });
  return button;
}

function drawList() {
  search.value = state.query;
  order.value = state.sort;
  for (const button of chips.children) {
    const { word } = button.dataset;
    button.setAttribute("aria-pressed", word ? state.outcomes.has(word) : state.outcomes.size === 0);
  }
  const found = matching();
  document.getElementById("shown").textContent = found.length === tests.length
    ? tests.length.toLocaleString("en") : `${found.length.toLocaleString("en")} of ${tests.length.toLocaleString("en")}`;
  results.replaceChildren();
  if (!found.length) results.append(make("p", { class: "status" }, "No test matches."));
  else if (state.sort === "file") drawFiles(found);
  else {
    const key = state.sort === "slow" ? (index) => -durationOf(index) : (index) => data.start[index];
    inPages(results, found.sort((one, other) => key(one) - key(other)), ROWS_AT_ONCE, (index) => row(index, nodeidOf(index)));
  }
}

function drawFiles(found) {
  const byFile = new Map();
  for (const index of found) {
    if (!byFile.has(data.file[index])) byFile.set(data.file[index], []);
    byFile.get(data.file[index]).push(index);
  }
  const narrowed = Boolean(state.query) || state.outcomes.size > 0;
  const troubled = (indices) => indices.some((index) => WRONG.has(wordOf(index)));
  const files = [...byFile.values()].sort((one, other) => troubled(other) - troubled(one));
  inPages(results, files, FILES_AT_ONCE, (indices) => fileGroup(indices, narrowed && byFile.size <= 20));
}

/** A file: what went wrong in it is shown at once, the rest when it is opened. */
function fileGroup(indices, opened) {
  const wrong = indices.filter((index) => WRONG.has(wordOf(index)));
  const counts = new Map();
  for (const index of indices) counts.set(wordOf(index), (counts.get(wordOf(index)) || 0) + 1);
  const minis = [...counts].map(([word, count]) =>
    make("span", { class: `is-${kindOf(word)}`, title: word }, icon(kindOf(word)), make("span", {}, `${count} ${word}`)));
  const rows = make("div");
  const head = make("button", { type: "button", class: "file-head", "aria-expanded": "false", "data-testid": "file" }, icon("caret"),
    make("span", { class: "name" }, fileOf(indices[0])), make("span", { class: "minis" }, ...minis),
    make("span", { class: "time" }, human(indices.reduce((sum, index) => sum + durationOf(index), 0))));
  const show = (open) => {
    head.setAttribute("aria-expanded", open);
    rows.replaceChildren();
    const shown = open ? [...wrong, ...indices.filter((index) => !WRONG.has(wordOf(index)))] : wrong;
    inPages(rows, shown, open ? ROWS_AT_ONCE : FAILURES_AT_ONCE, (index) => row(index, data.name[index] || fileOf(index)));
    if (!open && wrong.length && wrong.length < indices.length) rows.append(more(`Show all ${indices.length} tests of this file`, () => {
      show(true);
      head.focus();
    }));
  };
  head.addEventListener("click", () => show(head.getAttribute("aria-expanded") !== "true"));
  show(opened);
  return make("div", { class: "file" }, head, rows);
}

function row(index, name) {
  const button = make("button", { type: "button", class: "row", "aria-expanded": "false", "data-testid": "test-row" },
    outcome(wordOf(index)), make("span", { class: "name" }, name),
    attemptsBefore(index).length ? make("span", { class: "tag" }, "retried") : null,
    make("span", { class: "worker" }, workerOf(index)), make("span", { class: "time" }, human(durationOf(index))));
  const holder = make("div", {}, button);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", open);
    if (open) holder.append(detailsOf(index));
    else holder.lastChild.remove();
  });
  return holder;
}

function inPages(holder, items, size, draw) {
  const page = (from) => {
    const part = items.slice(from, from + size).map(draw);
    const left = items.length - from - size;
    if (left <= 0) return part;
    const next = more(left > size ? `Show ${size} more of ${left.toLocaleString("en")}` : `Show ${left} more`, () => {
      const before = next.previousSibling;
      next.replaceWith(...page(from + size));
      before.nextSibling?.querySelector("button")?.focus({ preventScroll: true });
    });
    return [...part, next];
  };
  holder.append(...page(0));
}

function more(text, act) {
  const button = make("button", { type: "button", class: "next", "data-testid": "more" }, text);
  button.addEventListener("click", act);
  return button;
}

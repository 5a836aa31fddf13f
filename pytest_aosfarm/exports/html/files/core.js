"use strict";
// The run's attempts, small helpers, and the state that the address (#outcome=…&q=…&sort=…) keeps.

const data = JSON.parse(document.getElementById("rows").textContent);
const KINDS = new Set(["passed", "failed", "error", "skipped", "xfailed", "xpassed", "crashed"]);
const WRONG = new Set(["failed", "error", "crashed"]);
const SORTS = { file: "By file", slow: "Slowest first", start: "In order of start" };

const earlier = new Set(data.earlier);
const attempts = data.file.map((_, index) => index);
const tests = attempts.filter((index) => !earlier.has(index));

const wordOf = (index) => data.outcomes[data.outcome[index]];
const kindOf = (word) => (KINDS.has(word) ? word : "other");
const fileOf = (index) => data.files[data.file[index]];
const workerOf = (index) => data.workers[data.worker[index]];
const noteOf = (index) => data.notes[index] || {};
const durationOf = (index) => data.setup[index] + data.call[index] + data.teardown[index];
const nodeidOf = (index) => (data.name[index] ? `${fileOf(index)}::${data.name[index]}` : fileOf(index));

function human(us) {
  if (us >= 60e6) return `${Math.floor(us / 60e6)} min ${Math.floor((us % 60e6) / 1e6)} s`;
  if (us >= 1e6) return `${(us / 1e6).toFixed(2)} s`;
  return `${(us / 1e3).toFixed(us >= 1e5 ? 0 : 1)} ms`;
}

/** An element; texts become text nodes, so nothing in them is ever markup. */
function make(name, attributes = {}, ...content) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...content.filter((one) => one !== null && one !== undefined && one !== ""));
  return element;
}

function drawing(name, attributes = {}, ...content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

function icon(name) {
  const classes = name === "caret" ? "icon caret" : "icon";
  return drawing("svg", { class: classes, "aria-hidden": "true" }, drawing("use", { href: `#i-${name}` }));
}

function outcome(word) {
  return make("span", { class: `outcome is-${kindOf(word)}` }, icon(kindOf(word)), make("span", {}, word));
}

const state = { outcomes: new Set(), query: "", sort: "file" };

/** Take the state from the address. An address without "=" names a place in the page, and says nothing about it. */
function readState() {
  if (!location.hash.includes("=")) return false;
  const said = new URLSearchParams(location.hash.slice(1));
  state.outcomes = new Set((said.get("outcome") || "").split(",").filter((word) => data.outcomes.includes(word)));
  state.query = said.get("q") || "";
  state.sort = said.get("sort") in SORTS ? said.get("sort") : "file";
  return true;
}

function writeState() {
  const said = new URLSearchParams();
  if (state.outcomes.size) said.set("outcome", [...state.outcomes].join(","));
  if (state.query) said.set("q", state.query);
  if (state.sort !== "file") said.set("sort", state.sort);
  history.replaceState(null, "", `#${said.toString() || "tests"}`);
}

function matching() {
  const words = state.query.toLowerCase().split(/\s+/).filter(Boolean);
  return tests.filter((index) => {
    if (state.outcomes.size && !state.outcomes.has(wordOf(index))) return false;
    if (!words.length) return true;
    const note = noteOf(index);
    const text = `${nodeidOf(index)} ${note.message || ""} ${note.type || ""} ${workerOf(index)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

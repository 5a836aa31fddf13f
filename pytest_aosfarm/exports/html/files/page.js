// Starts the page: list first, then the timeline; theme, copying, keys.

const root = document.documentElement;
root.classList.add("js");

function follow() {
  const card = /^#failure-\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (card) {
    for (let one = card; one; one = one.parentElement?.closest("details")) one.open = true;
    card.scrollIntoView();
    card.querySelector("summary").focus({ preventScroll: true });
  } else if (readState()) {
    drawList();
    document.getElementById("tests").scrollIntoView();
  }
}

let waiting;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    state.query = search.value.trim();
    writeState();
    const caret = search.selectionStart;
    const typed = search.value;
    drawList();
    search.value = typed;
    search.setSelectionRange(caret, caret);
  }, 80);
});
order.addEventListener("change", () => {
  state.sort = order.value;
  writeState();
  drawList();
});

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  }
});

for (const button of document.querySelectorAll(".js-copy")) {
  button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code); // the browser does not let a page from disk copy; this leaves Ctrl+C
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

const THEMES = { "": "Auto", light: "Light", dark: "Dark" };
const themeButton = document.getElementById("theme");
let timeline = null;

function setTheme(name) {
  if (name) root.dataset.theme = name;
  else delete root.dataset.theme;
  themeButton.querySelector("span").textContent = THEMES[name];
  themeButton.title = THEMES[name];
  timeline?.draw();
}

themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(root.dataset.theme || "") + 1) % names.length];
  setTheme(next);
  try { localStorage.setItem("aosfarm-theme", next); } catch { /* pages from disk may have no storage */ }
});
let kept = "";
try { kept = localStorage.getItem("aosfarm-theme") || ""; } catch { /* the same */ }
setTheme(kept in THEMES ? kept : "");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => timeline?.draw());

readState();
drawTools();
drawList();
addEventListener("hashchange", follow);
const lanesHolder = document.getElementById("lanes");
if (lanesHolder) timeline = new Timeline(lanesHolder);
if (location.hash) follow();
performance.mark("aosfarm-ready");
root.dataset.ready = "true";

// What a row of the list shows when it is opened: message, phases, attempts, properties.

function detailsOf(index) {
  const note = noteOf(index);
  const body = make("div", { class: "body" });
  if (note.message) body.append(make("div", { class: `message is-${kindOf(wordOf(index))}` }, make("span", {}, note.message)));
  body.append(factsOf(index, note), phasesOf(index));
  const before = attemptsBefore(index);
  if (before.length) {
    body.append(make("ol", { class: "attempts", "aria-label": "attempts" }, ...[...before, index].map((one) =>
      make("li", {}, outcome(wordOf(one)), ` ${human(durationOf(one))} on ${workerOf(one)}`))));
  }
  if (note.card) {
    body.append(make("p", {}, make("a", { href: `#${note.card}`, "data-testid": "to-failure" }, "Message, traceback and output")));
  }
  if (note.properties) {
    body.append(make("div", { class: "properties" }, make("table", {}, ...note.properties.map(([key, value]) =>
      make("tr", {}, make("th", { scope: "row" }, key), make("td", {}, value))))));
  }
  if (note.cut) body.append(make("p", { class: "quiet" }, "Its message and properties are left out to keep this file small."));
  return body;
}

function factsOf(index, note) {
  const facts = {
    error: note.type, at: note.where, in: note.phase, on: workerOf(index), "data of": note.tenant,
    "started after": human(data.start[index]),
  };
  return make("p", { class: "meta" }, ...Object.entries(facts).filter(([, value]) => value).map(([name, value]) =>
    make("span", {}, `${name} `, make("code", {}, value))));
}

function phasesOf(index) {
  const total = durationOf(index) || 1;
  const bars = drawing("svg", { class: "phases", "aria-hidden": "true" });
  const words = [];
  let at = 0;
  for (const [phase, shade] of [["setup", 0.5], ["call", 1], ["teardown", 0.3]]) {
    const share = (100 * data[phase][index]) / total;
    bars.append(drawing("rect", { x: `${at}%`, width: `${share}%`, height: 8, "fill-opacity": shade }));
    words.push(`${phase} ${human(data[phase][index])}`);
    at += share;
  }
  return make("div", {}, make("p", { class: "label" }, words.join(" · ")),
    make("span", { class: `is-${kindOf(wordOf(index))}` }, bars));
}

/** The attempts of a test follow one another in the columns, the deciding one last. */
function attemptsBefore(index) {
  const before = [];
  for (let one = index - 1; one >= 0 && earlier.has(one); one -= 1) before.unshift(one);
  return before;
}

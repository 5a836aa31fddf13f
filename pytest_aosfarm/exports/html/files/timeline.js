// The timeline: a lane for each worker on one canvas; setup, call and teardown shaded, waiting left hatched.

const FLOOR = 2; // pixels that a failed attempt has at least, as a mark of half height, so that none is lost among thousands
const PHASE_SHADES = [["setup", 0.5], ["call", 1], ["teardown", 0.3]];

class Timeline {
  constructor(holder) {
    this.holder = holder;
    this.lanes = data.workers.map(() => []);
    for (const index of attempts) {
      if (noteOf(index).phase !== "collect") this.lanes[data.worker[index]].push(index);
    }
    this.lanes = this.lanes.map((lane) => lane.sort((one, other) => data.start[one] - data.start[other])).filter((lane) => lane.length);
    const all = this.lanes.flat();
    this.first = all.reduce((least, index) => Math.min(least, data.start[index]), Infinity);
    this.last = all.reduce((most, index) => Math.max(most, data.start[index] + durationOf(index)), this.first + 1);
    this.from = this.first;
    this.to = this.last;
    this.height = this.lanes.length > 32 ? 14 : 24;
    this.picked = null;
    this.canvas = make("canvas", { tabindex: "0", role: "application", "data-testid": "timeline-canvas",
      "aria-label": "Timeline by worker. Arrow keys go from test to test, + and - zoom, Enter shows the test in the list." });
    this.tip = make("div", { class: "tip", hidden: true });
    this.said = make("div", { class: "picked", "aria-live": "polite" },
      make("span", { class: "quiet" }, "Point at a test, tap it, or use the arrow keys."));
    holder.append(this.tools(), this.canvas, this.tip, this.said);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(holder);
  }

  tools() {
    const seen = new Set(attempts.map((index) => kindOf(wordOf(index))));
    this.swatches = new Map();
    const legend = make("div", { class: "legend" });
    for (const kind of [...KINDS, "other"].filter((one) => seen.has(one))) {
      this.swatches.set(kind, make("i", { class: `swatch is-${kind}` }));
      legend.append(make("span", {}, this.swatches.get(kind), kind));
    }
    for (const shade of ["setup", "teardown", "idle"]) {
      legend.append(make("span", {}, make("i", { class: `swatch ${shade} is-${shade === "idle" ? "skipped" : "passed"}` }), shade));
    }
    const button = (text, label, act) => {
      const made = make("button", { type: "button", "aria-label": label, "data-testid": `timeline-${label.replaceAll(" ", "-").toLowerCase()}` }, text);
      made.addEventListener("click", act);
      return made;
    };
    this.quiet = legend;
    return make("div", { class: "lane-tools" }, legend, button("+", "zoom in", () => this.zoom(0.5)),
      button("−", "zoom out", () => this.zoom(2)), button("All", "All of the run", () => this.view(this.first, this.last)));
  }

  view(from, to) {
    const span = Math.min(this.last - this.first, Math.max(to - from, Math.min(1000, this.last - this.first)));
    this.from = Math.min(Math.max(this.first, from), this.last - span);
    this.to = this.from + span;
    this.draw();
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    this.view(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  get scale() {
    return (this.width - this.left) / (this.to - this.from);
  }

  xOf(us) {
    return this.left + (us - this.from) * this.scale;
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.holder.clientWidth;
    this.left = this.width < 500 ? 48 : 88;
    const tall = this.lanes.length * this.height + 28;
    this.canvas.style.height = `${tall}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(tall * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const looks = getComputedStyle(this.holder);
    const colours = new Map([...this.swatches].map(([kind, swatch]) => [kind, getComputedStyle(swatch).color]));
    const quiet = getComputedStyle(this.quiet).color;
    this.background = looks.backgroundColor;
    pen.font = `12px ${looks.fontFamily}`;
    this.drawAxis(pen, quiet, looks.borderTopColor);
    this.lanes.forEach((lane, number) => this.drawLane(pen, lane, number, colours, quiet));
    if (this.picked !== null) this.drawFrame(pen, looks.color);
  }

  drawAxis(pen, quiet, border) {
    const span = this.to - this.from;
    const wanted = Math.max(2, Math.floor((this.width - this.left) / 110));
    const power = 10 ** Math.floor(Math.log10(span / wanted));
    const step = [1, 2, 5, 10].map((times) => times * power).find((one) => span / one <= wanted);
    const bottom = this.lanes.length * this.height + 4;
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = Math.round(this.xOf(at)) + 0.5;
      pen.fillStyle = border;
      pen.fillRect(x, 0, 1, bottom);
      pen.fillStyle = quiet;
      pen.textAlign = x > this.width - 40 ? "right" : "left";
      pen.fillText(tick(at, step), x + (x > this.width - 40 ? -2 : 4), bottom + 15);
    }
  }

  drawLane(pen, lane, number, colours, quiet) {
    const top = number * this.height + 3;
    const tall = this.height - 5;
    pen.fillStyle = quiet;
    pen.textAlign = "left";
    if (this.height > 14 || number % 2 === 0) pen.fillText(this.laneName(lane).slice(0, this.left < 60 ? 5 : 11), 12, top + tall / 2 + 4);
    pen.fillStyle = this.hatch(pen, quiet);
    pen.fillRect(this.left, top, this.width - this.left, tall);
    const shown = lane.filter((index) => data.start[index] <= this.to && data.start[index] + durationOf(index) >= this.from);
    const wrong = shown.filter((index) => !["passed", "skipped"].includes(wordOf(index)));
    pen.save();
    pen.beginPath();
    pen.rect(this.left, top, this.width - this.left, tall);
    pen.clip();
    for (const index of shown) this.drawAttempt(pen, index, top, tall, colours, 0.5);
    for (const index of wrong) this.drawAttempt(pen, index, top, tall, colours, FLOOR);
    pen.restore();
  }

  drawAttempt(pen, index, top, tall, colours, least) {
    let at = data.start[index];
    const width = durationOf(index) * this.scale;
    const x = this.xOf(at);
    pen.fillStyle = this.background;
    if (width >= least) pen.fillRect(x, top, width, tall);
    pen.fillStyle = colours.get(kindOf(wordOf(index)));
    if (width < least) {
      pen.fillRect(x, top, least, least === FLOOR ? tall / 2 : tall);
      return;
    }
    const gap = width > 4 ? 1 : 0; // a hairline between neighbours
    for (const [phase, shade] of PHASE_SHADES) {
      pen.globalAlpha = shade;
      const part = data[phase][index] * this.scale;
      pen.fillRect(this.xOf(at), top, Math.max(0, phase === "teardown" ? part - gap : part), tall);
      at += data[phase][index];
    }
    pen.globalAlpha = 1;
  }

  drawFrame(pen, colour) {
    const number = this.lanes.findIndex((lane) => lane.includes(this.picked));
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    const x = this.xOf(data.start[this.picked]);
    pen.strokeRect(x - 1, number * this.height + 2, Math.max(FLOOR, durationOf(this.picked) * this.scale) + 2, this.height - 3);
  }

  hatch(pen, colour) {
    const tile = make("canvas", { width: 6, height: 6 });
    const brush = tile.getContext("2d");
    brush.strokeStyle = colour;
    brush.globalAlpha = 0.35;
    brush.beginPath();
    brush.moveTo(-1, 7);
    brush.lineTo(7, -1);
    brush.stroke();
    return pen.createPattern(tile, "repeat");
  }

  laneName(lane) {
    return workerOf(lane[0]);
  }

  /** The attempt under a point, or the nearest within a few pixels. */
  at(x, y) {
    const lane = this.lanes[Math.floor(y / this.height)];
    if (!lane || x < this.left) return null;
    const us = this.from + (x - this.left) / this.scale;
    let low = 0;
    let high = lane.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (data.start[lane[middle]] <= us) low = middle + 1;
      else high = middle;
    }
    const distance = (index) => Math.max(data.start[index] - us, us - data.start[index] - durationOf(index), 0) * this.scale;
    const near = lane.slice(Math.max(0, low - 3), low + 3).filter((index) => distance(index) <= 4);
    return near.sort((one, other) => distance(one) - distance(other) || WRONG.has(wordOf(other)) - WRONG.has(wordOf(one)))[0] ?? null;
  }

  pick(index) {
    this.picked = index;
    this.draw();
    const go = make("button", { type: "button", "data-testid": "timeline-show" }, make("span", { class: "name" }, nodeidOf(index)));
    go.addEventListener("click", () => this.show());
    this.said.replaceChildren(outcome(wordOf(index)), go, make("span", { class: "quiet" }, timesOf(index)));
  }

  show() {
    const card = noteOf(this.picked).card;
    if (card) location.hash = card;
    else location.hash = new URLSearchParams({ q: nodeidOf(this.picked) }).toString();
  }

  step(lanes, along) {
    let number = Math.max(0, this.lanes.findIndex((lane) => lane.includes(this.picked)));
    const lane = this.lanes[number];
    if (this.picked === null) this.pick(lane[0]);
    else if (along) this.pick(lane[Math.min(lane.length - 1, Math.max(0, lane.indexOf(this.picked) + along))]);
    else {
      const middle = data.start[this.picked];
      number = Math.min(this.lanes.length - 1, Math.max(0, number + lanes));
      this.pick(this.lanes[number].find((index) => data.start[index] + durationOf(index) >= middle) ?? this.lanes[number].at(-1));
    }
    const start = data.start[this.picked];
    if (start < this.from || start > this.to) this.view(start - (this.to - this.from) / 2, start + (this.to - this.from) / 2);
  }

  listen() {
    let drag = null;
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.offsetX, from: this.from, to: this.to, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (drag && event.buttons && Math.abs(event.offsetX - drag.x) > 4) drag.moved = true;
      if (drag?.moved) {
        const by = (drag.x - event.offsetX) / this.scale;
        this.view(drag.from + by, drag.to + by);
      } else this.hover(this.at(event.offsetX, event.offsetY), event);
    });
    canvas.addEventListener("pointerup", (event) => {
      const index = drag?.moved ? null : this.at(event.offsetX, event.offsetY);
      drag = null;
      if (index !== null) this.pick(index);
    });
    canvas.addEventListener("pointercancel", () => { drag = null; });
    canvas.addEventListener("pointerleave", () => this.hover(null));
    canvas.addEventListener("dblclick", (event) => this.zoom(0.25, this.from + (event.offsetX - this.left) / this.scale));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.from + (event.offsetX - this.left) / this.scale);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const keys = {
        ArrowRight: () => this.step(0, 1), ArrowLeft: () => this.step(0, -1), ArrowDown: () => this.step(1, 0), ArrowUp: () => this.step(-1, 0),
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.view(this.first, this.last),
        Enter: () => this.picked !== null && this.show(),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  hover(index, event) {
    this.tip.hidden = index === null;
    if (index === null) return;
    this.tip.replaceChildren(make("div", { class: "mono" }, nodeidOf(index)), make("div", {}, `${wordOf(index)} · ${timesOf(index)}`));
    const width = Math.min(420, this.width * 0.9);
    this.tip.style.left = `${Math.max(0, Math.min(event.offsetX + 12, this.width - width))}px`;
    this.tip.style.top = `${this.canvas.offsetTop + event.offsetY + 20}px`;
  }
}

function tick(us, step) {
  if (step >= 1e6) return us >= 60e6 ? `${Math.floor(us / 60e6)}:${String(Math.round((us % 60e6) / 1e6)).padStart(2, "0")} min` : `${us / 1e6} s`;
  return step >= 1e5 ? `${(us / 1e6).toFixed(1)} s` : `${Number((us / 1e3).toFixed(3))} ms`;
}

function timesOf(index) {
  const phases = PHASE_SHADES.map(([phase]) => `${phase} ${human(data[phase][index])}`).join(", ");
  return `${human(durationOf(index))} on ${workerOf(index)} (${phases})`;
}

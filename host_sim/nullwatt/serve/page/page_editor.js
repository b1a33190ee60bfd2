// The home editor in the browser: draws what the server says, tells it what was done. The file is the server's.
(() => {
  const FEED = 310; // where the meter feeds the phases
  const SVG = "http://www.w3.org/2000/svg";
  const BUS = { A: 112, B: 138, C: 164, D: 190 }, NAMES = { A: "L1", B: "L2", C: "L3", D: "all" };
  const WIDE = 126, HIGH = 68, TOP = 214, STEP = 10, FARTHEST = 9800;
  const KEPT = "nullwatt-home", FILE = "nullwatt-home-file";
  let home = null; // what the server said last
  let drag = null; // {id, x, y, dx, dy} a device in hand, or {id, wire: true}
  let later = null; // came while something was in hand

  const of = (id) => document.getElementById(id);
  const shell = () => of("shell");
  const HELD_MS = 700; // keys come one by one, faster than answers
  let steered = null; // {id, x, y, at} where somebody has just put a device
  const tell = (order) => {
    if (order.do !== "move") steered = null;
    window.emitEvent("edit", order);
  };
  const kept = (key, value) => {
    try {
      return value === undefined ? sessionStorage.getItem(key) : sessionStorage.setItem(key, value);
    } catch {
      return null; // private windows may have no storage
    }
  };

  function make(kind, attributes = {}, ...inside) {
    const el = attributes.svg ? document.createElementNS(SVG, kind) : document.createElement(kind);
    for (const [key, value] of Object.entries(attributes))
      if (key !== "svg" && value !== null && value !== undefined && value !== false) el.setAttribute(key, value === true ? "" : value);
    el.append(...inside.filter((one) => one !== null));
    return el;
  }
  const draw = (kind, attributes, ...inside) => make(kind, { ...attributes, svg: true }, ...inside);
  const short = (text, most = 20) => (text.length > most ? `${text.slice(0, most - 1)}\u2026` : text);

  // -- the section comes into sight -----------------------------------------------------------

  setInterval(() => {
    if (home || shell()?.dataset.section !== "home" || !window.socket?.connected || !of("ed-canvas")) return;
    home = {};
    tell({ do: "start", kept: kept(KEPT), file: kept(FILE) });
  }, 150);

  function drawHome(news) {
    if (drag) {
      later = news;
      return;
    }
    home = news;
    const inHand = steered && performance.now() - steered.at < HELD_MS && deviceOf(steered.id);
    if (inHand) Object.assign(inHand, { x: steered.x, y: steered.y });
    kept(KEPT, news.yaml);
    kept(FILE, news.file);
    canvas();
    form();
    of("ed-yaml").value = news.yaml;
    of("ed-told").replaceChildren(
      news.mistakes.length ? make("ul", { class: "ed-mistakes" }, ...news.mistakes.map((line) => make("li", { class: "ed-bad" }, line)))
        : make("p", { class: "ed-good" }, "This home can be run."));
    for (const name of ["undo", "redo"]) document.querySelector(`[data-does="${name}"]`).disabled = !news[name];
  }

  // -- the canvas -----------------------------------------------------------------------------

  const phaseWords = (device) => (device.phases.length ? `on ${device.phases.map((one) => NAMES[one]).join(", ")}` : "not connected");

  function canvas() {
    const desk = of("ed-canvas"), focused = document.activeElement?.closest?.("#ed-canvas [data-id]")?.dataset.id;
    const far = (axis, size) => Math.max(...home.devices.map((device) => device[axis] + size));
    const wide = Math.max(desk.clientWidth - 2, far("x", WIDE + 20), 340), high = Math.max(420, far("y", HIGH + 40));
    const svg = draw("svg", { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "group", "aria-label": "Devices on their wires" });
    svg.append(draw("path", { class: "ed-line", d: `M90 40H${FEED}V${BUS[home.phases.at(-1)]}` }));
    for (const phase of home.phases) svg.append(draw("circle", { class: "ed-joint", cx: FEED, cy: BUS[phase], r: 3 }));
    home.parts.forEach((part, place) => svg.append(box(part, [20, 200, 350][place], 14, [150, 130, 120][place])));
    for (const phase of [...home.phases, ...(home.phases.length > 1 ? ["D"] : [])])
      svg.append(
        draw("g", { class: "ed-bus", "data-bus": phase },
          draw("path", { d: `M44 ${BUS[phase]}H${wide - 16}` }),
          draw("text", { x: 16, y: BUS[phase] + 4 }, NAMES[phase])));
    const wires = draw("g", { class: "ed-wires" });
    svg.append(wires);
    for (const device of home.devices) {
      wires.append(wire(device));
      svg.append(card(device));
    }
    desk.replaceChildren(svg);
    if (focused) (svg.querySelector(`[data-id="${CSS.escape(focused)}"]`) ?? svg.querySelector("[data-id=home]")).focus({ preventScroll: true });
  }

  function box(part, x, y, width) {
    return draw("g", { class: `ed-part${part.bad ? " ed-wrong" : ""}${part.id === home.chosen ? " ed-chosen" : ""}`, "data-id": part.id,
      tabindex: 0, role: "button", "aria-pressed": String(part.id === home.chosen), "data-testid": `edit-part-${part.id}` },
      draw("rect", { x, y, width, height: 52, rx: 10 }),
      draw("text", { class: "ed-title", x: x + 12, y: y + 31 }, part.title));
  }

  function card(device) {
    const g = draw("g", {
      class: `ed-device${device.bad ? " ed-wrong" : ""}${device.id === home.chosen ? " ed-chosen" : ""}`, "data-id": device.id,
      "data-role": device.role, transform: `translate(${device.x} ${device.y})`, tabindex: 0, role: "button",
      "aria-pressed": String(device.id === home.chosen), "data-testid": `edit-device-${device.id}`,
      "aria-label": `${device.title} ${device.name}, ${phaseWords(device)}${device.bad ? ", has a mistake" : ""}. Arrows move it, Delete removes it.`,
    },
    draw("rect", { width: WIDE, height: HIGH, rx: 10 }),
    draw("text", { class: "ed-title", x: 12, y: 25 }, device.title),
    draw("text", { x: 12, y: 42 }, short(device.name, 17)),
    draw("text", { x: 12, y: 58 }, short(device.about, 18)));
    if (device.connections.length)
      g.append(draw("circle", { class: "ed-port", cx: WIDE / 2, r: 8, "data-testid": `edit-port-${device.id}` },
        draw("title", {}, "Drag to a phase")));
    return g;
  }

  function wire(device) {
    const x = device.x + WIDE / 2, ends = device.phases.map((phase) => BUS[phase]);
    const g = draw("g", { class: "ed-wire", "data-wire": device.id, "data-role": device.role, "data-phases": device.phases.join("") });
    if (!ends.length) return g;
    g.append(draw("path", { d: `M${x} ${device.y}V${Math.min(...ends)}` }));
    for (const y of ends) g.append(draw("circle", { cx: x, cy: y, r: 4 }));
    return g;
  }

  const deviceOf = (id) => home?.devices?.find((device) => device.id === id);
  const at = (event) => {
    const frame = of("ed-canvas").querySelector("svg").getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  };
  const busAt = (device, y) =>
    y > TOP ? null : device.connections.reduce((best, one) => (best === null || Math.abs(BUS[one] - y) < Math.abs(BUS[best] - y) ? one : best), null);

  function moved(device) {
    const desk = of("ed-canvas");
    desk.querySelector(`.ed-device[data-id="${CSS.escape(device.id)}"]`)?.setAttribute("transform", `translate(${device.x} ${device.y})`);
    desk.querySelector(`[data-wire="${CSS.escape(device.id)}"]`)?.replaceWith(wire(device));
  }
  const within = (value, low) => Math.max(low, Math.min(FARTHEST, Math.round(value / STEP) * STEP));

  document.addEventListener("pointerdown", (event) => {
    const el = event.target.closest?.("#ed-canvas .ed-device");
    if (!el || event.button) return;
    const device = deviceOf(el.dataset.id), [x, y] = at(event);
    el.focus({ preventScroll: true });
    el.setPointerCapture(event.pointerId); // so that it ends, wherever it is let go
    drag = event.target.closest(".ed-port") ? { id: device.id, wire: true } : { id: device.id, dx: x - device.x, dy: y - device.y, from: [x, y] };
    event.preventDefault();
  });

  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const device = deviceOf(drag.id), [x, y] = at(event);
    if (drag.wire) return pull(device, x, y);
    drag.moved ||= Math.hypot(x - drag.from[0], y - drag.from[1]) > 4;
    if (!drag.moved) return;
    device.x = within(x - drag.dx, 0);
    device.y = within(y - drag.dy, TOP);
    moved(device);
  });

  function pull(device, x, y) {
    const svg = of("ed-canvas").querySelector("svg"), bus = busAt(device, y);
    svg.classList.add("ed-pulling");
    const loose = svg.querySelector(".ed-loose") ?? svg.appendChild(draw("path", { class: "ed-loose" }));
    loose.setAttribute("d", `M${device.x + WIDE / 2} ${device.y}L${x} ${bus ? BUS[bus] : y}`);
    for (const one of svg.querySelectorAll(".ed-bus")) one.classList.toggle("ed-near", one.dataset.bus === bus);
  }

  function drop(event) {
    if (!drag) return;
    const { id, wire: wiring, moved: was } = drag, device = deviceOf(id);
    const bus = wiring && event.type === "pointerup" ? busAt(device, at(event)[1]) : null;
    if (was) steered = { id, x: device.x, y: device.y, at: performance.now() };
    drag = null;
    const news = later;
    later = null;
    if (news) drawHome(news);
    else if (wiring) canvas();
    if (bus) tell({ do: "connect", id, phase: bus });
    else if (was) tell({ do: "move", id, x: device.x, y: device.y });
  }
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);

  document.addEventListener("focusin", (event) => {
    const el = event.target.closest?.("#ed-canvas [data-id]");
    if (el && home?.chosen !== el.dataset.id) {
      home.chosen = el.dataset.id;
      tell({ do: "choose", id: el.dataset.id });
    }
  });

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  // Before the keys of the page: on a device, Space and the like are the editor's.
  document.addEventListener("keydown", (event) => {
    if (shell()?.dataset.section !== "home" || document.querySelector("dialog[open]")) return;
    const writes = event.target.matches?.("input, textarea, select");
    if ((event.ctrlKey || event.metaKey) && !writes && ["z", "y"].includes(event.key.toLowerCase())) {
      event.preventDefault();
      return tell({ do: event.key === "y" || event.shiftKey ? "redo" : "undo" });
    }
    const el = event.target.closest?.("#ed-canvas [data-id]");
    if (!el || event.ctrlKey || event.metaKey || event.altKey) return;
    const device = deviceOf(el.dataset.id), arrow = ARROWS[event.key];
    if (device && arrow) {
      device.x = within(device.x + arrow[0] * STEP * (event.shiftKey ? 5 : 1), 0);
      device.y = within(device.y + arrow[1] * STEP * (event.shiftKey ? 5 : 1), TOP);
      moved(device);
      steered = { id: device.id, x: device.x, y: device.y, at: performance.now() };
      tell({ do: "move", id: device.id, x: device.x, y: device.y, key: true });
    } else if (device && (event.key === "Delete" || event.key === "Backspace")) tell({ do: "remove", id: device.id });
    else if (event.key === "Enter" || event.key === " ") of("ed-form").querySelector("input, select, button")?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  // -- the form -------------------------------------------------------------------------------

  function form() {
    const panel = of("ed-form"), now = document.activeElement;
    const inside = panel.contains(now) ? now : null;
    // What is being written is not lost to an answer that comes meanwhile.
    const writing = inside?.dataset.path && inside.value !== inside.dataset.sent && inside.dataset.sent !== undefined ? inside.value : null;
    const key = inside && ["path", "grows", "shrinks", "of"].find((one) => inside.dataset[one] !== undefined);
    const same = key && `[data-${key}="${CSS.escape(inside.dataset[key])}"]${key === "of" ? `[value="${CSS.escape(inside.value)}"]` : ""}`;
    const caret = inside?.type === "text" ? inside.selectionStart : null;
    const open = new Set([...panel.querySelectorAll("details[open]")].map((one) => one.dataset.section));
    const top = panel.scrollTop;
    const said = home.form;
    panel.replaceChildren(
      make("div", { class: "card-head" }, make("h2", {}, said.name ? `${said.title} ${said.name}` : said.title),
        said.removable ? make("button", { type: "button", class: "btn btn-small btn-quiet", "data-removes": home.chosen, "data-testid": "edit-remove" }, "Remove") : null),
      ...said.mistakes.map(bad), ...said.fields.map((field) => field_(field, open)));
    panel.scrollTop = top;
    if (!inside) return;
    const again = (same && panel.querySelector(same)) ?? panel;
    if (writing !== null && again !== panel) again.value = writing;
    again.focus({ preventScroll: true });
    if (caret !== null && again.type === "text") again.setSelectionRange(caret, caret);
  }

  const bad = (line) => make("p", { class: "ed-bad", role: "alert" }, line);

  function field_(field, open) {
    if (field.kind === "section" || field.kind === "sections") return section(field, open);
    const id = `ed-${field.path}`, wrong = field.mistakes.length > 0;
    const words = [field.range ? field.help.replace(/\.$/, "") : field.help, field.range].filter(Boolean).join(" \u00b7 ");
    const common = { id, "data-path": field.path, "data-testid": `edit-${field.path}`, "aria-invalid": wrong ? "true" : null,
      "aria-describedby": [wrong ? `${id}-bad` : "", words ? `${id}-help` : ""].filter(Boolean).join(" ") || null };
    return make("div", { class: "field ed-field" },
      make("label", { for: id, title: field.path }, `${field.label}${field.unit ? ` (${field.unit})` : ""}${field.required ? " *" : ""}`),
      control(field, common),
      wrong ? make("div", { id: `${id}-bad` }, ...field.mistakes.map(bad)) : null,
      words ? make("p", { id: `${id}-help`, class: "quiet" }, words) : null);
  }

  function control(field, common) {
    const { value } = field;
    if (field.kind === "choice") {
      const known = ["", ...field.choices].includes(value);
      return make("select", { ...common, "data-sent": value },
        field.required ? null : make("option", { value: "", selected: !value }, field.usual ? `usual: ${words(field, field.usual)}` : "\u2013"),
        known ? null : make("option", { value, selected: true }, value),
        ...field.choices.map((one) => make("option", { value: one, selected: one === value }, words(field, one))));
    }
    if (field.kind === "several") {
      const on = (value || field.usual).split(", ");
      return make("div", { ...common, role: "group", class: "ed-several", tabindex: -1 },
        ...field.choices.map((one) => make("label", {}, make("input", { type: "checkbox", value: one, checked: on.includes(one), "data-of": field.path }), words(field, one))));
    }
    const el = make("input", { ...common, type: "text", autocomplete: "off", spellcheck: "false", placeholder: field.usual || (field.required ? "" : "usual"),
      inputmode: field.kind === "number" || field.kind === "integer" ? "decimal" : null, "data-sent": value });
    el.value = value;
    return el;
  }

  const words = (field, value) =>
    field.key.includes("phase") && NAMES[value] ? (value === "D" ? "all phases" : NAMES[value]) : value === "true" ? "yes" : value === "false" ? "no" : value.replaceAll("_", " ");

  function section(field, open) {
    const grown = field.kind === "sections" ? field.entries.length : field.there && field.optional;
    const inside = [];
    if (field.help) inside.push(make("p", { class: "quiet" }, field.help));
    inside.push(...field.mistakes.map(bad));
    const button = (what, path, text) => make("button", { type: "button", class: "btn btn-small", [`data-${what}`]: path, "data-testid": `edit-${what}-${path}` }, text);
    if (field.kind === "sections") {
      for (const [place, entry] of field.entries.entries())
        inside.push(make("fieldset", { class: "ed-entry" }, make("legend", {}, `${field.label} ${place + 1}`), ...entry.mistakes.map(bad),
          ...entry.fields.map((one) => field_(one, open)), button("shrinks", entry.path, `Remove ${field.label.toLowerCase()} ${place + 1}`)));
      if (field.hidden) inside.push(make("p", { class: "quiet" }, `And ${field.hidden} more in the file.`));
      inside.push(button("grows", field.path, `Add to ${field.label.toLowerCase()}`));
    } else if (!field.there) inside.push(button("grows", field.path, `Add ${field.label.toLowerCase()}`));
    else {
      inside.push(...field.fields.map((one) => field_(one, open)));
      if (field.optional) inside.push(button("shrinks", field.path, `Remove ${field.label.toLowerCase()}`));
    }
    const wrong = field.mistakes.length || [...(field.fields ?? []), ...(field.entries ?? [])].some(hasMistake);
    return make("details", { class: "ed-section", "data-section": field.path, open: open.has(field.path) || Boolean(wrong), "data-testid": `edit-section-${field.path}` },
      make("summary", { title: field.path }, field.label + (grown && field.kind === "sections" ? ` (${grown + field.hidden})` : "")), ...inside);
  }

  const hasMistake = (one) => one.mistakes?.length > 0 || [...(one.fields ?? []), ...(one.entries ?? [])].some(hasMistake);

  document.addEventListener("change", async (event) => {
    const el = event.target;
    if (el.dataset?.path && el.closest("#ed-form")) {
      el.dataset.sent = el.value;
      tell({ do: "set", path: el.dataset.path, text: el.value });
    } else if (el.dataset?.of) {
      const on = [...el.closest(".ed-several").querySelectorAll("input:checked")].map((one) => one.value);
      tell({ do: "set", path: el.dataset.of, text: on.join(", ") });
    } else if (el.matches?.("select[data-adds]") && el.value) {
      tell({ do: "add", list: el.dataset.adds, kind: el.value });
      el.value = "";
    } else if (el.id === "ed-file" && el.files[0]) {
      const [file] = el.files;
      of("ed-name").value = file.name;
      of("ed-open").value = await file.text();
      el.value = "";
    }
  });

  document.addEventListener("click", (event) => {
    const el = event.target.closest?.("button[data-adds], [data-does], [data-grows], [data-shrinks], [data-removes]");
    if (!el) return;
    const { adds, does, grows, shrinks, removes } = el.dataset;
    if (adds) tell({ do: "add", list: adds });
    else if (removes) tell({ do: "remove", id: removes });
    else if (grows || shrinks) tell({ do: grows ? "grow" : "shrink", path: grows ?? shrinks });
    else if (does === "save") save();
    else if (does === "copy") copy();
    else tell({ do: does });
  });

  // -- out of the browser ---------------------------------------------------------------------

  function save() {
    if (home.mistakes?.length) return window.nullwatt.say(`Not saved: ${home.mistakes[0]}`);
    const url = URL.createObjectURL(new Blob([home.yaml], { type: "application/yaml" }));
    make("a", { href: url, download: home.file }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(home.yaml);
      window.nullwatt.say("Copied.");
    } catch {
      // Only pages behind https or on this machine may; then by hand.
      of("ed-yaml").closest("details").open = true;
      of("ed-yaml").select();
    }
  }

  addEventListener("resize", () => home?.devices && !drag && canvas());
  window.nullwatt.drawHome = drawHome;
})();

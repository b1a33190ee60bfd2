// What the page does in the browser: asks for news, shows them, draws the chart, moves the flow, knows keys and theme.
(() => {
  const root = document.documentElement;
  const values = {}; // what is true, by name
  const all = (selector, within = document) => within.querySelectorAll(selector);
  const stored = (key, value) => {
    try {
      return value === undefined ? localStorage.getItem(key) : localStorage.setItem(key, value);
    } catch {
      return null; // private windows may have no storage
    }
  };

  // -- values ---------------------------------------------------------------------------------

  let dragged = null;
  const HELD_MS = 700; // keys come one by one, and the last order of a slider is still on its way
  const moved = new WeakMap();
  // A control in somebody's hand is not moved: a slider while it is held, a number while it is being written.
  const held = (el) =>
    el.type === "range"
      ? el === dragged || performance.now() - (moved.get(el) ?? -HELD_MS) < HELD_MS
      : el === document.activeElement && el.dataset.edited;

  function setInput(el, value) {
    if (!held(el) && el.value !== value) el.value = value;
    if (el.type === "range") paintSlider(el);
  }

  function paintSlider(el) {
    const low = Number(el.min), high = Number(el.max);
    el.style.setProperty("--fill", high > low ? `${(100 * (el.value - low)) / (high - low)}%` : "0%");
    const text = `${Number(el.value).toLocaleString("en").replaceAll(",", "\u202f")}\u00a0${el.dataset.unit}`;
    const shown = el.parentElement.querySelector(".slider-value");
    if (shown) shown.textContent = text;
    el.setAttribute("aria-valuetext", text);
  }

  function apply(el) {
    const value = values[el.dataset.live];
    if (value === undefined) return;
    if (typeof value === "string") {
      if (el.textContent !== value) el.textContent = value;
      return;
    }
    for (const [name, text] of Object.entries(value.a ?? {})) {
      if (text === null) el.removeAttribute(name);
      else el.setAttribute(name, text);
    }
    for (const [name, text] of Object.entries(value.s ?? {})) el.style.setProperty(name, text);
    if (value.t !== undefined && el.textContent !== value.t) el.textContent = value.t;
    if (value.v !== undefined) setInput(el, value.v);
    if (el.matches(".flow-live")) move(el);
  }

  const named = (name) => all(`[data-live="${CSS.escape(name)}"]`);

  // Elements that come later show what is known.
  new MutationObserver((changes) => {
    for (const change of changes)
      for (const node of change.addedNodes)
        if (node.nodeType === Node.ELEMENT_NODE) {
          if (node.dataset.live) apply(node);
          all("[data-live]", node).forEach(apply);
          if (node.id === "shell" || node.querySelector?.("#shell")) begin();
        }
  }).observe(root, { childList: true, subtree: true });

  // -- news -----------------------------------------------------------------------------------

  const EVERY_MS = 1000, LOST_MS = 5000;
  let asked = 0, answered = performance.now(), section = "overview", minutes = 10;

  function look() {
    const now = performance.now();
    const lost = now - answered > LOST_MS && !document.hidden;
    if (lost !== root.hasAttribute("data-lost")) {
      root.toggleAttribute("data-lost", lost);
      const told = document.getElementById("lost");
      if (told) {
        told.hidden = !lost;
        const since = new Date(Date.now() - (now - answered)).toLocaleTimeString();
        told.textContent = lost ? `The connection is lost. These are the values of ${since}; trying again.` : "";
      }
      motion();
    }
    // One question at a time: who is slow is asked for nothing more.
    if (document.hidden || !window.socket?.connected || (asked && now - asked < 4000)) return;
    asked = now;
    emitEvent("look", { section, minutes });
  }

  function show(news) {
    asked = 0;
    answered = performance.now();
    Object.assign(values, news.values);
    for (const name of Object.keys(news.values)) named(name).forEach(apply);
    // What was refused, or not taken up, goes back to what is true.
    for (const el of all("input[data-live]")) if (values[el.dataset.live]?.v !== undefined) setInput(el, values[el.dataset.live].v);
    root.toggleAttribute("data-paused", news.paused);
    if (news.chart) chartNews(news.chart);
    motion();
    if (root.hasAttribute("data-lost")) look();
    root.toggleAttribute("data-ready", true);
  }

  // -- sections -------------------------------------------------------------------------------

  const linkTo = (name) => document.querySelector(`[data-to="${name}"]`);

  function go(name, push = true) {
    const link = linkTo(name);
    if (!link) return;
    section = name;
    document.getElementById("shell").dataset.section = name;
    for (const one of all("[data-to]")) {
      if (one === link) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    }
    document.title = `${link.dataset.title} \u2013 ${document.querySelector(".top-name").textContent}`;
    if (push && location.pathname !== link.pathname) history.pushState({}, "", link.pathname);
    window.scrollTo(0, 0);
    asked = 0;
    look();
  }

  const sectionOfPath = () => [...all("[data-to]")].find((link) => link.pathname === location.pathname)?.dataset.to ?? "overview";
  addEventListener("popstate", () => go(sectionOfPath(), false));

  let begun = false;
  function begin() {
    if (begun) return;
    begun = true;
    all("[data-live]").forEach(apply);
    const kept = Number(stored("nullwatt-minutes"));
    if (document.querySelector(`[data-minutes="${kept}"]`)) choose(kept);
    go(sectionOfPath(), false);
    setInterval(look, EVERY_MS);
  }

  // -- clicks, keys, dragging -----------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target.closest?.("[data-to], [data-opens], [data-closes], [data-minutes], #theme, dialog");
    if (!target) return;
    if (target.dataset.to) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(target.dataset.to);
    } else if (target.dataset.opens) open(target.dataset.opens);
    else if (target.dataset.closes) close(target.dataset.closes);
    else if (target.dataset.minutes) choose(Number(target.dataset.minutes));
    else if (target.id === "theme") turn();
    else if (target === event.target) target.close(); // beside the dialog
  });

  const open = (id) => document.getElementById(id)?.showModal();
  const close = (id) => document.getElementById(id)?.close();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const at = event.target;
    if (at.matches?.("input:not([type=range]), select, textarea")) return;
    if (event.key === " " && !at.closest?.("button, a, summary, input")) {
      event.preventDefault();
      document.querySelector("[data-testid=pause]")?.click();
    } else if (event.key === "t") turn();
    else if (event.key === "?") open("help");
    else if (event.key >= "1" && event.key <= "9") {
      const link = all("[data-to]")[Number(event.key) - 1];
      if (link) go(link.dataset.to);
    }
  });

  document.addEventListener("pointerdown", (event) => {
    if (event.target.type === "range") dragged = event.target;
  });
  const drop = () => {
    dragged = null;
  };
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
  addEventListener("blur", drop);
  document.addEventListener("input", (event) => {
    if (event.target.type === "range") {
      moved.set(event.target, performance.now());
      paintSlider(event.target);
    }
    if (event.target.type === "number") event.target.dataset.edited = "1";
  });
  document.addEventListener("change", (event) => delete event.target.dataset?.edited);
  // A file goes into the text beside it.
  document.addEventListener("change", async (event) => {
    const into = event.target.dataset?.into, file = event.target.files?.[0];
    if (!into || !file) return;
    document.getElementById(into).value = await file.text();
    event.target.value = ""; // the same one may be taken again
  });
  document.addEventListener("focusout", (event) => delete event.target.dataset?.edited);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    answered = performance.now(); // it slept; that is no loss
    asked = 0;
    look();
  });

  let hush = 0;
  function say(text) {
    const toast = document.getElementById("toast");
    // Again on top of whatever dialog was opened since.
    if (toast.matches(":popover-open")) toast.hidePopover();
    toast.textContent = text;
    toast.showPopover();
    clearTimeout(hush);
    hush = setTimeout(() => toast.hidePopover(), 7000);
  }

  // -- theme ----------------------------------------------------------------------------------

  function turn() {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    stored("nullwatt-theme", root.dataset.theme);
    drawChart();
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (system) => {
    if (stored("nullwatt-theme")) return;
    root.dataset.theme = system.matches ? "dark" : "light";
    drawChart();
  });

  // -- flow -----------------------------------------------------------------------------------

  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const running = new Map();
  const GAP = 14;

  function move(el) {
    const rate = Number(el.dataset.speed ?? 0) / GAP;
    let dashes = running.get(el);
    if (!dashes && rate > 0) {
      dashes = el.animate([{ strokeDashoffset: GAP }, { strokeDashoffset: 0 }], { duration: 1000, iterations: Infinity });
      running.set(el, dashes);
      motion();
    }
    dashes?.updatePlaybackRate(rate);
  }

  function motion() {
    const still = root.hasAttribute("data-paused") || root.hasAttribute("data-lost") || calm.matches;
    for (const [el, dashes] of running) {
      const rests = still || !Number(el.dataset.speed);
      if (rests && dashes.playState === "running") dashes.pause();
      else if (!rests && dashes.playState === "paused") dashes.play();
    }
  }
  calm.addEventListener("change", motion);

  // -- chart ----------------------------------------------------------------------------------

  let points = [], end = 0, span = 600;
  const SERIES = [["Grid", "grid", 2.2], ["Batteries", "battery", 1.6], ["Sun", "solar", 1.6], ["House", "house", 1.6]];
  const PARTS = { 120: 4, 600: 5, 3600: 6 }; // of the time axis
  const LEGEND = ["grid", "batteries", "solar", "house"];

  function choose(wished) {
    minutes = wished;
    stored("nullwatt-minutes", String(wished));
    for (const one of all("[data-minutes]")) one.setAttribute("aria-pressed", String(Number(one.dataset.minutes) === wished));
    asked = 0;
    look();
  }

  function chartNews(news) {
    points = news.fresh ? news.points : points.concat(news.points);
    end = news.now;
    span = news.window;
    const first = points.findIndex((point) => point[0] >= end - span);
    if (first > 0) points.splice(0, first);
    drawChart();
  }

  const ago = (seconds) => (seconds === 0 ? "now" : seconds % 60 ? `\u2212${-seconds} s` : `\u2212${-seconds / 60} min`);
  const power = (watts) => `${watts < 0 ? "\u2212" : ""}${Math.abs(Math.round(watts)).toLocaleString("en").replaceAll(",", "\u202f")}`;

  function drawChart() {
    const el = document.querySelector(".chart");
    const chart = el && window.getElement?.(Number(el.id.slice(1)))?.chart;
    if (!chart) {
      if (el && points.length) setTimeout(drawChart, 100);
      return;
    }
    const css = getComputedStyle(root);
    const color = (name) => css.getPropertyValue(`--${name}`).trim();
    const text = { color: color("ink-2"), fontFamily: css.fontFamily, fontSize: 12 };
    const seen = (index) => values[`legend:${LEGEND[index]}`]?.a?.hidden !== "";
    chart.setOption({
      animation: false,
      grid: { left: 52, right: 14, top: 12, bottom: 26 },
      tooltip: {
        trigger: "axis",
        confine: true,
        transitionDuration: 0,
        backgroundColor: color("raised"),
        borderColor: color("line"),
        textStyle: { ...text, color: color("ink") },
        axisPointer: { lineStyle: { color: color("ink-2"), type: "solid" } },
        formatter: (lines) =>
          `${duration(-lines[0].value[0])} ago` +
          lines.filter((line) => line.value[1] != null).map((line) => `<br>${line.marker}${line.seriesName} <b>${power(line.value[1])}\u00a0W</b>`).join(""),
      },
      xAxis: {
        type: "value",
        min: -span,
        max: 0,
        interval: span / (el.clientWidth < 500 ? 2 : (PARTS[span] ?? 5)),
        axisLabel: { ...text, formatter: ago, showMinLabel: true, alignMinLabel: "left", alignMaxLabel: "right" },
        axisLine: { show: false },
        axisTick: { show: false },
        splitLine: { show: false },
      },
      yAxis: {
        type: "value",
        splitNumber: 4,
        min: (range) => 250 * Math.floor(Math.min(range.min, -100) / 250),
        max: (range) => 250 * Math.ceil(Math.max(range.max, 400) / 250),
        axisLabel: { ...text, formatter: power, showMinLabel: false, showMaxLabel: false },
        axisLine: { show: false },
        axisTick: { show: false },
        splitLine: { lineStyle: { color: color("line") } },
      },
      visualMap: {
        show: false,
        type: "piecewise",
        seriesIndex: 0,
        dimension: 1,
        pieces: [{ min: -1e6, max: 0, color: color("export-line") }, { min: 0, max: 1e6, color: color("import-line") }],
      },
      series: SERIES.map(([name, role, width], index) => ({
        name,
        type: "line",
        showSymbol: false,
        silent: true,
        z: 10 - index,
        lineStyle: role === "grid" ? { width } : { width, color: color(`${role}-line`) },
        itemStyle: { color: role === "grid" ? color("import-line") : color(`${role}-line`) },
        areaStyle: role === "grid" ? { opacity: 0.14, origin: 0 } : undefined,
        markLine: role === "grid" ? { silent: true, symbol: "none", label: { show: false }, data: [{ yAxis: 0 }],
          lineStyle: { color: color("zero"), width: 1, type: "solid" } } : undefined,
        data: seen(index) ? points.map((point) => [point[0] - end, point[index + 1]]) : [],
      })),
    });
  }

  function duration(seconds) {
    const whole = Math.round(seconds);
    return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
  }

  window.nullwatt = { show, say, close };
})();

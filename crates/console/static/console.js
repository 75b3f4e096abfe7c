// Shortcuts, live progress and the help dialog. Every page works without this file.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  all("[data-script]").forEach((element) => { element.hidden = false; });
  one("[data-focus]")?.focus();

  // The menu is folded on narrow screens, open on wide ones.
  const menu = one("#menu");
  const narrow = matchMedia("(max-width: 720px)");
  const fold = () => { if (menu) menu.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();

  // Menus close on Escape and on a click elsewhere.
  const menus = () => all("details.menu[open]");
  document.addEventListener("click", (event) => {
    menus().forEach((open) => { if (!open.contains(event.target)) open.open = false; });
  });

  // Help.
  const dialog = one("#shortcuts");
  const help = () => { if (dialog && !dialog.open) dialog.showModal(); };
  all("[data-open=shortcuts]").forEach((button) => button.addEventListener("click", help));

  // Shortcuts can be switched off, on this device.
  const store = {
    get: () => { try { return localStorage.getItem("shortcuts"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("shortcuts", value); } catch { /* not kept */ } },
  };
  const on = one("#shortcuts-on");
  if (on) {
    on.checked = store.get() !== "off";
    on.addEventListener("change", () => store.set(on.checked ? "on" : "off"));
  }

  // How many are selected in a group; nothing selected, nothing to do.
  all("[data-group]").forEach((group) => {
    const boxes = all("input[name=delivery]", group);
    const said = one("[data-chosen]", group);
    const count = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      if (said) said.textContent = said.dataset.chosen.replace("{n}", chosen);
    };
    group.addEventListener("change", count);
    group.addEventListener("submit", (event) => {
      if (boxes.some((box) => box.checked)) return;
      event.preventDefault();
      boxes[0]?.focus();
    });
    count();
  });

  const rows = all("[data-row]");
  let at = -1;
  const move = (step) => {
    if (!rows.length) return;
    const held = rows.findIndex((row) => row.contains(document.activeElement));
    at = Math.min(Math.max((held >= 0 ? held : at) + step, 0), rows.length - 1);
    rows.forEach((row, index) => row.classList.toggle("at", index === at));
    (one("a[href]", rows[at]) ?? one("input", rows[at]))?.focus();
    rows[at].scrollIntoView({ block: "nearest" });
  };
  const here = () => rows.find((row) => row.contains(document.activeElement)) ?? rows[at];
  let going = 0;
  const keys = {
    "/": () => one("#search")?.focus(),
    "?": help,
    j: () => move(1),
    k: () => move(-1),
    x: () => one("input[type=checkbox]", here() ?? document.createElement("i"))?.click(),
    Enter: () => one("a[href]", here() ?? document.createElement("i"))?.click(),
    r: () => one("[data-main]", here()?.closest("[data-group]") ?? document.createElement("i"))?.click(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      menus().forEach((open) => { open.open = false; one("summary", open).focus(); });
      return;
    }
    const inField = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (inField || event.ctrlKey || event.metaKey || event.altKey || dialog?.open) return;
    if (on && !on.checked) return;
    if (event.timeStamp - going < 1500 && going) {
      going = 0;
      const link = one(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); return; }
    }
    if (event.key === "g") { going = event.timeStamp; return; }
    // Enter and space belong to what is in focus.
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // Live progress of a run; said aloud at most every ten seconds.
  const live = one("[data-events]");
  if (live && window.EventSource) {
    const numbers = new Intl.NumberFormat(document.documentElement.lang === "en" ? "en" : "nb");
    const words = one("#progress-words");
    const step = one("#step");
    let said = 0;
    const source = new EventSource(live.dataset.events);
    source.addEventListener("message", (event) => {
      const news = JSON.parse(event.data);
      if (news.state && news.state !== "running") { source.close(); location.reload(); return; }
      const done = news.issued + news.skipped + news.failed;
      const counts = { issued: news.issued, skipped: news.skipped, failed: news.failed, left: news.total - done };
      for (const [name, n] of Object.entries(counts)) {
        const shown = one(`[data-count=${name}]`);
        if (shown) shown.textContent = numbers.format(n);
      }
      one("#progress").value = done;
      const text = words.dataset.template
        .replace("{done}", numbers.format(done)).replace("{total}", numbers.format(news.total));
      words.textContent = text;
      if (step && step.dataset[news.step]) step.textContent = step.dataset[news.step];
      if (Date.now() - said > 10000) { said = Date.now(); one("#announce").textContent = text; }
    });
  }
})();

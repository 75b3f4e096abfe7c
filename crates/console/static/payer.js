// Copy buttons, and menus that close. The page works without this file.
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  document.querySelector("[data-focus]")?.focus();
  if (navigator.clipboard) {
    all("[data-script]").forEach((element) => { element.hidden = false; });
  }
  const said = document.querySelector("#copied");
  all("[data-copy]").forEach((button) => {
    const words = button.querySelector("span");
    const before = words.textContent;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(button.dataset.copy); } catch { return; }
      words.textContent = button.dataset.copied;
      button.classList.add("done");
      if (said) said.textContent = button.dataset.copied;
      setTimeout(() => {
        words.textContent = before;
        button.classList.remove("done");
        if (said) said.textContent = "";
      }, 4000);
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details.menu[open]").forEach((open) => { open.open = false; open.querySelector("summary").focus(); });
  });
})();

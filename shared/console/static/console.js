"use strict";
// Every page works without this script. It makes waiting shorter and keys quicker.

// Freshness: parts named data-refresh are fetched again while the page is looked at.
// A switch stops it (WCAG 2.2.2); nothing is replaced under the reader's hands.
const busy = () =>
  document.hidden ||
  document.querySelector("#live")?.checked === false ||
  document.querySelector("dialog[open]") ||
  document.activeElement?.closest("form");

async function refresh() {
  const parts = [...document.querySelectorAll("[data-refresh]")];
  if (!parts.length || busy()) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
  const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
  const isOver = answer?.status >= 400 && answer.status < 500; // the page says why
  if (answer?.type === "opaqueredirect" || isOver || page.querySelector("[data-over]")) return location.reload();
  document.querySelector("#late")?.toggleAttribute("hidden", Boolean(answer?.ok));
  if (!answer?.ok) return;
  for (const part of parts) {
    const newer = page.getElementById(part.id);
    if (newer && !busy()) part.replaceChildren(...newer.childNodes);
  }
}

// A part may name its seconds, such as data-refresh="5" of a job that runs.
const seconds = () =>
  Math.min(30, ...[...document.querySelectorAll("[data-refresh]")].map((part) => Number(part.dataset.refresh) || 30));
const again = () => setTimeout(() => refresh().finally(again), seconds() * 1000);
again();

// Keys: / goes to the search; g and a letter to a page. Never while somebody types.
let lead = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [place] = event.composedPath(); // within the editor's shadow root, too
  if (place.isContentEditable) return;
  if (place.closest?.("input:not([type=checkbox]), textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    document.querySelector("#find")?.focus();
  } else if (event.key === "g") {
    lead = Date.now();
  } else if (Date.now() - lead < 1200) {
    document.querySelector(`nav.main a[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

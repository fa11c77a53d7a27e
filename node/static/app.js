// Two conveniences; every page works without them.
"use strict";

const REFRESH_MS = 15_000;
let sending = false;

// One submission per tap. The button is disabled after the browser has read the form, never before.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) return; // the phone's page keeps it by itself
  sending = true;
  const buttons = event.target.querySelectorAll("button:not([type=button])");
  setTimeout(() => buttons.forEach((button) => { button.disabled = true; }), 0);
});

// Back from the next page: the browser may show this one as it was left, buttons and all.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  sending = false;
  document.querySelectorAll("button:disabled:not([data-off])").forEach((button) => { button.disabled = false; });
});

// Sections marked data-live="name" are fetched again and replaced, unless somebody is in the middle of one.
async function refresh() {
  if (sending || document.hidden) return;
  const reply = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!reply.ok || reply.redirected) return;
  const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
  if (sending) return;
  for (const old of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
    if (now && !old.contains(document.activeElement) && now.innerHTML !== old.innerHTML) old.replaceWith(now);
  }
}

if (document.querySelector("main [data-live]") && !document.getElementById("phone-kit")) {
  // Out of reach: the page keeps what it shows, each with its own time, and the next round tries again.
  setInterval(() => refresh().catch((error) => console.info("refresh failed:", error.message)), REFRESH_MS);
}

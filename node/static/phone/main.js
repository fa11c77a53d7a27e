// The page of the phone: it shows what it knows at once, saves without a network, and sends when the node is in reach.

import { dayOf, now } from "./clock.js";
import { exportAll } from "./file.js";
import { show as showForm } from "./form.js";
import { nearlyFull, notes } from "./notes.js";
import { acknowledged, add, all, hurry, newId, takeOut } from "./outbox.js";
import { contact, post, sendAll } from "./send.js";
import { known } from "./store.js";
import { view } from "./today.js";
import { alert, h, kit, mark, t } from "./view.js";

const ROUND_MS = 15_000;
const SOON_MS = 3_000;
const SOON_ROUNDS = 20; // rounds at the quick pace after something was entered
const main = document.getElementById("phone");
const shell = kit.account === null; // the page that the phone keeps, and not one that the node just made for somebody
const said = Object.assign(document.createElement("p"), { className: "vh" });
const page = { busy: false, failed: null, full: false, alone: false, update: null, drawn: "", soon: 0, form: false };
const others = new BroadcastChannel("grid");

said.setAttribute("role", "status");
document.body.append(said);

// ---- showing

function asked() {
  const query = new URLSearchParams(location.search);
  const form = location.pathname === "/today/case";
  return { form, own: form || location.pathname === "/today", unit: query.get("unit"), day: query.get("date"), entry: Number(query.get("entry")) };
}

/** The unit that the address names, the first of the worker's where it names none. */
const unitOf = (me, wanted) => (wanted.unit ? me.units.find((one) => one.id === wanted.unit) : me.units[0]);

async function draw() {
  const [me, link, outbox, done] = await Promise.all([known("me"), known("link"), all(), acknowledged()]);
  const wanted = asked();
  if (!me || !wanted.own) return needNode(me);
  if (!shell && kit.account !== me.account) return; // what is kept here is of somebody else: the node's answer comes first
  const at = now(me);
  const unit = unitOf(me, wanted);
  if (!unit) return shell ? needNode(me) : undefined; // the node's own page stands, and works by itself
  frame(me, link ?? { state: "ok" }, unit, outbox);
  if (wanted.form) return drawForm(me, unit, wanted, outbox);
  page.form = false;
  const s = { me, link: link ?? { state: "ok" }, unit, today: dayOf(at), at, outbox, done, ...page, others: outbox.filter((one) => one.account !== me.account).length };
  const drawn = JSON.stringify([me, s.link, unit.id, s.today, Math.floor(at / 600_000), outbox, done, page.busy, page.failed, page.full, page.alone, Boolean(page.update), s.others]);
  if (drawn === page.drawn) return; // nothing new: leave the reader's place and focus alone
  page.drawn = drawn;
  const focused = main.contains(document.activeElement) ? document.activeElement : null;
  s.notes = notes(s);
  main.replaceChildren(view(s, { zero, takeOut: drop, send: sendNow, exportAll: toFile }));
  if (focused) again(focused)?.focus();
  document.body.dataset.ready = "1";
}

// What took the place of an element when the page was drawn anew: the one of its id, else the link to the same address.
function again(gone) {
  const href = gone.getAttribute("href");
  return gone.id ? document.getElementById(gone.id) : href && [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === href);
}

/** A page that only the node can make, or a phone on which nobody has signed in yet. */
function needNode(me) {
  if (!shell) return;
  const link = h("a", { class: "btn", href: me ? "/today" : "/sign-in?next=/today" }, t(me ? "page.today.title" : "phone.signin_go"));
  main.replaceChildren(h("div", { class: "stack" }, alert("info", t("phone.off"), t(me ? "phone.needs_node" : "phone.first_signin"), "off"), link));
}

async function drawForm(me, unit, wanted, outbox) {
  if (page.form) return;
  page.form = true;
  page.drawn = "";
  const refused = outbox.find((one) => one.seq === wanted.entry && one.state === "refused");
  const day = wanted.day ?? dayOf(now(me));
  await showForm(main, { unit: unit.id, name: unit.name, day, account: me.account, refused }, {
    back: `/today?unit=${unit.id}`,
    save: (one, how) => put(me, unit, day, { kind: "found", case: one }, how),
    saved: () => go(`/today?unit=${unit.id}`),
  });
  document.body.dataset.ready = "1";
}

function frame(me, link, unit, outbox) {
  const waits = outbox.filter((one) => one.state === "waiting").length;
  const [name, above] = document.querySelectorAll(".where > *");
  if (unit.id === me.unit) [name.textContent, above.textContent] = [unit.name, unit.path.join(" · ")];
  const word = waits ? t("phone.waiting_short", { n: waits }) : t("phone.ok");
  const shown = link.state === "off" ? mark("mute", "off", t("phone.off")) : mark(waits ? "mute" : "ok", waits ? "ring" : "tick", word);
  document.querySelector(".top__end > span")?.replaceChildren(shown);
}

function go(url) {
  history.pushState(null, "", url);
  page.form = false;
  page.drawn = "";
  scrollTo(0, 0);
  return draw();
}

// ---- entering

/** Keeps an entry on the phone; where the phone can't keep it, it is sent at once. Throws when neither was possible. */
async function put(me, unit, day, more, how) {
  const at = Date.now();
  const entry = {
    account: me.account, name: unit.name, version: kit.version,
    body: { form: kit.form, ...more, unit: unit.id, date: day, today: day === dayOf(now(me)), made_at: at, seen_at: me.now, offset_ms: me.offset },
  };
  try {
    await add(entry, how);
  } catch (error) {
    const straight = await post({ ...entry, id: newId() }, me);
    if (straight.rule !== "done") throw error;
    await contact().catch(() => undefined); // the phone is full: what the node knows can't be kept either
    return;
  }
  said.textContent = t("phone.kept_here");
  page.failed = null;
  page.soon = SOON_ROUNDS;
  navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("outbox")).catch(() => undefined); // refused by the browser: the page sends itself
  round();
}

async function zero(day) {
  if (page.tapped) return;
  page.tapped = true;
  try {
    const me = await known("me");
    const unit = unitOf(me, asked());
    await put(me, unit, day, { kind: "zero" });
  } catch (error) {
    page.failed = error.name === "QuotaExceededError" ? "phone.full" : "phone.no_store";
  } finally {
    page.tapped = false;
  }
  await draw();
}

async function sendNow() {
  await hurry();
  await round();
}

async function drop(entry) {
  if (!confirm(t(entry.state === "refused" ? "phone.drop_sure" : "phone.take_back_sure"))) return;
  if (!(await takeOut(entry.seq))) said.textContent = t("phone.too_late");
  await draw();
}

async function toFile() {
  const me = await known("me");
  const count = await exportAll(me.account, dayOf(now(me)));
  said.textContent = t("phone.exported", { n: count });
}

// ---- sending, round by round

let timer = 0;

async function round() {
  clearTimeout(timer);
  if (page.busy) { page.again = true; return; }
  page.busy = true;
  await draw();
  try {
    const { me } = await sendAll();
    await settle(me);
  } catch (error) {
    page.failed = error.name === "QuotaExceededError" ? "phone.full" : page.failed; // and the next round tries again
  }
  page.busy = false;
  page.full = await nearlyFull();
  await draw();
  others.postMessage("changed");
  if (page.again) { page.again = false; return round(); }
  page.soon = Math.max(0, page.soon - 1);
  timer = setTimeout(() => (document.hidden ? undefined : round()), page.soon ? SOON_MS : ROUND_MS);
}

/** Another language, or somebody without units of their own: the node's own page is the right one. */
async function settle(me) {
  if (!me || !shell) return;
  const wrong = me.lang !== kit.lang || !me.units.length;
  if (wrong && sessionStorage.getItem("turned") !== me.lang) {
    sessionStorage.setItem("turned", me.lang);
    location.reload();
  } else if (!wrong) sessionStorage.removeItem("turned");
}

// ---- the page's life

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/today']");
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || !main.contains(link)) return;
  const url = new URL(link.href);
  const own = url.pathname === "/today" || (url.pathname === "/today/case" && (url.searchParams.get("v") ?? kit.version) === kit.version);
  if (!own) return; // of another version, or a page of the node
  event.preventDefault();
  go(url.pathname + url.search);
});
addEventListener("popstate", () => { page.form = false; page.drawn = ""; draw(); });
addEventListener("online", () => round());
document.addEventListener("visibilitychange", () => { if (!document.hidden) round(); });
others.addEventListener("message", () => draw());

async function worker() {
  if (!("serviceWorker" in navigator)) return; // plain http: it works while it is open, and says so
  const registered = await navigator.serviceWorker.register("/sw.js", { type: "module" });
  const offer = () => {
    if (!registered.waiting || !navigator.serviceWorker.controller) return;
    page.update = () => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
      registered.waiting.postMessage("now");
    };
    draw();
  };
  offer();
  registered.addEventListener("updatefound", () => registered.installing.addEventListener("statechange", offer));
  await navigator.storage?.persist?.();
  const { active } = await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) active.postMessage("claim"); // reloaded while it started: it passed this page over
}

draw().catch((error) => { page.failed = "phone.no_store"; console.info("no store:", error.message); }).finally(round);
worker().catch((error) => { page.alone = true; console.info("no service worker:", error.message); });

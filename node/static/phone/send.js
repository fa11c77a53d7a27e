// Sending: one sender at a time on this phone, entries in their order, each answer by the rules. The page sends while it
// is open; where the browser can, the service worker sends when the network is back.

import { acknowledge, all, change } from "./outbox.js";
import { pause, ruleFor } from "./rules.js";
import { asked, keep, known, work } from "./store.js";

const TIMEOUT_MS = 20_000;
const LEASE_MS = 25_000; // longer than one request may take
const MOST_TRIES_OF_A_TOKEN = 2;

/** Asks the node what it knows of this worker and keeps it. Gives {state: ok | off | signin, me}. */
export async function contact() {
  const asked_at = Date.now();
  const { status, told } = await call("/api/v1/phone", {});
  const at = Date.now();
  const before = await known("link");
  if (status === 200 && told?.account) {
    const me = { ...told, offset: told.now - Math.round((asked_at + at) / 2), at };
    await ifThereIsRoom(work(["meta"], "readwrite", async ({ meta }) => {
      await asked(meta.put({ key: "me", value: me }));
      await asked(meta.put({ key: "link", value: { state: "ok", since: at } }));
    }));
    return { state: "ok", me };
  }
  const state = status === 401 && told ? "signin" : "off";
  if (before?.state !== state) await ifThereIsRoom(keep("link", { state, since: at }));
  return { state, me: await known("me") };
}

/** A phone that is full can still send: what is only good to know is not kept then. */
function ifThereIsRoom(kept) {
  return kept.catch((error) => { if (error.name !== "QuotaExceededError") throw error; });
}

/** Sends what waits. Gives {state, me, left}: the link as it was found, and how many of this worker's still wait. */
export async function sendAll() {
  const busy = async () => ({ state: "busy", me: await known("me"), left: 0 });
  if (navigator.locks) { // let go by the browser itself when a page dies in the middle
    return navigator.locks.request("grid-send", { ifAvailable: true }, (lock) => (lock ? sendNow() : busy()));
  }
  if (!(await lease())) return busy();
  try {
    return await sendNow();
  } finally {
    await work(["meta"], "readwrite", ({ meta }) => asked(meta.delete("lease")));
  }
}

async function sendNow() {
  let link = await contact();
  if (link.state === "ok") {
    const { state, acknowledged } = await sendEach(link.me);
    if (state !== "ok") await ifThereIsRoom(keep("link", { state, since: Date.now() }));
    if (acknowledged && state === "ok") link = await contact();
    if (state !== "ok") link = { ...link, state };
  }
  const left = (await all()).filter((one) => one.state === "waiting" && one.account === link.me?.account).length;
  return { ...link, left };
}

async function sendEach(me) {
  const held = new Set(); // units and days of which an earlier entry still waits
  let acknowledged = 0;
  for (const entry of await all()) {
    if (entry.state !== "waiting" || entry.account !== me.account) continue;
    const lane = `${entry.body.unit} ${entry.body.date}`;
    if (held.has(lane) || entry.nextAt > Date.now()) {
      held.add(lane);
      continue;
    }
    if (!navigator.locks) await lease();
    const rule = await sendOne(entry, me);
    if (rule === "done") acknowledged += 1;
    else if (rule === "retry") held.add(lane);
    else if (rule !== "refused" && rule !== "gone") return { state: rule, acknowledged };
  }
  return { state: "ok", acknowledged };
}

async function sendOne(entry, me) {
  // Noted before it leaves: should this page die now, nobody may change an entry that the node may already have.
  const held = await change(entry.seq, { tries: entry.tries + 1 }).catch(() => entry);
  if (!held) return "gone"; // taken out meanwhile
  const { rule, told, retryAfter } = await post(entry, me);
  if (rule === "done") await acknowledge(entry, told, Date.now());
  else if (rule === "refused") {
    const { code, detail, field, status } = told;
    await change(entry.seq, { state: "refused", error: { code, detail, field, status } });
  } else if (rule === "retry" || rule === "wait") {
    await change(entry.seq, { nextAt: Date.now() + pause(entry.tries, retryAfter, Math.random()) });
  }
  return rule;
}

/** Sends one entry and gives {rule, told, retryAfter}; it need not stand in the outbox. */
export async function post(entry, me) {
  let token = me.csrf;
  for (let tries = 0; tries < MOST_TRIES_OF_A_TOKEN; tries += 1) {
    const { status, told, retryAfter } = await call("/api/v1/entries", {
      method: "POST",
      headers: {
        "Content-Type": "application/json", "X-CSRFToken": token, "Idempotency-Key": entry.id,
        "Grid-Phone-Now": String(Date.now()),
      },
      body: JSON.stringify(entry.body),
    });
    const rule = ruleFor(status, told);
    if (rule !== "token") return { rule, told, retryAfter };
    const link = await contact(); // the browser was restarted: the token of before is no good any more
    if (link.state !== "ok" || link.me.account !== me.account) return { rule: "signin", told: null, retryAfter: null };
    token = link.me.csrf;
  }
  return { rule: "signin", told: null, retryAfter: null };
}

async function call(path, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    // No redirect: a portal in the way must not pass for the node.
    const headers = { Accept: "application/json", "Accept-Language": "zh-CN", ...options.headers };
    const reply = await fetch(path, { ...options, headers, redirect: "manual", cache: "no-store", signal: stop.signal });
    const told = (reply.headers.get("Content-Type") ?? "").includes("json") ? await reply.json() : null;
    return { status: reply.status, told, retryAfter: reply.headers.get("Retry-After") };
  } catch {
    return { status: 0, told: null, retryAfter: null }; // no network, no node, too slow, or no JSON after all
  } finally {
    clearTimeout(timer);
  }
}

/** Takes the lease, or renews it; plain http has no locks. False while another page sends. */
function lease() {
  const own = sessionStorage.sender ??= String(crypto.getRandomValues(new Uint32Array(1))[0]); // outlives a reload
  return work(["meta"], "readwrite", async ({ meta }) => {
    const held = (await asked(meta.get("lease")))?.value;
    const at = Date.now();
    if (held && held.by !== own && held.until > at && held.until <= at + LEASE_MS) return false;
    await asked(meta.put({ key: "lease", value: { by: own, until: at + LEASE_MS } }));
    return true;
  });
}

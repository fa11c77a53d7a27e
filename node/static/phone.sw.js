// The service worker of one version of the page: it keeps the page's files, opens the page without a network, and sends
// what waits when the network is back. The node writes VERSION and KEPT (the files to keep) in front of it.

import { all } from "/app/{version}/phone/outbox.js";
import { sendAll } from "/app/{version}/phone/send.js";
import { keep, known } from "/app/{version}/phone/store.js";

const CACHE = "grid-";
const PATIENCE_MS = 4_000; // how long somebody waits for a page that the phone can't show by itself
const LEAVING = new Set(["/sign-out", "/sign-in", "/switch"]); // the next one must not see whose units these were
const others = new BroadcastChannel("grid");

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE + VERSION).then((cache) => cache.addAll(KEPT)));
});

self.addEventListener("activate", (event) => event.waitUntil(Promise.all([clients.claim(), forgetOld()])));

self.addEventListener("message", (event) => {
  if (event.data === "now") self.skipWaiting();
  if (event.data === "claim") event.waitUntil(clients.claim());
});

/** Older versions go, but for those that an entry which still waits was made with. */
async function forgetOld() {
  const needed = new Set([VERSION, ...(await all()).map((entry) => entry.version)]);
  for (const name of await caches.keys()) {
    if (name.startsWith(CACHE) && !needed.has(name.slice(CACHE.length))) await caches.delete(name);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== location.origin) return;
  if (event.request.method === "POST" && LEAVING.has(url.pathname)) event.waitUntil(keep("me", undefined));
  if (event.request.method !== "GET") return;
  if (url.pathname.startsWith("/app/")) event.respondWith(kept(event.request));
  else if (event.request.mode === "navigate") event.respondWith(page(event.request, url));
});

/** A file of any version that is kept here, else the node's. */
const kept = async (request) => (await caches.match(request, { ignoreVary: true })) ?? fetch(request);

/** The phone's own page at once where it is the right one, else the node's page, else the phone's. */
async function page(request, url) {
  const me = await known("me").catch(() => undefined);
  const own = url.pathname === "/today" || url.pathname === "/today/case";
  const wanted = url.searchParams.get("unit");
  const mine = own && me && (wanted ? me.units.some((unit) => unit.id === wanted) : me.home);
  const shell = () => caches.match(`/app/${url.searchParams.get("v") ?? VERSION}/shell/${me?.lang ?? "zh_CN"}`, { ignoreVary: true });
  if (mine) {
    const found = await shell();
    if (found) return found;
  }
  try {
    return await patient(fetch(request), own && me);
  } catch (error) {
    if (me && url.pathname === "/") return Response.redirect("/today");
    const found = await shell(); // it says that this page needs the node
    if (found) return found;
    throw error;
  }
}

function patient(reply, hasOther) {
  if (!hasOther) return reply;
  return Promise.race([reply, new Promise((_, reject) => setTimeout(() => reject(new Error("slow")), PATIENCE_MS))]);
}

self.addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(send());
});

async function send() {
  const { state, left } = await sendAll();
  others.postMessage("changed");
  if (left && state !== "signin") throw new Error("still waiting"); // the browser tries again later
}

// The outbox: entries stand in it from the tap until the node has acknowledged them, in the order of their taps.

import { asked, work } from "./store.js";

const DONE_KEPT = 100;

/** An id that nobody else makes. Not crypto.randomUUID: plain http has none. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Puts an entry in, in place of a refused one where `replaces` (its seq) is given, and drops the draft that it was
 *  typed as, all at once. A zero-report of the same unit and day that still waits is given back instead of a second. */
export function add(entry, { draft, replaces } = {}) {
  return work(["outbox", "drafts"], "readwrite", async ({ outbox, drafts }) => {
    if (entry.body.kind === "zero") {
      const twin = (await asked(outbox.getAll())).find((one) => one.body.kind === "zero" && one.state === "waiting"
        && one.account === entry.account && one.body.unit === entry.body.unit && one.body.date === entry.body.date);
      if (twin) return twin;
    }
    const stored = { ...entry, id: newId(), state: "waiting", tries: 0, nextAt: 0, error: null };
    stored.seq = await asked(outbox.add(stored));
    if (replaces) await asked(outbox.delete(replaces));
    if (draft) await asked(drafts.delete(draft));
    return stored;
  });
}

/** Everything that waits or was refused, oldest first. */
export const all = () => work(["outbox"], "readonly", ({ outbox }) => asked(outbox.getAll()));

/** What was acknowledged lately. */
export const acknowledged = () => work(["done"], "readonly", ({ done }) => asked(done.getAll()));

/** Changes an entry that is still there; gives undefined when it is not. */
export function change(seq, fields) {
  return work(["outbox"], "readwrite", async ({ outbox }) => {
    const held = await asked(outbox.get(seq));
    if (held) await asked(outbox.put({ ...held, ...fields }));
    return held;
  });
}

/** Lets everything that waits be tried at once: somebody asked for it. */
export function hurry() {
  return work(["outbox"], "readwrite", async ({ outbox }) => {
    for (const one of await asked(outbox.getAll())) if (one.nextAt) await asked(outbox.put({ ...one, nextAt: 0 }));
  });
}

/** Takes an entry out that was never sent, or was refused. One whose answer is not known stays: it may be recorded. */
export function takeOut(seq) {
  return work(["outbox"], "readwrite", async ({ outbox }) => {
    const held = await asked(outbox.get(seq));
    if (!held || (held.state === "waiting" && held.tries > 0)) return false;
    await asked(outbox.delete(seq));
    return true;
  });
}

/** The node has it: the entry goes, and with it every private word; a receipt without any stays for the screen. */
export async function acknowledge(entry, answer, at) {
  try {
    await withReceipt(entry, answer, at);
  } catch { // no room for the receipt
    await work(["outbox"], "readwrite", ({ outbox }) => asked(outbox.delete(entry.seq)));
  }
}

function withReceipt(entry, answer, at) {
  return work(["outbox", "done"], "readwrite", async ({ outbox, done }) => {
    await asked(outbox.delete(entry.seq));
    await asked(done.put({
      id: entry.id, account: entry.account, unit: entry.body.unit, day: answer.date, kind: entry.body.kind,
      event: answer.event, made: entry.body.made_at, at,
    }));
    const old = (await asked(done.getAll())).sort((a, b) => b.at - a.at).slice(DONE_KEPT);
    for (const one of old) await asked(done.delete(one.id));
  });
}

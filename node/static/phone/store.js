// One database on the phone: what waits to be sent (outbox), what the node acknowledged lately (done), texts as they are
// being typed (drafts), and what the node said last (meta: me, link, lease).

const NAME = "grid";
const SHAPE = 1; // a change of shape is a new step in `grow`, never a changed one

let opening = null;

function grow(db, from) {
  if (from < 1) {
    db.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
    db.createObjectStore("done", { keyPath: "id" });
    db.createObjectStore("drafts", { keyPath: "key" });
    db.createObjectStore("meta", { keyPath: "key" });
  }
}

function opened() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, SHAPE);
    request.onupgradeneeded = (event) => grow(request.result, event.oldVersion);
    request.onerror = () => { opening = null; reject(request.error); };
    request.onsuccess = () => {
      const db = request.result;
      const forget = () => { db.close(); opening = null; };
      db.onversionchange = forget; // a newer page wants to change the shape
      db.onclose = forget;
      resolve(db);
    };
  });
  return opening;
}

/** The result of one request of the database. */
export const asked = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** Runs `job` on the named stores in one transaction and gives what it gives, once all of it is on the disk.
 *  Whatever fails (a full disk too) undoes all of it and is thrown. */
export async function work(names, mode, job) {
  const db = await opened();
  const tx = db.transaction(names, mode, { durability: mode === "readwrite" ? "strict" : "default" });
  const done = new Promise((resolve, reject) => {
    tx.oncomplete = resolve;
    tx.onabort = () => reject(tx.error ?? new DOMException("undone", "AbortError"));
  });
  done.catch(() => {}); // it is awaited below, unless the job itself failed first
  let value;
  try {
    value = await job(Object.fromEntries(names.map((name) => [name, tx.objectStore(name)])));
  } catch (error) {
    if (error.name !== "AbortError") try { tx.abort(); } catch { /* it is over already */ }
    throw tx.error ?? error;
  }
  await done;
  return value;
}

/** A value of `meta`, or undefined. */
export const known = (key) => work(["meta"], "readonly", async ({ meta }) => (await asked(meta.get(key)))?.value);

/** Keeps a value of `meta`. */
export const keep = (key, value) => work(["meta"], "readwrite", ({ meta }) => asked(meta.put({ key, value })));

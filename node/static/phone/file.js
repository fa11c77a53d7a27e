// Where no network reaches the phone: its entries as a file, to be taken in at the node (从手机文件导入).

import { all } from "./outbox.js";

const FORMAT = "fivegrid-phone/1";

/** Hands the browser a file of everything that waits or was refused. Gives how many entries it holds. */
export async function exportAll(account, day) {
  const entries = (await all()).filter((one) => one.account === account).map(({ id, body }) => ({ id, body }));
  if (!entries.length) return 0;
  const text = JSON.stringify({ format: FORMAT, account, entries });
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `grid-${entries[0].body.unit}-${day}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return entries.length;
}

// What has to be said above everything else: no node, nobody signed in, no secure connection, a wrong clock, a full phone.

import { ahead, timeText } from "./clock.js";
import { alert, h, t } from "./view.js";

const NEARLY_FULL_BYTES = 5 * 1024 * 1024;
const MINUTE_MS = 60_000;
const MINUTES_OF_A_DAY = 1440;

/** Whether the browser would soon refuse to keep more; false where it does not say. */
export async function nearlyFull() {
  if (!navigator.storage?.estimate) return false;
  const { quota, usage } = await navigator.storage.estimate();
  return quota - usage < NEARLY_FULL_BYTES;
}

/** The notes that hold now, most urgent first. `s` as in today.js, with {full, failed, alone, update, others}. */
export function notes(s) {
  const waits = s.outbox.filter((one) => one.state === "waiting" && one.account === s.me.account).length;
  const off = Math.round(Math.abs(ahead(s.me)) / MINUTE_MS);
  const clock = { amount: off < 2 * MINUTES_OF_A_DAY ? t("phone.minutes", { n: off }) : t("phone.days", { n: Math.round(off / MINUTES_OF_A_DAY) }) };
  return [
    s.failed && alert("bad", t("phone.not_kept"), t(s.failed)),
    s.link.state === "signin" && alert("warn", t("phone.signin", { n: waits }),
      h("a", { href: "/sign-in?next=/today", id: "sign-in" }, t("phone.signin_go"))),
    s.link.state === "off" && alert("info", waits ? t("phone.off_waits", { n: waits }) : t("phone.off_none"),
      `${t("phone.off_since", { at: timeText(s.link.since, s.today) })}${t("page.today.off")}`, "off"),
    s.link.state === "wait" && waits > 0 && alert("info", t("phone.busy", { n: waits }), t("page.today.off"), "ring"),
    s.others > 0 && alert("info", t("phone.others", { n: s.others }), t("phone.others_hint")),
    ahead(s.me) > 0 && alert("warn", t("phone.clock_ahead", clock), t("phone.clock_hint")),
    ahead(s.me) < 0 && alert("warn", t("phone.clock_behind", clock), t("phone.clock_hint")),
    s.full && alert("warn", t("phone.nearly_full"), t("phone.nearly_full_hint")),
    s.update && alert("info", t("phone.update"), h("button", { class: "btn", type: "button", id: "update", onclick: s.update }, t("phone.update_go"))),
    s.alone && alert("info", t("phone.no_worker"), t("phone.no_worker_hint"), "off"),
    !isSecureContext && alert("info", t("phone.plain"), t("phone.plain_hint"), "lock"),
  ];
}

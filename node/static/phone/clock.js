// Days and times of Asia/Shanghai, whatever zone and time the phone is set to.

const SHANGHAI_MS = 8 * 3_600_000; // no summer time since 1991
const DAY_MS = 86_400_000;
export const TOLERANCE_MS = 10 * 60_000;

/** The node's clock as far as the phone can tell: its own, set right where it was found to be wrong. */
export function now(me) {
  const own = Date.now();
  if (!me) return own;
  const told = Math.abs(me.offset) > TOLERANCE_MS ? own + me.offset : own;
  return told < me.now - TOLERANCE_MS ? me.now : told; // a battery died: time does not run backwards
}

/** By how many ms the phone is ahead of the node (behind: negative), where that is worth telling; else 0. */
export function ahead(me) {
  if (!me) return 0;
  if (Date.now() + me.offset < me.now - TOLERANCE_MS) return Date.now() - me.now; // set back since the last contact
  return Math.abs(me.offset) > TOLERANCE_MS ? -me.offset : 0;
}

/** The business date at an instant, as 2026-11-23. */
export const dayOf = (ms) => new Date(ms + SHANGHAI_MS).toISOString().slice(0, 10);

/** The instant at which a day begins. */
export const beginOf = (day) => Date.parse(`${day}T00:00:00Z`) - SHANGHAI_MS;

/** The day `count` days before. */
export const before = (day, count) => dayOf(beginOf(day) - count * DAY_MS);

/** 11月23日 星期一 / Mon 23 Nov. */
export function dayText(day, lang) {
  const [, month, date] = day.split("-").map(Number);
  const week = new Date(`${day}T00:00:00Z`).getUTCDay();
  if (lang === "zh_CN") return `${month}月${date}日 星期${"日一二三四五六"[week]}`;
  const names = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
  return `${names[week]} ${date} ${"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[month - 1]}`;
}

/** 16:42 today, 11-23 16:42 on another day. */
export function timeText(ms, today) {
  const text = new Date(ms + SHANGHAI_MS).toISOString();
  return text.slice(0, 10) === today ? text.slice(11, 16) : `${text.slice(5, 10)} ${text.slice(11, 16)}`;
}

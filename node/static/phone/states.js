// What a unit's days look like from here: what the node said last, and on top of it what this phone has not sent yet.

import { before, beginOf } from "./clock.js";
import { t } from "./view.js";

const MADE_UP_DAYS = 7;
const REPORTED = new Set(["zero", "found", "late_zero", "late_found", "returned"]);
const LEVELS = ["village", "township", "county", "city"];

/** One day of a unit: {day, state, reported, waits: [entry], told} - `told` is what the node said of it. */
export function dayOfUnit(unit, day, at, waiting, done) {
  const waits = waiting.filter((one) => one.body.unit === unit.id && one.body.date === day);
  const told = unit.days.find((one) => one.day === day);
  const receipt = done.filter((one) => one.unit === unit.id && one.day === day).pop();
  let state = told?.state ?? (unit.owed ? "due" : "not_due");
  if (state === "due" && at > beginOf(day) + unit.grace_ms) state = "missing";
  const late = at > beginOf(day) + unit.grace_ms ? "late_" : "";
  if (!REPORTED.has(state)) {
    const last = waits.filter((one) => one.state === "waiting").pop();
    const kind = last?.body.kind ?? receipt?.kind;
    if (kind) state = late + kind;
  }
  return { day, state, reported: REPORTED.has(state), waits, told, receipt };
}

/** The days before today that can still be made up, newest first. */
export function toMakeUp(unit, today, at, waiting, done) {
  const known = new Set(unit.days.map((one) => one.day));
  return Array.from({ length: MADE_UP_DAYS }, (_, back) => before(today, back + 1))
    .filter((day) => known.has(day) || day > (unit.days[0]?.day ?? day)) // before that the unit did not exist
    .map((day) => dayOfUnit(unit, day, at, waiting, done))
    .filter((one) => one.state === "missing" || one.state === "due");
}

/** The way of an entry that this phone has not got rid of yet: saved here, everything else still ahead. */
export function stepsOfWaiting(time, sending) {
  return [
    { label: t("phone.saved_here"), state: "done", text: time },
    ...LEVELS.map((level, at) => ({
      label: t(`level_short.${level}`), state: at ? "wait" : "now",
      text: t(at ? "path.not_yet" : sending ? "path.under_way" : "path.queued"),
    })),
  ];
}

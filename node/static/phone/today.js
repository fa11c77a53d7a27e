// 今日排查 on the phone: today's card, days to make up, what waits, and how far the last records have come.

import { dayText, timeText } from "./clock.js";
import { dayOfUnit, stepsOfWaiting, toMakeUp } from "./states.js";
import { alert, badge, card, h, icon, kit, mark, path, t } from "./view.js";

/** Everything below `main`. `s`: {me, link, unit, today, at, outbox, done, notes, busy}, `act`: what the buttons do. */
export function view(s, act) {
  const mine = s.outbox.filter((one) => one.account === s.me.account);
  const waiting = mine.filter((one) => one.state === "waiting");
  const done = s.done.filter((one) => one.account === s.me.account && one.at > s.me.at);
  const day = dayOfUnit(s.unit, s.today, s.at, waiting, done);
  const missed = toMakeUp(s.unit, s.today, s.at, waiting, done);
  const shown = day.reported && s.unit.records.find((one) => one.day === s.today && !one.amended_by && !one.campaign);
  return h("div", { class: "stack" },
    s.unit.id === s.me.unit ? h("h1", { class: "vh" }, t("page.today.title")) : h("h1", {}, s.unit.name),
    s.notes,
    s.me.units.length > 1 && chooser(s),
    s.unit.reminded.length > 0 && reminded(s, waiting),
    today(s, act, day, shown, waiting),
    mine.length > 0 && outbox(s, act, mine),
    missed.length > 0 ? makeUp(s, act, missed) : complete(s),
    records(s, s.unit.records.filter((one) => one !== shown)),
    h("p", { class: "row" }, h("a", { class: "go", href: "/today/take-in" }, t("phone.take_in.title")),
      h("a", { class: "go", href: "/account" }, `${s.me.account} · ${t(`role.${s.me.role}`)}`)));
}

const caseUrl = (s, day) => `/today/case?unit=${s.unit.id}&date=${day}`;
const amendUrl = (s, record) => `/today/found?unit=${s.unit.id}&date=${record.day}&amends=${record.event}`;

function chooser(s) {
  return h("nav", { class: "chips", "aria-label": t("phone.units") }, s.me.units.map((unit) => {
    const own = dayOfUnit(unit, s.today, s.at, s.outbox.filter((one) => one.state === "waiting"), s.done);
    return h("a", { href: `/today?unit=${unit.id}`, "aria-current": unit.id === s.unit.id ? "page" : null },
      icon(own.reported ? "tick" : "ring"), unit.name, h("span", { class: "vh" }, t(`duty.${own.state}`)));
  }));
}

function today(s, act, day, shown, waiting) {
  const title = dayText(s.today, kit.lang);
  const found = shown?.found ? shown.found.disputes + shown.found.hazards : day.told?.found;
  const held = waiting.filter((one) => day.waits.includes(one));
  if (!day.reported) {
    return card("t-today", title, badge(day.state),
      h("div", { class: "stack" },
        h("button", { class: "btn btn--main btn--big", id: "zero", type: "button", onclick: () => act.zero(s.today) },
          t("page.today.zero"), h("small", {}, t("page.today.zero_hint"))),
        h("a", { class: "btn btn--mid", href: caseUrl(s, s.today) }, icon("diamond"), t("page.today.found"))),
      h("p", { class: "sub gap" }, t("page.today.deadline", { at: new Date(s.unit.due_ms).toISOString().slice(11, 16) }), kit.lang === "en" ? " " : "",
        t(day.state === "excused" ? "page.today.excused" : "page.today.zero_counts")));
  }
  const last = held[held.length - 1];
  const time = (ms) => timeText(ms, s.today);
  const steps = last ? stepsOfWaiting(time(last.body.made_at), s.busy) : shown ? shown.steps.map((one) => step(one, s)) : null;
  const made = last?.body.made_at ?? day.told?.at ?? day.receipt?.made;
  const said = found && !last ? t("page.today.said_found", { n: found, at: time(made) })
    : (last?.body.kind ?? day.receipt?.kind) === "found" ? t("phone.said_found", { at: time(made) })
      : t("page.today.said_zero", { at: time(made) });
  return card("t-today", title, badge(day.state, found),
    h("p", {}, said), steps && path(steps), shown && inTheWay(s, shown),
    h("div", { class: "row gap" }, h("a", { class: "btn", href: caseUrl(s, s.today) }, t("page.today.now_found")),
      shown && !last && !shown.returned && !shown.refused && h("a", { class: "btn btn--quiet", href: amendUrl(s, shown) }, t("page.today.amend")),
      last && !last.tries && h("button", { class: "btn btn--quiet", type: "button", onclick: () => act.takeOut(last) }, t("phone.take_back"))),
    h("p", { class: "sub gap" }, last ? t("phone.kept_here") : t("page.today.amend_note")));
}

/** What a higher unit asked for; it goes once the node has the report. */
function reminded(s, waiting) {
  const open = s.unit.reminded.filter((one) => !waiting.some((entry) => entry.body.unit === one.unit && entry.body.date === one.period));
  return open.length > 0 && h("section", { class: "card card--flush", "aria-labelledby": "t-reminded" },
    h("div", { class: "card__h pad" }, h("h2", { id: "t-reminded" }, t("page.reminders.received"))),
    h("ul", { class: "list" }, open.map((one) => h("li", {},
      h("b", {}, t("page.reminders.asks", { by: one.by_name, name: one.name, period: one.period_name ?? one.period })),
      one.text && h("p", {}, one.text), h("p", { class: "sub dim" }, timeText(Date.parse(one.at), s.today))))));
}

function step(one, s) {
  return one.at ? { ...one, text: timeText(one.at, s.today) } : one;
}

function outbox(s, act, mine) {
  const waits = mine.filter((one) => one.state === "waiting").length;
  return h("section", { class: "card card--flush", "aria-labelledby": "t-out" },
    h("div", { class: "card__h pad" }, h("h2", { id: "t-out" }, t("phone.waiting", { n: waits })),
      s.busy ? mark("mute", "sync", t("phone.sending")) : h("button", { class: "btn btn--quiet", id: "send", type: "button", onclick: act.send }, t("phone.send_now"))),
    h("ol", { class: "list" }, mine.map((one, at) => h("li", {},
      h("div", { class: "row" }, h("b", {}, `${at + 1}. ${dayText(one.body.date, kit.lang)}`), badge(one.body.kind),
        one.state === "refused" ? mark("bad", "cross", t("phone.refused")) : mark("mute", "ring", t(one.tries ? "phone.tried" : "path.queued"))),
      h("p", { class: "sub" }, `${one.name} · ${t("phone.made", { at: timeText(one.body.made_at, s.today) })}`),
      one.state === "refused" && h("div", { class: "gap" }, alert("bad", "", one.error.detail)),
      one.state === "refused" && h("div", { class: "row gap" },
        one.body.kind === "found" && h("a", { class: "btn", href: `${caseUrl({ unit: { id: one.body.unit } }, one.body.date)}&entry=${one.seq}&v=${one.version}` }, t("page.today.amend")),
        one.body.kind === "zero" && h("a", { class: "btn", href: `/today/found?unit=${one.body.unit}&date=${one.body.date}` }, t("page.today.amend")),
        h("button", { class: "btn btn--quiet", type: "button", onclick: () => act.takeOut(one) }, t("phone.drop")))))),
    h("div", { class: "note" }, h("button", { class: "btn", id: "export", type: "button", onclick: act.exportAll }, icon("down"), t("phone.export")),
      h("p", { class: "sub gap8" }, t("phone.export_hint"))));
}

function makeUp(s, act, missed) {
  return h("section", { class: "card card--flush", "aria-labelledby": "t-miss" },
    h("div", { class: "card__h pad" }, h("h2", { id: "t-miss" }, t("page.today.make_up")), h("span", { class: "sub" }, t("page.today.make_up_n", { n: missed.length }))),
    h("ul", { class: "list" }, missed.map((one) => h("li", {},
      h("div", { class: "card__h" }, h("h3", {}, dayText(one.day, kit.lang)), badge(one.state)),
      h("p", { class: "sub" }, t(one.state === "missing" ? "page.today.make_up_late" : "page.today.make_up_grace")),
      h("div", { class: "tiles tiles--2 gap" },
        h("button", { class: "btn", id: `zero-${one.day}`, type: "button", onclick: () => act.zero(one.day) }, t("page.today.make_up_zero")),
        h("a", { class: "btn", href: caseUrl(s, one.day) }, t("page.today.make_up_found")))))));
}

function complete(s) {
  return h("section", { class: "card card--flush" }, h("div", { class: "empty" }, icon("tick"), h("h2", {}, t("page.today.complete")),
    h("p", { class: "sub" }, t("page.today.stats30", s.unit.stats))));
}

function records(s, listed) {
  return h("section", { "aria-labelledby": "t-last" },
    h("div", { class: "card__h" }, h("h2", { id: "t-last" }, t("page.today.records")), h("a", { class: "go", href: `/records?unit=${s.unit.id}` }, t("phone.all_records"))),
    h("ul", { class: "card card--flush list" }, listed.length ? listed.map((one) => h("li", {},
      h("div", { class: "row" }, h("b", {}, dayText(one.day, kit.lang)), badge(one.state, one.found ? one.found.disputes + one.found.hazards : 0),
        one.campaign && h("span", { class: "tag" }, one.campaign),
        one.amended_by && h("span", { class: "tag" }, t("page.today.amended")),
        one.late_arrival && h("span", { class: "tag" }, t("page.today.late_arrival")),
        !one.amended_by && !one.refused && !one.returned && h("a", { class: "go", href: amendUrl(s, one) }, t("page.today.amend"))),
      one.found && h("p", { class: "sub" }, t("page.today.found_parts", one.found)),
      path(one.steps.map((each) => step(each, s))), inTheWay(s, one))) : h("li", { class: "sub dim" }, t("page.today.no_records"))));
}

function inTheWay(s, record) {
  const { refused, returned } = record;
  if (!refused && !returned) return null;
  return h("div", {},
    refused && h("div", { class: "gap" }, alert("bad", t("page.today.refused_by", { by: refused.by }), refused.reason)),
    returned && h("div", { class: "gap" }, alert("bad", t("page.today.returned_by", { by: returned.by, at: timeText(returned.at, s.today) }),
      t("page.today.returned_counts", { reason: returned.reason }), "back")),
    !record.amended_by && h("a", { class: "btn btn--wide gap", href: amendUrl(s, record) }, t("page.today.amend")));
}

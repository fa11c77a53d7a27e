// 发现情况: the form, kept as it is typed; what stood in it when it was saved goes into the outbox as it is.

import { dayText } from "./clock.js";
import { asked, work } from "./store.js";
import { alert, icon, kit, t } from "./view.js";

const TYPING_MS = 300;
const PARTIES = [0, 1];
const PLAIN = (text) => text.normalize("NFKC").trim(); // Chinese keyboards type full-width digits

/** What the form says, as POST /api/v1/entries takes it. */
export function read(form) {
  const typed = new FormData(form);
  const text = (name) => PLAIN(typed.get(name) ?? "");
  const [kind, category] = (typed.get("category") ?? ".").split(".");
  return {
    kind, category, source: text("source"), complexity: text("complexity"), urgency: text("urgency"),
    ...(text("scale") ? { scale: text("scale") } : {}),
    private: {
      parties: PARTIES.map((at) => ({ role: text(`party_${at}_role`), name: text(`party_${at}_name`), phone: text(`party_${at}_phone`) }))
        .filter((one) => one.name || one.phone),
      place: text("place"), narrative: (typed.get("narrative") ?? "").trim(),
    },
  };
}

/** The fields of the form that a case came from. */
export function fieldsOf(one) {
  const fields = {
    category: `${one.kind}.${one.category}`, source: one.source, complexity: one.complexity, urgency: one.urgency,
    scale: one.scale ?? "", place: one.private.place, narrative: one.private.narrative,
  };
  for (const party of one.private.parties) {
    const at = party.role === "respondent" ? 1 : 0;
    fields[`party_${at}_name`] = party.name;
    fields[`party_${at}_phone`] = party.phone;
  }
  return fields;
}

function fill(form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements[name];
    if (field) field.value = value; // a group of radio buttons takes its value in the same way
  }
}

const typedIn = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === "string"));

/** Shows the form in `main`. `at`: {unit, name, day, account, refused?: entry}; `save(case, {draft, replaces})` is to
 *  keep it and throws when it can't; `back` is where 稍后再填 leads. */
export async function show(main, at, { save, back, saved }) {
  const key = `${at.account} ${at.unit} ${at.day}${at.refused ? ` ${at.refused.id}` : ""}`;
  const view = document.getElementById("t-case").content.cloneNode(true);
  const slot = (name) => main.querySelector(`[data-slot="${name}"]`);
  const draft = await work(["drafts"], "readonly", ({ drafts }) => asked(drafts.get(key))).catch(() => undefined);
  main.replaceChildren(view);
  const form = main.querySelector("form");
  slot("where").textContent = `${dayText(at.day, kit.lang)} · ${at.name}`;
  slot("back").href = back;
  if (at.refused) {
    fill(form, fieldsOf(at.refused.body.case));
    slot("told").replaceChildren(alert("bad", t("phone.refused"), at.refused.error.detail));
  }
  if (draft) fill(form, draft.fields);
  const told = (text, shape = "tick") => slot("draft")?.replaceChildren(icon(shape), ` ${text}`);
  if (draft) told(t("phone.draft.back"));

  const keepDraft = async () => {
    clearTimeout(timer);
    timer = 0;
    try {
      await work(["drafts"], "readwrite", ({ drafts }) => asked(drafts.put({ key, fields: typedIn(form), at: Date.now() })));
      told(t("phone.draft.kept"));
    } catch {
      told(t("phone.draft.full"), "warn");
    }
  };
  let timer = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keepDraft, TYPING_MS); });
  const hidden = () => { if (timer) keepDraft(); };
  addEventListener("pagehide", hidden);
  document.addEventListener("visibilitychange", hidden);
  slot("clear").addEventListener("click", async () => {
    if (!confirm(t("phone.draft.sure"))) return;
    clearTimeout(timer);
    timer = 0;
    form.reset();
    await work(["drafts"], "readwrite", ({ drafts }) => asked(drafts.delete(key)));
    told(t("phone.draft.gone"));
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.saving) return; // the second of two taps
    form.dataset.saving = "1";
    clearTimeout(timer);
    timer = 0;
    try {
      await save(read(form), { draft: key, replaces: at.refused?.seq });
      removeEventListener("pagehide", hidden);
      document.removeEventListener("visibilitychange", hidden);
      saved();
    } catch (error) {
      slot("told").replaceChildren(alert("bad", t("phone.not_kept"), t(error.name === "QuotaExceededError" ? "phone.full" : "phone.no_store")));
      slot("told").scrollIntoView();
      delete form.dataset.saving;
    }
  });
  main.querySelector("h1").tabIndex = -1;
  main.querySelector("h1").focus();
}

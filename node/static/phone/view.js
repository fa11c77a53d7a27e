// Small parts of the page, made as the templates of the node make them: the words and shapes come from the node.

const SVG = "http://www.w3.org/2000/svg";
export const kit = JSON.parse(document.getElementById("phone-kit").textContent);
const { default: words } = await import(`./words-${kit.lang}.js`);

/** A word of the catalogue with its blanks filled in. */
export function t(key, params = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => params[name]);
}

/** An element: h("p", {class: "sub", onclick: f}, "text", element, null). */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  for (const [key, value] of [["class", "i"], ["viewBox", "0 0 20 20"], ["aria-hidden", "true"]]) svg.setAttribute(key, value);
  use.setAttribute("href", `${kit.icons}#i-${name}`);
  svg.append(use);
  return svg;
}

/** Shape, word and colour of a status. */
export const mark = (tone, shape, word) => h("span", { class: `badge b-${tone}` }, icon(shape), word);

export function badge(state, found = 0) {
  const [tone, shape] = kit.duty[state];
  return mark(tone, shape, found && state === "found" ? t("duty.found_n", { n: found }) : t(`duty.${state}`));
}

export function alert(kind, title, text, shape) {
  const shapes = { info: "info", ok: "tick", warn: "warn", bad: "cross" };
  const parts = [title && h("b", {}, title), title && text && h("br"), text];
  return h("div", { class: kind === "info" ? "alert" : `alert alert--${kind}`, role: kind === "bad" ? "alert" : "status" },
    icon(shape ?? shapes[kind]), h("div", {}, parts));
}

/** The way to the city: steps [{label, state, text}], always five. */
export function path(steps) {
  return h("ol", { class: "path", "aria-label": t("path.title") }, steps.map((step) =>
    h("li", { class: step.state === "wait" ? null : `is-${step.state}` }, icon(kit.step[step.state]), h("b", {}, step.label),
      step.state === "done"
        ? h("time", {}, step.text.split(" ").flatMap((word, at) => (at ? [h("br"), word] : [word])))
        : h("span", {}, step.text))));
}

/** A card with a title and what stands beside it. */
export function card(id, title, beside, ...body) {
  return h("section", { class: "card", "aria-labelledby": id },
    h("div", { class: "card__h" }, h("h2", { id }, title), beside), body);
}

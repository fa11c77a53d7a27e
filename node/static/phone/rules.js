// What an answer of the node means for an entry that was sent. Nothing here takes an entry away but "done".
//   done: it is recorded · refused: shown with the reason, to be corrected · retry: this one again later, others go on
//   wait: all of them later · signin: all wait until somebody signs in · token: ask for a new token, once · off: no node

const REFUSED = new Set([400, 403, 404, 409, 413, 415, 422]);
const WAIT = new Set([408, 429, 503, 507]);
const FIRST_MS = 5_000;
const MOST_MS = 900_000;
const MOST_TOLD_MS = 3_600_000;

/** The rule for a reply. `told`: its JSON, or null for anything else: a portal of a hotel answers anything. */
export function ruleFor(status, told) {
  if (told === null) return "off";
  if (status === 200 || status === 201) return typeof told.event === "string" ? "done" : "off";
  if (status === 401) return "signin";
  if (status === 400 && told.code === "csrf") return "token";
  if (WAIT.has(status)) return "wait";
  if (status >= 500) return "retry";
  return REFUSED.has(status) && typeof told.code === "string" ? "refused" : "off";
}

/** How long to wait before the next try, in ms: what the node asked for, else longer each time, spread by chance. */
export function pause(tries, retryAfter, chance) {
  const told = Number(retryAfter) * 1000;
  if (told > 0) return Math.min(told, MOST_TOLD_MS) + chance * FIRST_MS;
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries, 10)) * (0.5 + chance / 2);
}

/**
 * The series as the page knows them: a signal for each, so that a change draws one card. The list tells what is there,
 * the feed what changes; whichever is newer, by the log's position, stands.
 *
 * @typedef {{status: string, attempt: number, error: {message: string, kind: string} | null, retry_at: string | null}} Part
 * @typedef {{key: string, db_id: number, name: string, year: number | null, loading_status: string,
 *   progress: Record<string, boolean>, message: string, error: string | null, parts: Record<string, Part>,
 *   poster: string | null, added_at: string, started_at: string, completed_at: string | null, position: number}} Series
 */
import { batch, computed, signal } from "@preact/signals";
import { get } from "./api.js";

const FIRST_PAGE = 60; // what any screen shows at once
const PAGE = 500;
const FRAME = 16; // milliseconds
const HIDDEN = 250; // a page that nobody sees has time, but must know what has happened

/** @type {Map<string, import("@preact/signals").Signal<Series>>} */
const all = new Map();
/** Positions of removals, by key: a page of the list that was made before must not bring the series back. */
const removed = new Map();
/** Counts up whenever a series comes or goes. */
const membership = signal(0);

/** Whether the whole list has been read. */
export const complete = signal(false);
export const query = signal("");
export const filter = signal("all");
export const order = signal("newest");

/** @returns {import("@preact/signals").Signal<Series> | undefined} */
export const seriesOf = (key) => {
  membership.value;
  return all.get(key);
};

export const isLoading = (series) => /^(pending|loading_)/.test(series.loading_status);
/** Also what was loaded well before, and could not be loaded again. */
export const hasFailed = (series) => series.loading_status === "failed" || (!isLoading(series) && series.error !== null);
/** Whether trying again would find the same: somebody has to say which entry it is. */
export const isUnmatched = ({ parts: { identity } }) =>
  identity?.status === "failed" && ["no_match", "not_found", "duplicate"].includes(identity.error?.code);

export const FILTERS = {
  all: { label: "All", holds: () => true },
  loading: { label: "Loading", holds: isLoading },
  failed: { label: "Failed", holds: hasFailed },
  completed: { label: "Completed", holds: (series) => series.loading_status === "completed" },
};

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const newest = (a, b) => b.db_id - a.db_id;
export const ORDERS = {
  newest: { label: "Newest first", compare: newest },
  name: { label: "By name", compare: (a, b) => collator.compare(a.name, b.name) || newest(a, b) },
  year: { label: "By year", compare: (a, b) => (b.year ?? 0) - (a.year ?? 0) || collator.compare(a.name, b.name) },
};

/** For comparing: without accents and case. Kept, as a name is compared with every letter that is typed. */
const plain = memo((text) =>
  text
    .normalize("NFKD")
    .replace(/\p{Mn}/gu, "")
    .toLowerCase(),
);

/** `make`, which makes a thing of a text once. */
function memo(make) {
  const made = new Map();
  return (text) => {
    if (!made.has(text)) made.set(text, make(text));
    return made.get(text);
  };
}

const values = computed(() => {
  membership.value;
  return [...all.values()].map((one) => one.value);
});

/** How many series each filter lets through. */
export const counts = same(
  () => Object.fromEntries(Object.entries(FILTERS).map(([name, one]) => [name, values.value.filter(one.holds).length])),
  (a, b) => Object.keys(FILTERS).every((name) => a[name] === b[name]),
);

/** The keys of all, in their order: made anew when a series comes, goes or changes its name. */
const sorted = (() => {
  let was = { order: "", parts: [], keys: [] };
  return computed(() => {
    const parts = values.value.flatMap(({ key, name, year }) => [key, name, year]);
    if (was.order !== order.value || !isEqual(parts, was.parts)) {
      const keys = [...values.value].sort(ORDERS[order.value].compare).map((one) => one.key);
      was = { order: order.value, parts, keys };
    }
    return was.keys;
  });
})();

/** The keys to show, in their order. @type {import("@preact/signals").ReadonlySignal<string[]>} */
export const shown = same(() => {
  const words = plain(query.value).split(/\s+/).filter(Boolean);
  const { holds } = FILTERS[filter.value];
  return sorted.value.filter((key) => {
    const one = all.get(key)?.value;
    return one && holds(one) && words.every((word) => plain(one.name).includes(word) || key.includes(word));
  });
}, isEqual);

function isEqual(a, b) {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

/** A computed value that stays the very same while nothing in it changes: whoever draws it then draws nothing. */
function same(make, equals) {
  let was;
  return computed(() => {
    const is = make();
    if (was === undefined || !equals(was, is)) was = is;
    return was;
  });
}

/** Take what the list or the feed says of a series, unless something newer is known. @param {Series} said */
export function take(said) {
  const known = all.get(said.key);
  if ((removed.get(said.key) ?? 0) >= said.position || (known && known.peek().position > said.position)) return;
  if (said.loading_status === "removed") {
    removed.set(said.key, said.position);
    if (all.delete(said.key)) membership.value++;
  } else if (known) {
    known.value = said;
  } else {
    all.set(said.key, signal(said));
    membership.value++;
  }
}

/** @type {Map<string, Series>} what the feed has told of each series last, and is not taken yet */
const waiting = new Map();
const told = new Set();
let timer = 0;

/** Take an update of the feed with all others of this moment: a flood of them draws the page once. @param {Series} update */
export function takeSoon(update) {
  told.add(update.key);
  waiting.set(update.key, update);
  timer ||= setTimeout(takeWaiting, document.hidden ? HIDDEN : FRAME);
}

function takeWaiting() {
  timer = 0;
  const updates = [...waiting.values()];
  waiting.clear();
  batch(() => updates.forEach(take));
}

/** Read the whole list, newest first; what isn't in it any more, and was not told of meanwhile, goes. */
export async function load(abort) {
  told.clear();
  const listed = new Set();
  let cursor;
  do {
    const limit = cursor ? PAGE : FIRST_PAGE;
    const page = await get("/api/anime", { order: "newest", limit, cursor }, abort);
    batch(() => page.items.forEach(take));
    page.items.forEach((one) => listed.add(one.key));
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
  batch(() => {
    for (const key of [...all.keys()]) {
      if (!listed.has(key) && !told.has(key)) {
        all.delete(key);
        membership.value++;
      }
    }
    complete.value = true;
  });
}

/** Forget what is known: the log is another, whose positions say nothing of the former one's. */
export function forget() {
  clearTimeout(timer);
  timer = 0;
  waiting.clear();
  told.clear();
  removed.clear();
  batch(() => {
    all.clear();
    complete.value = false;
    membership.value++;
  });
}

/** Forget also what was looked for: another person may sign in. */
export function leave() {
  forget();
  query.value = "";
  filter.value = "all";
}

/** What is said aside: what does not work to everybody, what has ended well or badly to screen readers. */
import { signal } from "@preact/signals";
import { connection } from "./feed.js";
import { ailments } from "./health.js";
import { html } from "./html.js";
import { hasFailed, isLoading, seriesOf } from "./library.js";
import { place } from "./place.js";
import { plural } from "./words.js";

const FIRST_WORD = 2000; // milliseconds: what ends within this is told in one sentence
const NEXT_WORD = 15_000; // while a whole library loads, a listener wants to hear something else, too
const NAMED = 3;

const spoken = signal("");
/** @type {Map<string, {name: string, message: string, failed: boolean}>} */
const ended = new Map();
let timer = 0;
let spokeAt = -Infinity;

/** Note what ends: not every step of every part is worth an interruption. */
export function announce(update) {
  const before = seriesOf(update.key)?.peek();
  const failed = hasFailed(update);
  // What was complete and is looked at again by itself has no news.
  if (isLoading(update) || (before && before.completed_at && !failed) || (before && hasFailed(before) && failed)) return;
  if (update.loading_status === "removed") return;
  ended.set(update.key, { name: update.name, message: update.message, failed });
  timer ||= setTimeout(speak, Math.max(FIRST_WORD, spokeAt + NEXT_WORD - performance.now()));
}

function speak() {
  timer = 0;
  spokeAt = performance.now();
  const all = [...ended.values()];
  ended.clear();
  const failed = all.filter((one) => one.failed);
  const completed = all.filter((one) => !one.failed);
  const words = [
    completed.length && `${listed(completed)} ${completed.length === 1 ? "is" : "are"} complete.`,
    failed.length === 1 ? `${failed[0].name}: ${failed[0].message}` : failed.length && `${listed(failed)} failed.`,
  ]
    .filter(Boolean)
    .join(" ");
  // The same words again would change nothing, and so not be said.
  spoken.value = words === spoken.value ? `${words}\u00a0` : words;
}

/** Say nothing of what was: another person may sign in. */
export function hush() {
  clearTimeout(timer);
  timer = 0;
  ended.clear();
  spoken.value = "";
}

const listed = (some) =>
  some.length > NAMED ? plural(some.length, "series", "series") : some.map((one) => one.name).join(", ");

const Announcer = () => html`<p class="hidden" aria-live="polite">${spoken.value}</p>`;

const Banner = () =>
  html`<div class="banner">
    <div role="status">
      ${connection.value === "lost" &&
      html`<p>Coldopen does not answer: what you see may be out of date. Trying again…</p>`}
      ${ailments.value.map(({ name }) => html`<p class="hidden" key=${name}>${name}: not in order</p>`)}
    </div>
    ${ailments.value.map(
      ({ name, detail, degraded }) => html`<p key=${name} class=${degraded ? "slight" : ""}><strong>${name}:</strong> ${detail}</p>`,
    )}
  </div>`;

/** Both, in the dialog while it is open: what is behind it is neither seen nor heard. */
export const Notices = ({ within }) =>
  (place.value.key !== null) === (within === "dialog") && html`<${Banner} /><${Announcer} />`;

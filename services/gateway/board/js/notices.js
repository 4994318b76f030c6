/** What is said aside: the state of the connection to everybody, what has ended well or badly to screen readers. */
import { signal } from "@preact/signals";
import { connection } from "./feed.js";
import { ailments } from "./health.js";
import { html } from "./html.js";
import { seriesOf } from "./library.js";
import { plural } from "./words.js";

const TOGETHER = 2000; // what ends within this is told in one sentence
const NAMED = 3;

const spoken = signal("");
/** @type {Map<string, {name: string, loading_status: string, message: string}>} */
const ended = new Map();

/** Note what ends: not every step of every part is worth an interruption. */
export function announce(update) {
  if (!["completed", "failed"].includes(update.loading_status)) return;
  const before = seriesOf(update.key)?.peek().loading_status;
  if (before === update.loading_status) return;
  if (ended.size === 0) setTimeout(speak, TOGETHER);
  ended.set(update.key, update);
}

function speak() {
  const all = [...ended.values()];
  ended.clear();
  const failed = all.filter((one) => one.loading_status === "failed");
  const completed = all.filter((one) => one.loading_status === "completed");
  spoken.value = [
    completed.length && `${listed(completed)} ${completed.length === 1 ? "is" : "are"} complete.`,
    failed.length === 1 ? `${failed[0].name}: ${failed[0].message}` : failed.length && `${listed(failed)} failed.`,
  ]
    .filter(Boolean)
    .join(" ");
}

const listed = (some) =>
  some.length > NAMED ? plural(some.length, "series", "series") : some.map((one) => one.name).join(", ");

export const Announcer = () => html`<p class="hidden" aria-live="polite">${spoken.value}</p>`;

export const Banner = () =>
  html`<div class="banner" role="status">
    ${connection.value === "lost" &&
    html`<p>Coldopen does not answer: what you see may be out of date. Trying again…</p>`}
    ${ailments.value.map(
      ({ name, detail, degraded }) => html`<p key=${name} class=${degraded ? "slight" : ""}><strong>${name}:</strong> ${detail}</p>`,
    )}
  </div>`;

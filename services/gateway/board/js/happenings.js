/** What happened to a series, newest first, in the words that `coldopen history` uses. */
import { useSignal } from "@preact/signals";
import { html } from "./html.js";
import { duration, moment, plural } from "./words.js";

const SHOWN = 100;

export function Happenings({ items }) {
  const all = useSignal(false);
  const shown = all.value ? items : items.slice(-SHOWN);
  return html`<section aria-labelledby="history-title">
    <h3 id="history-title">History</h3>
    <ol class="happenings" reversed>
      ${shown.toReversed().map(
        (item) =>
          html`<li key=${item.position} class=${`mood-${item.mood}`}>
            <time datetime=${item.time}>${moment(item.time)}</time>
            <span class="what">${item.what}</span>
            <span class="told">${item.detail}</span>
            <span class="hint"
              >${[item.attempt > 1 && `attempt ${item.attempt}`, item.seconds !== null && `took ${duration(item.seconds)}`]
                .filter(Boolean)
                .join(" · ")}</span
            >
          </li>`,
      )}
    </ol>
    ${shown.length < items.length &&
    html`<button onClick=${() => (all.value = true)}>Show all ${plural(items.length, "event")}</button>`}
  </section>`;
}

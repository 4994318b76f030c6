/** What happened to a series, newest first, in the words that `coldopen history` uses. */
import { html } from "./html.js";
import { duration, moment } from "./words.js";

export const Happenings = ({ items }) =>
  html`<section aria-labelledby="history-title">
    <h3 id="history-title">History</h3>
    <ol class="happenings" reversed>
      ${[...items].reverse().map(
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
  </section>`;

/** The seasons of a series: which episodes are on disk, which are missing, which have not aired. */
import { useSignal } from "@preact/signals";
import { html } from "./html.js";
import { plural } from "./words.js";

const STATES = { on_disk: "on disk", missing: "missing", unaired: "not aired yet" };

export function Episodes({ detail }) {
  if (detail.seasons.length === 0) return null;
  const { on_disk, missing, unaired } = detail.episode_counts;
  const told = [on_disk && `${on_disk} on disk`, missing && `${missing} missing`, unaired && `${unaired} not aired yet`];
  const specialsLast = [...detail.seasons].sort((a, b) => (a.number || Infinity) - (b.number || Infinity));
  return html`<section aria-labelledby="episodes-title">
    <h3 id="episodes-title">Episodes <span class="hint">${told.filter(Boolean).join(", ")}</span></h3>
    ${specialsLast.map((season) => html`<${Season} key=${season.number} season=${season} />`)}
  </section>`;
}

function Season({ season }) {
  const open = useSignal(false);
  const count = (state) => season.episodes.filter((one) => one.state === state).length;
  const there = count("on_disk");
  const aired = there + count("missing");
  const name = season.number === 0 ? "Specials" : `Season ${season.number}`;
  const title = season.title && season.title !== name ? `${name}: ${season.title}` : name;
  return html`<details class="season" onToggle=${(event) => (open.value = event.target.open)}>
    <summary>
      <span>${title}</span>
      <span class="hint">${plural(season.episodes.length, "episode")}${aired > 0 && ` · ${there} of ${aired} on disk`}</span>
    </summary>
    ${open.value && html`<${List} season=${season} />`}
  </details>`;
}

const List = ({ season }) =>
  html`<ol class="episodes">
      ${season.episodes.map(
        (one) =>
          html`<li key=${one.number} class=${one.state}>
            <span class="number">${one.number}</span>
            <span class="title">${one.title ?? `Episode ${one.number}`}</span>
            <span class="date">${one.air_date ?? ""}</span>
            <span class="state">${STATES[one.state]}</span>
          </li>`,
      )}
    </ol>`;

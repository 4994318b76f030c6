/** All of one series, in a dialog above the library. It is read anew whenever the feed says that something changed. */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { artwork, call, get, post } from "./api.js";
import { now } from "./clock.js";
import { Episodes } from "./episodes.js";
import { Files } from "./files.js";
import { Happenings } from "./happenings.js";
import { recoveries } from "./health.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { isUnmatched, seriesOf } from "./library.js";
import { Matching } from "./matching.js";
import { Notices } from "./notices.js";
import { Picture } from "./picture.js";
import { close, hrefOf, place, turnTo } from "./place.js";
import { PARTS, bare, headline, moment, partLook, partName, partState } from "./words.js";

const CALM = 250; // milliseconds: while a series loads, its events come in flocks

export function Detail() {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const pressed = useRef(/** @type {EventTarget | null} */ (null));
  const { key } = place.value;
  useEffect(() => {
    const dialog = ref.current;
    if (key && !dialog.open) dialog.showModal();
    if (!key && dialog.open) dialog.close();
  }, [key]);
  const onClick = (event) => {
    // Beside it; marking a word may end there, too.
    if (event.target === ref.current && pressed.current === ref.current) close();
  };
  return html`<dialog ref=${ref} class="detail" aria-labelledby="detail-title" onClose=${close} onClick=${onClick}
    onPointerDown=${(event) => (pressed.current = event.target)}>
    <${Notices} within="dialog" />
    ${key && html`<${Series} key=${key} id=${key} matching=${place.value.matching} />`}
  </dialog>`;
}

function Series({ id, matching }) {
  const series = seriesOf(id)?.value;
  const { detail, history, problem } = useNews(id, series?.position);
  // They change with what was read only, and not with every step of a part.
  const below = useMemo(
    () => html`${detail.value && html`<${Episodes} detail=${detail.value} /><${Files} detail=${detail.value} />`}
    ${history.value.length > 0 && html`<${Happenings} items=${history.value} />`}`,
    [detail.value, history.value],
  );
  const shown = series ?? detail.value;
  return html`<div class="sheet">
    <button class="quiet close" onClick=${close} aria-label="Close"><${Icon} name="close" /></button>
    ${shown
      ? html`<${Top} series=${shown} detail=${detail.value} />`
      : html`<h2 id="detail-title">${id}</h2>`}
    ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}
    ${shown && html`<${Actions} series=${shown} matching=${matching} />`}
    ${shown && html`<${States} series=${shown} />`}
    ${below}
  </div>`;
}

/** The series' own page and its history as they are read, and again whenever its position changes. */
function useNews(id, position) {
  const detail = useSignal(null);
  const history = useSignal([]);
  const problem = useSignal("");
  const reading = useRef({ now: false, again: false, abort: new AbortController() });

  const read = async () => {
    const state = reading.current;
    if (state.now) {
      state.again = true;
      return;
    }
    state.now = true;
    do {
      state.again = false;
      try {
        const after = history.peek().at(-1)?.position ?? 0;
        const [one, events] = await Promise.all([
          get(`/api/anime/${id}`, {}, state.abort.signal),
          readHistory(id, after, state.abort.signal),
        ]);
        detail.value = one;
        if (events.length > 0) history.value = [...history.peek(), ...events];
        problem.value = "";
      } catch (error) {
        if (state.abort.signal.aborted) return;
        problem.value = error.status === 404 ? "There is no such series any more." : error.message;
      }
      await new Promise((resolve) => setTimeout(resolve, CALM));
    } while (state.again);
    state.now = false;
  };
  useEffect(() => {
    read();
  }, [position, recoveries.value]);
  useEffect(() => () => reading.current.abort.abort(), []);
  return { detail, history, problem };
}

/** The events of the series after a position, page by page. */
async function readHistory(id, position, abort) {
  const items = [];
  for (let after = position; after !== null; ) {
    const page = await get(`/api/anime/${id}/history`, { after_position: after, limit: 1000 }, abort);
    items.push(...page.items);
    after = page.next_after;
  }
  return items;
}

function Top({ series, detail }) {
  const files = detail?.files ?? [];
  const fanart = files.find((file) => /\/fanart\.[a-z]+$/.test(file.path));
  const isCounting = Object.values(series.parts).some((part) => part.status === "retrying");
  // The part that failed says why, right below.
  const isTold = series.loading_status === "failed" && Object.values(series.parts).some((part) => part.error);
  return html`<header class="top">
    ${fanart && html`<${Picture} key=${fanart.sha256} look="fanart" src=${artwork(series.key, "fanart", fanart.sha256, 1200)} />`}
    <span class="poster"
      >${series.poster && html`<${Picture} key=${series.poster} src=${artwork(series.key, "poster", series.poster, 400)} />`}</span
    >
    <div class="title">
      <h2 id="detail-title">${bare(series.name, series.year)} <span class="year">${series.year}</span></h2>
      <p class="now">${isTold ? "Failed" : headline(series, isCounting ? now.value : 0)}</p>
      ${detail && html`<p class="hint">Added ${moment(series.added_at)} · <span class="folder">${detail.folder}/</span></p>`}
      ${detail && html`<${Ids} detail=${detail} />`}
    </div>
  </header>`;
}

const PAGES = {
  tvmaze: ["TVmaze", (id) => `https://www.tvmaze.com/shows/${id}`],
  tmdb: ["TMDB", (id) => `https://www.themoviedb.org/tv/${id}`],
  tvdb: ["TheTVDB", (id) => `https://thetvdb.com/dereferrer/series/${id}`],
  imdb: ["IMDb", (id) => `https://www.imdb.com/title/${id}/`],
};

function Ids({ detail }) {
  const known = Object.entries(PAGES).filter(([name]) => detail.ids[name] !== null && detail.ids[name] !== undefined);
  return html`<ul class="ids">
    <li><a href=${detail.link} rel="noreferrer" target="_blank">${detail.site}</a></li>
    ${known.map(
      ([name, [label, page]]) =>
        html`<li key=${name}>
          <a href=${page(detail.ids[name])} rel="noreferrer" target="_blank">${label} <span>${detail.ids[name]}</span></a>
        </li>`,
    )}
  </ul>`;
}

function Actions({ series, matching }) {
  const said = useSignal("");
  const isBad = useSignal(false);
  const removing = useSignal(false);
  const ask = async (does) => {
    said.value = "";
    try {
      said.value = (await does())?.message ?? "";
      isBad.value = false;
    } catch (error) {
      said.value = error.message;
      isBad.value = true;
    }
  };
  const cancel = () => {
    removing.value = false;
    remover.current?.focus();
  };
  const remove = (deleteFiles) =>
    ask(async () => {
      await call("DELETE", `/api/anime/${series.key}`, { query: { delete_files: String(deleteFiles) } });
      close();
    });
  const remover = useRef(/** @type {HTMLButtonElement | null} */ (null));
  return html`<div class="actions">
      <button onClick=${() => ask(() => post(`/api/anime/${series.key}/refresh`))}><${Icon} name="retry" size=${16} />Load again</button>
      <button aria-expanded=${matching} onClick=${() => turnTo(hrefOf(series.key, { matching: !matching }))}>
        <${Icon} name="search" size=${16} />Wrong series?
      </button>
      <button ref=${remover} class="danger" aria-expanded=${removing.value} onClick=${() => (removing.value = !removing.value)}>
        <${Icon} name="trash" size=${16} />Remove…
      </button>
    </div>
    <p class=${isBad.value ? "problem" : "hint"} role=${isBad.value ? "alert" : "status"}>${said.value}</p>
    ${removing.value &&
    html`<div class="asking" role="group" aria-label="Remove">
      <p>Remove ${series.name} from the library? Its history stays; it can be added again.</p>
      <button onClick=${() => remove(false)}>Remove, keep the files</button>
      <button class="danger" onClick=${() => remove(true)}>Remove, and delete what Coldopen wrote</button>
      <button class="quiet" onClick=${cancel}>Cancel</button>
    </div>`}
    ${matching && html`<${Matching} series=${series} />`}`;
}

function States({ series }) {
  const problem = useSignal("");
  const names = series.parts.identity && series.parts.identity.status !== "loaded" ? ["identity", ...PARTS] : PARTS;
  const retry = async (part, button) => {
    problem.value = "";
    button.closest("dialog").querySelector(".close").focus(); // the button goes
    try {
      await post(`/api/anime/${series.key}/retry`, { parts: [part] });
    } catch (error) {
      problem.value = error.message;
    }
  };
  return html`<section aria-label="Parts">
    <ul class="states">
      ${names.map((name) => {
        const part = series.parts[name];
        const look = partLook(part);
        return html`<li key=${name} class=${`part ${look}`}>
          <${Icon} name=${name} />
          <span class="name">${partName(name)}</span>
          <span class="state">${partState(part, part?.status === "retrying" ? now.value : 0)}</span>
          ${part?.error && html`<span class="why">${part.error.message}</span>`}
          ${name === "identity" && isUnmatched(series)
            ? html`<button onClick=${() => turnTo(hrefOf(series.key, { matching: true }))}>Choose…</button>`
            : ["failed", "stale", "unavailable"].includes(look) &&
              html`<button onClick=${(event) => retry(name, event.currentTarget)} aria-label=${`Retry ${partName(name)}`}>Retry</button>`}
        </li>`;
      })}
    </ul>
    <p class="problem" role="alert">${problem.value}</p>
  </section>`;
}

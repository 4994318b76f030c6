/** One series in the grid: its poster, what it is called, and how far each part has come. */
import { useSignal } from "@preact/signals";
import { artwork, post } from "./api.js";
import { now } from "./clock.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { hasFailed, isLoading, isUnmatched, seriesOf } from "./library.js";
import { hrefOf } from "./place.js";
import { Picture } from "./picture.js";
import { PARTS, bare, headline, partLook, partName, partState } from "./words.js";

export function Card({ id }) {
  const series = seriesOf(id)?.value;
  if (!series) return null;
  const isCounting = Object.values(series.parts).some((part) => part.status === "retrying");
  const time = isCounting ? now.value : 0;
  const look = hasFailed(series) ? "failed" : isLoading(series) ? "loading" : "completed";
  const line = headline(series, time);
  return html`<article class="card" data-state=${look}>
    <a class="cover" href=${hrefOf(id)} aria-label=${`${bare(series.name, series.year)}: details`}>
      <${Poster} series=${series} />
      <${Progress} series=${series} />
    </a>
    <div class="about">
      <h3 title=${series.name}>${bare(series.name, series.year)}</h3>
      <p class="year">${series.year ?? " "}</p>
      <${Parts} series=${series} time=${time} />
      <div class="line">
        <p class="now" title=${line}>${line}</p>
        ${look === "failed" && html`<${Mend} series=${series} />`}
      </div>
    </div>
  </article>`;
}

/** A letter on a quiet ground until the picture is there. */
function Poster({ series }) {
  const src = series.poster && artwork(series.key, "poster", series.poster, 400);
  const letter = [...bare(series.name, series.year).trim()][0]?.toUpperCase() ?? "?";
  return html`<span class="letter" aria-hidden="true">${letter}</span>
    ${src && html`<${Picture} key=${src} src=${src} />`}`;
}

function Progress({ series }) {
  if (!isLoading(series)) return null;
  const done = PARTS.filter((part) => series.progress[part]).length;
  return html`<span class="progress"><span style=${{ transform: `scaleX(${(done + 0.25) / 4.25})` }}></span></span>`;
}

/** What tells a state by its form: tints alone are not for everybody. */
const MARKS = { loaded: "check", retrying: "retry", stale: "warn", failed: "close" };

const Parts = ({ series, time }) =>
  html`<ul class="parts">
    ${PARTS.map((name) => {
      const part = series.parts[name];
      const look = partLook(part);
      const words = `${partName(name)}: ${partState(part, time)}`;
      return html`<li key=${name} class=${`part ${look}`} title=${words}>
        <${Icon} name=${name} size=${16} />${MARKS[look] && html`<${Icon} name=${MARKS[look]} size=${11} look="mark" />`}
        <span class="hidden">${words}</span>
      </li>`;
    })}
  </ul>`;

/** What mends a failure: a retry, or saying which entry it is. */
function Mend({ series }) {
  const problem = useSignal("");
  if (isUnmatched(series)) {
    return html`<a class="button" href=${hrefOf(series.key, { matching: true })}>Choose…</a>`;
  }
  const retry = async (event) => {
    problem.value = "";
    event.currentTarget.closest("article").querySelector("a").focus(); // the button goes
    try {
      await post(`/api/anime/${series.key}/retry`);
    } catch (error) {
      problem.value = error.message;
    }
  };
  if (!Object.values(series.parts).some((part) => part.status === "failed" || (part.error && part.status === "loaded"))) {
    return null;
  }
  return html`<button onClick=${retry} aria-label=${`Retry ${series.name}`}><${Icon} name="retry" size=${14} />Retry</button>
    ${problem.value && html`<p class="problem" role="alert">${problem.value}</p>`}`;
}

/**
 * The cards in a grid, of which only those near the screen exist: thousands of series cost no more than a screenful.
 * Every card is equally high, so that where each stands is known without drawing it.
 */
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { Card } from "./card.js";
import { html } from "./html.js";
import { complete, filter, query, shown } from "./library.js";

const SPARE_ROWS = 2; // above and below the screen

/** How the grid lies in `width` pixels. The text below a cover has the same height everywhere: see cards.css. */
function layout(width) {
  const gap = width < 600 ? 12 : 20;
  const least = width < 600 ? 150 : 178;
  const columns = Math.max(2, Math.floor((width + gap) / (least + gap)));
  const column = (width - gap * (columns - 1)) / columns;
  return { gap, columns, column, row: Math.round(column * 1.5) + TEXT_HEIGHT + gap };
}
const TEXT_HEIGHT = 128;

export function Shelf() {
  const ref = useRef(/** @type {HTMLUListElement | null} */ (null));
  const width = useSignal(0);
  const rows = useSignal({ first: 0, last: 4 });
  const focused = useSignal("");
  const keys = shown.value;
  const { gap, columns, column, row } = layout(width.value);

  const look = () => {
    if (!ref.current) return;
    const top = -ref.current.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / row) - SPARE_ROWS);
    const last = Math.max(0, Math.ceil((top + innerHeight) / row)) + SPARE_ROWS;
    if (first !== rows.peek().first || last !== rows.peek().last) rows.value = { first, last };
  };
  useLayoutEffect(() => {
    if (!ref.current) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      width.value = entry.contentRect.width;
    });
    width.value = ref.current.clientWidth;
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [keys.length === 0]);
  useEffect(() => {
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [row, columns, keys.length]);

  const stood = useRef(0);
  useEffect(() => {
    // The card that had the focus is gone, as from those that failed: on with the one in its place.
    const here = keys.indexOf(focused.peek());
    if (here !== -1) stood.current = here;
    else if (focused.peek() && document.activeElement === document.body) {
      ref.current?.querySelector(`[data-key="${keys[Math.min(stood.current, keys.length - 1)]}"] a`)?.focus();
    }
  }, [keys]);

  if (keys.length === 0) return html`<${Nothing} />`;
  const from = rows.value.first * columns;
  const near = keys.slice(from, rows.value.last * columns).map((key, index) => [key, from + index]);
  const kept = keys.indexOf(focused.value); // the focus must not fall off the page while it scrolls
  if (kept !== -1 && !near.some(([key]) => key === focused.value)) near.push([focused.value, kept]);
  const height = Math.ceil(keys.length / columns) * row - gap;

  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const here = keys.indexOf(focused.peek());
    if (!step || here === -1 || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = here + step;
    if (next < 0 || next >= keys.length) return;
    event.preventDefault();
    focused.value = keys[next];
    requestAnimationFrame(() => ref.current?.querySelector(`[data-key="${keys[next]}"] a`)?.focus());
  };
  return html`<ul class="shelf" ref=${ref} style=${{ height: `${height}px` }} onKeyDown=${onKeyDown}
    onFocusIn=${(event) => (focused.value = event.target.closest("[data-key]")?.dataset.key ?? "")}>
    ${width.value > 0 &&
    near.map(
      ([key, index]) =>
        html`<li key=${key} data-key=${key} aria-posinset=${index + 1} aria-setsize=${keys.length}
          style=${{
            width: `${column}px`,
            height: `${row - gap}px`,
            transform: `translate(${(index % columns) * (column + gap)}px, ${Math.floor(index / columns) * row}px)`,
          }}>
          <${Card} id=${key} />
        </li>`,
    )}
  </ul>`;
}

function Nothing() {
  if (!complete.value) return html`<p class="nothing" role="status">Reading the library…</p>`;
  if (query.value || filter.value !== "all") {
    const all = () => {
      query.value = "";
      filter.value = "all";
    };
    return html`<div class="nothing">
      <p>No series ${query.value ? html`matches “${query.value}”` : "is in this state"}.</p>
      <button onClick=${all}>Show all</button>
    </div>`;
  }
  return html`<div class="nothing">
    <h2>Nothing here yet</h2>
    <p>
      Paste a link above, such as <code>https://www.tvmaze.com/shows/1505/one-piece</code>, or type a name to search the
      catalogues. A series is here at once; its episodes, NFO, logo and images arrive while you watch.
    </p>
  </div>`;
}

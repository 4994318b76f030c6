/** Where the page is: its address says which series is open, so that links, reload and the back button work. */
import { signal } from "@preact/signals";

/** @returns {{key: string | null, matching: boolean}} */
function read() {
  const found = /^#\/series\/([a-z0-9-]+)(\/match)?$/.exec(location.hash);
  return { key: found?.[1] ?? null, matching: Boolean(found?.[2]) };
}

export const place = signal(read());
addEventListener("hashchange", () => {
  place.value = read();
});

export const hrefOf = (key, { matching = false } = {}) => `#/series/${key}${matching ? "/match" : ""}`;

/** Go somewhere without a new entry in the browser's history. */
export function turnTo(hash) {
  history.replaceState(history.state, "", hash || location.pathname);
  place.value = read();
}

let openedHere = false; // from the list, which is one step back
let leaving = false; // the browser goes back when it comes to it
let next = ""; // where somebody wants to go meanwhile

addEventListener("hashchange", (event) => {
  openedHere = place.value.key !== null && !new URL(event.oldURL).hash.startsWith("#/series/");
  leaving = false;
  if (next) location.hash = next;
  next = "";
});
addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.('a[href^="#/series/"]');
    if (!leaving || !link) return;
    event.preventDefault();
    next = link.getAttribute("href");
  },
  true,
);

/** Back to the list: as the browser does it, if that is where the series was opened from. */
export function close() {
  if (place.value.key === null || leaving) return;
  leaving = openedHere;
  if (openedHere) history.back();
  else turnTo("");
}

/** Where the page is: its address says which series is open, so that links, reload and the back button work. */
import { signal } from "@preact/signals";

/** @returns {{key: string | null, matching: boolean}} */
function read() {
  const found = /^#\/series\/([^/]+)(\/match)?$/.exec(location.hash);
  return { key: found ? decodeURIComponent(found[1]) : null, matching: Boolean(found?.[2]) };
}

export const place = signal(read());
addEventListener("hashchange", () => {
  place.value = read();
});

export const hrefOf = (key, { matching = false } = {}) => `#/series/${encodeURIComponent(key)}${matching ? "/match" : ""}`;

/** Back to the list, without a new entry in the browser's history for it. */
export function close() {
  history.replaceState(null, "", location.pathname);
  place.value = read();
}

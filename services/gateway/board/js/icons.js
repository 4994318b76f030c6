/** Icons as lines on a grid of 24, in the colour of the text around them. */
import { html } from "./html.js";

const PATHS = {
  episodes: "M4 5h16v11H4zM8 20h8M12 16v4",
  nfo: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  logo: "M5 19 10.5 5h3L19 19M7.5 13.5h9",
  images: "M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9.5h.01",
  identity: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4 4",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4 4",
  retry: "M20 12a8 8 0 1 1-2.5-5.8M20 3v4h-4",
  close: "M6 6l12 12M18 6 6 18",
  check: "M5 12.5 10 17.5 19 7",
  warn: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.4v.1",
  plus: "M12 5v14M5 12h14",
  out: "M14 5h5v14h-5M4 12h10M10 8l4 4-4 4",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

export const Icon = ({ name, size = 18, look = "icon" }) =>
  html`<svg class=${look} width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;

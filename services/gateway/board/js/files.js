/** The files that Coldopen knows of a series; pictures show themselves. */
import { artwork } from "./api.js";
import { html } from "./html.js";
import { Picture } from "./picture.js";
import { size } from "./words.js";

const SHOWN = ["poster", "fanart", "logo", "clearlogo", "banner", "landscape"];

/** The artwork route's word for a file's picture; null if it shows none. */
function kindOf(name) {
  const stem = name.replace(/\.(jpe?g|png|webp)$/i, "");
  if (stem === name) return null;
  const season = /^season(\d+|-specials)-poster$/.exec(stem);
  if (season) return `season-${season[1] === "-specials" ? 0 : Number(season[1])}`;
  if (!SHOWN.includes(stem)) return null;
  return stem === "clearlogo" ? "logo" : stem;
}

export function Files({ detail }) {
  if (detail.files.length === 0) return null;
  return html`<section aria-labelledby="files-title">
    <h3 id="files-title">Files <span class="hint folder">${detail.folder}/</span></h3>
    <ul class="files">
      ${detail.files.map((file) => {
        const name = file.path.slice(file.path.lastIndexOf("/") + 1);
        const kind = kindOf(name);
        return html`<li key=${file.path}>
          <span class="thumb"
            >${kind
              ? html`<${Picture} key=${file.sha256} src=${artwork(detail.key, kind, file.sha256, 400)} />`
              : html`<span class="kind">${name.slice(name.lastIndexOf(".") + 1)}</span>`}</span
          >
          <span class="name">${name}</span>
          <span class="hint">${size(file.bytes)} · ${file.state}</span>
        </li>`;
      })}
    </ul>
  </section>`;
}

/** What the catalogues offer for a name: for the add box, and for a series that was matched wrongly. */
import { signal } from "@preact/signals";
import { get } from "./api.js";
import { html } from "./html.js";
import { hrefOf } from "./place.js";

const PAUSE = 400; // milliseconds without a key: a name is typed, not searched letter by letter
const LEAST = 2;

/**
 * @typedef {{catalogue: string, catalogue_id: string, name: string, titles: string[], year: number | null,
 *   poster_url: string | null, url: string, in_library: string | null}} Candidate
 */

/** One search box's search: the last question counts, whatever comes back late. */
export class Search {
  state = signal(/** @type {"idle" | "asking" | "found" | "problem"} */ ("idle"));
  items = signal(/** @type {Candidate[]} */ ([]));
  problem = signal("");
  asked = signal("");
  #timer = 0;
  #attempt = new AbortController();

  get isOpen() {
    return this.state.value !== "idle";
  }

  soon(text) {
    this.#stop();
    if (text.trim().length < LEAST) this.state.value = "idle";
    else this.#timer = setTimeout(() => this.now(text), PAUSE);
  }

  async now(text) {
    this.#stop();
    const attempt = (this.#attempt = new AbortController());
    this.asked.value = text.trim();
    this.state.value = "asking";
    try {
      const found = await get("/api/lookup", { q: text.trim() }, attempt.signal);
      this.items.value = found.items;
      this.problem.value = found.failures.map((one) => `${one.catalogue}: ${one.message}`).join("; ");
      this.state.value = "found";
    } catch (error) {
      if (attempt.signal.aborted) return;
      this.problem.value = error.message;
      this.state.value = "problem";
    }
  }

  end() {
    this.#stop();
    this.state.value = "idle";
    this.items.value = [];
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#attempt.abort();
  }
}

/** The list; `action` names what a click on `choose` does. */
export function Candidates({ search, action, choose, close, current = null }) {
  if (search.state.value === "idle") return null;
  return html`<div class="candidates">
    <p role="status" class=${search.state.value === "problem" ? "problem" : "hint"}>${told(search)}</p>
    ${search.items.value.length > 0 &&
    html`<ul aria-label="Candidates" aria-busy=${search.state.value === "asking"}>
      ${search.items.value.map(
        (item) =>
          html`<li key=${`${item.catalogue}-${item.catalogue_id}`}>
            <span class="thumb"
              >${item.poster_url &&
              html`<img src=${item.poster_url} alt="" loading="lazy" referrerpolicy="no-referrer"
                onError=${(event) => event.target.remove()} />`}</span
            >
            <span class="what">
              <strong>${item.name}</strong> ${item.year ?? ""}
              <small>${item.catalogue} ${item.catalogue_id}${item.titles.length > 0 && ` · ${item.titles.slice(0, 2).join(", ")}`}</small>
            </span>
            ${item.in_library && item.in_library !== current
              ? html`<a class="button" href=${hrefOf(item.in_library)} onClick=${close}>In the library</a>`
              : html`<button onClick=${() => choose(item)} aria-label=${`${action} ${item.name} ${item.year ?? ""}`}>
                  ${action}
                </button>`}
          </li>`,
      )}
    </ul>`}
  </div>`;
}

function told(search) {
  if (search.state.value === "asking") return "Asking the catalogues…";
  if (search.state.value === "problem") return search.problem.value;
  const count = search.items.value.length;
  if (count === 0) return `No catalogue has “${search.asked.value}”. Try another of its names, or paste a link.`;
  return search.problem.value ? `Not all could be asked: ${search.problem.value}` : "";
}

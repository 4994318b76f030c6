/**
 * The add box: a link adds a series, several links several, a name searches the catalogues. What happens to each link
 * is told below it, in words, until it is done.
 */
import { useRef } from "preact/hooks";
import { signal, useSignal } from "@preact/signals";
import { post } from "./api.js";
import { Candidates, Search } from "./candidates.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { hrefOf } from "./place.js";
import { plural } from "./words.js";

const AT_ONCE = 4;
const SHOWN_FOR = 5000;
const LINK = /^https?:\/\/(?!\S*https?:\/\/)\S+$/i;

/**
 * @typedef {{id: number, link: string, state: "adding" | "added" | "exists" | "problem", message: string, key?: string}} Entry
 */
const entries = signal(/** @type {Entry[]} */ ([]));
let number = 0;

const linksIn = (text) => text.split(/\s+/).filter((word) => LINK.test(word));

/** Whether the text is nothing but links. */
const isLinks = (text) => text.trim() !== "" && text.trim().split(/\s+/).every((word) => LINK.test(word));

async function add(link, more = {}) {
  const id = ++number;
  entries.value = [...entries.value, { id, link, state: "adding", message: "Adding…" }];
  try {
    const answer = await post("/api/anime/add", { link, ...more });
    const isNew = answer.status === "success";
    const message = isNew ? "Added; it loads now" : "In the library already";
    change(id, { state: isNew ? "added" : "exists", message, key: answer.key });
    setTimeout(() => drop(id), SHOWN_FOR);
  } catch (problem) {
    change(id, { state: "problem", message: problem.message });
  }
}

const change = (id, more) => {
  entries.value = entries.value.map((one) => (one.id === id ? { ...one, ...more } : one));
};
const drop = (id) => {
  entries.value = entries.value.filter((one) => one.id !== id);
};
/** Forget what was added: it is read, or another person may sign in. */
export const dismissAll = () => {
  entries.value = entries.value.filter((one) => one.state === "adding");
};

/** Add them all, a few at a time: each may ask the link's site for its name. */
function addAll(links) {
  const waiting = [...new Set(links)];
  const next = async () => {
    for (let link = waiting.shift(); link; link = waiting.shift()) await add(link);
  };
  return Promise.all(Array.from({ length: AT_ONCE }, next));
}

export function AddBox() {
  const text = useSignal("");
  const problem = useSignal("");
  const input = useRef(null);
  const form = useRef(null);
  const search = useRef(/** @type {Search | null} */ (null));
  search.current ??= new Search();
  const links = linksIn(text.value);
  const isLink = isLinks(text.value);

  const clear = () => {
    text.value = "";
    problem.value = "";
    search.current.end();
    form.current?.reset();
    input.current?.focus();
  };
  const onInput = (event) => {
    text.value = event.target.value;
    problem.value = "";
    if (isLinks(text.value) || text.value.includes("://")) search.current.end();
    else search.current.soon(text.value);
  };
  const onPaste = (event) => {
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (linksIn(pasted).length < 2) return;
    event.preventDefault(); // a line would swallow what is between them
    addAll(linksIn(pasted));
  };
  const submit = (event) => {
    event.preventDefault();
    if (!isLink) {
      if (text.value.includes("://")) problem.value = "Give links only, or a name only: this is something of both.";
      else search.current.now(text.value);
      return;
    }
    const fields = new FormData(form.current);
    const year = String(fields.get("year") ?? "").trim();
    if (year && !/^\d{4}$/.test(year)) {
      problem.value = `“${year}” is no year: give four digits, such as 1999, or leave it out.`;
      return;
    }
    const more = { name: String(fields.get("name") ?? "").trim() || undefined, year: year ? Number(year) : undefined };
    links.length === 1 ? add(links[0], more) : addAll(links);
    clear();
  };
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || (!text.value && !search.current.isOpen)) return;
    event.stopPropagation();
    clear();
  };
  const choose = (item) => {
    add(item.url);
    clear();
  };

  return html`<div class="adding" onKeyDown=${onKeyDown}>
    <form ref=${form} onSubmit=${submit} role="search" aria-label="Add a series">
      <div class="row">
        <label class="field"
          ><${Icon} name="plus" /><span class="hidden">Link or name of a series</span
          ><input ref=${input} id="add" placeholder="Paste a link, or type a name" autocomplete="off" spellcheck="false"
            value=${text.value} onInput=${onInput} onPaste=${onPaste} aria-describedby="add-problem"
            aria-invalid=${problem.value !== ""}
        /></label>
        <button class="primary" disabled=${!text.value.trim()}>
          ${isLink ? (links.length > 1 ? `Add ${links.length}` : "Add") : "Search"}
        </button>
      </div>
      ${isLink &&
      links.length === 1 &&
      html`<div class="row more">
        <label>Name <input name="name" placeholder="optional" autocomplete="off" /></label>
        <label>Year <input name="year" inputmode="numeric" size="6" placeholder="optional" autocomplete="off" /></label>
      </div>`}
      <p id="add-problem" class="problem" role="alert">${problem.value}</p>
    </form>
    <${Candidates} search=${search.current} action="Add" choose=${choose} close=${clear} />
    <${Entries} />
  </div>`;
}

/** How all of them stand, for screen readers: sixty links are not worth sixty interruptions. */
function summary() {
  const count = (state) => entries.value.filter((one) => one.state === state).length;
  if (entries.value.length === 0 || count("adding")) return "";
  const said = [
    count("added") && `${count("added")} added`,
    count("exists") && `${count("exists")} in the library already`,
    count("problem") && `${count("problem")} could not be added: ${entries.value.find((one) => one.state === "problem").message}`,
  ];
  return said.filter(Boolean).join(", ");
}

const Entries = () =>
  html`<p class="hidden" role="status">${summary()}</p>
    ${entries.value.length > 0 && html`<${Rows} />`}`;

const Rows = () =>
  html`<ul class="entries">
    ${entries.value.filter((one) => one.state === "problem").length > 1 &&
    html`<li><span class="said">${plural(entries.value.length, "link")}</span><button onClick=${dismissAll}>Dismiss all</button></li>`}
    ${entries.value.map(
      (one) =>
        html`<li key=${one.id} class=${one.state}>
          <span class="link">${one.link.replace(/^https?:\/\/(www\.)?/i, "")}</span>
          <span class="said">${one.message}</span>
          ${one.key && html`<a href=${hrefOf(one.key)} onClick=${() => drop(one.id)}>Open</a>`}
          ${one.state === "problem" &&
          html`<button class="quiet" onClick=${() => drop(one.id)} aria-label=${`Dismiss ${one.link}`}>
            <${Icon} name="close" size=${14} />
          </button>`}
        </li>`,
    )}
  </ul>`;

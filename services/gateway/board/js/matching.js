/** Saying which entry of a catalogue a series is: what was matched wrongly, or not at all, is loaded as that. */
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { post } from "./api.js";
import { Candidates, Search } from "./candidates.js";
import { html } from "./html.js";
import { hrefOf, turnTo } from "./place.js";
import { bare } from "./words.js";

const FIELDS = { tvmaze: "tvmaze_id", tmdb: "tmdb_id" };

export function Matching({ series }) {
  const search = useRef(/** @type {Search | null} */ (null));
  search.current ??= new Search();
  const name = bare(series.name, series.year);
  const text = useSignal(name);
  const problem = useSignal("");
  useEffect(() => {
    search.current.now(name);
    return () => search.current.end();
  }, []);

  const choose = async (item) => {
    problem.value = "";
    const field = FIELDS[item.catalogue];
    if (!field) {
      problem.value = `An entry of ${item.catalogue} can't be chosen: remove the series and add ${item.url} instead.`;
      return;
    }
    try {
      await post(`/api/anime/${series.key}/refresh`, { parts: ["identity"], [field]: Number(item.catalogue_id) });
      turnTo(hrefOf(series.key));
    } catch (error) {
      problem.value = error.message;
    }
  };
  const submit = (event) => {
    event.preventDefault();
    search.current.now(text.value);
  };
  return html`<section class="matching" aria-label="Which series is it?">
    <form onSubmit=${submit} role="search" aria-label="Which series is it?">
      <label>Name, id or link <input value=${text.value} onInput=${(event) => (text.value = event.target.value)} /></label>
      <button>Search</button>
    </form>
    <p class="problem" role="alert">${problem.value}</p>
    <${Candidates} search=${search.current} action="Choose" choose=${choose} close=${() => {}} current=${series.key} />
  </section>`;
}

/** What is around the cards: the name, the add box, the filters; and whom the data is owed to. */
import { signal } from "@preact/signals";
import { keyNeeded, signOut } from "./api.js";
import { AddBox } from "./adding.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { FILTERS, ORDERS, counts, filter, order, query } from "./library.js";
import { Notices } from "./notices.js";

export const Head = () =>
  html`<header class="head">
      <a class="skip" href="#library">Skip to the library</a>
      <h1 class="brand"><img src="/board/icon.svg" width="28" height="28" alt="" />Coldopen</h1>
      <${AddBox} />
      ${keyNeeded.value &&
      html`<button class="quiet" onClick=${leaveNow}><${Icon} name="out" /><span>Sign out</span></button>`}
      <${Notices} within="page" />
      <p class="problem" role="alert">${trouble.value}</p>
    </header>
    <${Tools} />`;

const trouble = signal("");

async function leaveNow() {
  try {
    await signOut();
    trouble.value = "";
  } catch (problem) {
    trouble.value = `Not signed out: ${problem.message}`;
  }
}

const Tools = () =>
  html`<div class="tools">
    <div class="filters" role="group" aria-label="Filter">
      ${Object.entries(FILTERS).map(
        ([name, { label }]) =>
          html`<button key=${name} aria-pressed=${filter.value === name} onClick=${() => (filter.value = name)}>
            ${label} <span class="count">${counts.value[name]}</span>
          </button>`,
      )}
    </div>
    <div class="finding">
      <label class="find"
        ><${Icon} name="search" /><span class="hidden">Find in the library</span
        ><input type="search" placeholder="Find in the library" value=${query.value}
          onInput=${(event) => (query.value = event.target.value)}
      /></label>
      <label class="order"
        ><span class="hidden">Order</span
        ><select value=${order.value} onChange=${(event) => (order.value = event.target.value)}>
          ${Object.entries(ORDERS).map(([name, { label }]) => html`<option key=${name} value=${name}>${label}</option>`)}
        </select></label
      >
    </div>
  </div>`;

export const Foot = () =>
  html`<footer class="foot">
    <p>
      Data by <a href="https://www.tvmaze.com" rel="noreferrer" target="_blank">TVmaze</a> (<a
        href="https://creativecommons.org/licenses/by-sa/4.0/" rel="noreferrer" target="_blank">CC BY-SA</a
      >) and <a href="https://www.themoviedb.org" rel="noreferrer" target="_blank">TMDB</a>. This product uses the TMDB API
      but is not endorsed or certified by TMDB.
    </p>
    <p><a href="/schema">API</a> · <a href="/asyncapi">Events</a></p>
  </footer>`;

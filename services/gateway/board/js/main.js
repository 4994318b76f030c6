/** The page begins here: who may enter sees the library, everybody else what it takes to. */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { signal } from "@preact/signals";
import { enter, signedIn } from "./api.js";
import { dismissAll } from "./adding.js";
import { Detail } from "./detail.js";
import { follow } from "./feed.js";
import { Foot, Head } from "./frame.js";
import { watchHealth } from "./health.js";
import { html } from "./html.js";
import { forget, leave, load, takeSoon } from "./library.js";
import { announce, hush } from "./notices.js";
import { Shelf } from "./shelf.js";
import { SignIn } from "./signin.js";

const trouble = signal("");

async function knock() {
  try {
    await enter();
    trouble.value = "";
  } catch (problem) {
    trouble.value = problem.message;
    setTimeout(knock, 2000);
  }
}

function Board() {
  useEffect(() => {
    const update = (said) => {
      announce(said);
      takeSoon(said);
    };
    const ends = [follow({ begin: load, update, reset: forget }), watchHealth(), leave, dismissAll, hush];
    return () => ends.forEach((end) => end());
  }, []);
  return html`<${Head} /><main id="library"><${Shelf} /></main><${Foot} /><${Detail} />`;
}

function App() {
  if (signedIn.value) return html`<${Board} />`;
  if (signedIn.value === false) return html`<${SignIn} />`;
  return html`<p class="starting" role="status">${trouble.value}</p>`;
}

render(html`<${App} />`, document.getElementById("board"));
knock();

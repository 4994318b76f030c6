/** What a browser without a session sees. */
import { useSignal } from "@preact/signals";
import { signIn } from "./api.js";
import { html } from "./html.js";

export function SignIn() {
  const problem = useSignal("");
  const busy = useSignal(false);

  async function submit(event) {
    event.preventDefault();
    const key = String(new FormData(event.target).get("key")).trim();
    if (/[^\x21-\x7e]/.test(key)) {
      problem.value = "That is not the API key.";
      return;
    }
    busy.value = true;
    try {
      await signIn(key);
    } catch (error) {
      problem.value = error.status === 401 ? "That is not the API key." : error.message;
    }
    busy.value = false;
  }

  return html`<main class="signin">
    <form onSubmit=${submit}>
      <img src="/board/icon.svg" width="56" height="56" alt="" />
      <h1>Coldopen</h1>
      <p>Run <code>coldopen login</code> where Coldopen runs and open the link that it prints. Or give the API key here:</p>
      <label for="key">API key</label>
      <input id="key" name="key" type="password" autocomplete="current-password" required autofocus
        aria-invalid=${problem.value !== ""} aria-describedby="key-hint" />
      <p id="key-hint" class=${problem.value ? "problem" : "hint"} role=${problem.value ? "alert" : undefined}>
        ${problem.value} <span><code>coldopen api-key show</code> prints it.</span>
      </p>
      <button class="primary" disabled=${busy.value}>Sign in</button>
    </form>
  </main>`;
}

/** A picture that fades in when it is there, and is asked for again when what kept it away has passed. */
import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { recoveries } from "./health.js";
import { html } from "./html.js";

/** Give it its `src` as `key`, too: another picture is another one. */
export function Picture({ src, look = "" }) {
  const state = useSignal(/** @type {"waiting" | "there" | "failed"} */ ("waiting"));
  const tries = useSignal(0);
  const passed = recoveries.value;
  useEffect(() => {
    if (state.peek() === "failed") tries.value++;
  }, [passed]);
  return html`<img key=${tries.value} class=${`${look} ${state.value}`} src=${src} alt="" decoding="async"
    onLoad=${() => (state.value = "there")} onError=${() => (state.value = "failed")} />`;
}

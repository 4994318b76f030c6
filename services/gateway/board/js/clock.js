/** The server's time, second by second, for whoever reads it while drawing. */
import { signal } from "@preact/signals";
import { serverNow } from "./api.js";

export const now = signal(serverNow());

setInterval(() => {
  if (!document.hidden) now.value = serverNow();
}, 1000);

/** What of Coldopen does not work just now, as the gateway sees it: looked at now and then, and at once in trouble. */
import { signal } from "@preact/signals";

const EVERY = 30_000;
const NAMES = { event_log: "The event log", read_model: "The database", library: "The library", upstreams: "Catalogues" };

/** Counts how often something has come back: what failed meanwhile may be asked for again. */
export const recoveries = signal(0);
let lagged = 0; // how far the rows were behind the log with the last look

/** @type {import("@preact/signals").Signal<{name: string, detail: string, degraded: boolean}[]>} */
export const ailments = signal([]);

export async function examine() {
  try {
    const health = await (await fetch("/health/ready")).json();
    const found = Object.entries(health.checks)
      .filter(([, check]) => !check.ok || check.degraded)
      .map(([name, check]) => ({ name: NAMES[name] ?? name, detail: check.detail, degraded: check.ok }));
    const lag = health.checks.read_model?.lag ?? 0;
    if (lagged > 0 && lag >= lagged) {
      found.push({ name: "The projector", detail: `${lag} events are recorded and not shown: is it running?`, degraded: false });
    }
    lagged = lag;
    if (found.length < ailments.value.length) recoveries.value++;
    ailments.value = found;
  } catch {
    ailments.value = []; // nobody answers at all, which is said otherwise
  }
}

/** Look from now on. @returns {() => void} ends it */
export function watchHealth() {
  const look = () => {
    if (!document.hidden) examine();
  };
  const timer = setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

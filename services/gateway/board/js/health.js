/** What of Coldopen does not work just now, as the gateway sees it: looked at now and then, and at once in trouble. */
import { signal } from "@preact/signals";

const EVERY = 30_000;
const NAMES = { event_log: "The event log", read_model: "The database", library: "The library", upstreams: "Catalogues" };

/** @type {import("@preact/signals").Signal<{name: string, detail: string, degraded: boolean}[]>} */
export const ailments = signal([]);

export async function examine() {
  try {
    const health = await (await fetch("/health/ready")).json();
    ailments.value = Object.entries(health.checks)
      .filter(([, check]) => !check.ok || check.degraded)
      .map(([name, check]) => ({ name: NAMES[name] ?? name, detail: check.detail, degraded: check.ok }));
  } catch {
    ailments.value = []; // nobody answers at all, which is said otherwise
  }
}

/** Look from now on. @returns {() => void} ends it */
export function watchHealth() {
  const timer = setInterval(() => {
    if (!document.hidden) examine();
  }, EVERY);
  examine();
  return () => clearInterval(timer);
}

/** How states, times and sizes read. */

export const PARTS = ["episodes", "nfo", "logo", "images"];
const NAMES = { identity: "Identity", episodes: "Episodes", nfo: "NFO", logo: "Logo", images: "Images" };
const STATES = {
  waiting: "waiting",
  queued: "queued",
  loading: "loading",
  retrying: "retrying",
  loaded: "loaded",
  unavailable: "none exists",
  failed: "failed",
};

export const partName = (part) => NAMES[part] ?? part;

/** A part's state in a few words; `now` in milliseconds by the server's clock. */
export function partState(part, now) {
  if (!part) return "not wanted";
  if (part.status === "retrying" && part.retry_at) return `again in ${countdown(part.retry_at, now)}`;
  if (part.status === "loaded" && part.error) return "loaded, but the last refresh failed";
  if (part.status === "loading" && part.attempt > 1) return `loading, attempt ${part.attempt}`;
  return STATES[part.status] ?? part.status;
}

/** How a part looks: its state, or "unwanted", or "stale" for what is good but could not be refreshed. */
export function partLook(part) {
  if (!part) return "unwanted";
  return part.status === "loaded" && part.error ? "stale" : part.status;
}

/** Whole seconds, as it is told anew with each. */
export function countdown(until, now) {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  return seconds < 10 ? `${seconds} s` : duration(seconds);
}

/** One line that says what is going on; a countdown runs. @param {import("./library.js").Series} series */
export function headline(series, now) {
  const retrying = PARTS.concat("identity").find((name) => series.parts[name]?.status === "retrying");
  if (retrying && series.loading_status !== "completed") {
    const { retry_at, error } = series.parts[retrying];
    if (retry_at) return `${partName(retrying)} again in ${countdown(retry_at, now)}${error ? `: ${error.message}` : ""}`;
  }
  if (series.loading_status === "completed" && !series.error) {
    const took = tookOf(series);
    const lacks = PARTS.filter((name) => series.parts[name]?.status === "unavailable").map((name) => partName(name));
    const what = lacks.length ? `Complete, no ${lacks.join(", no ")}` : "Complete";
    return took === null ? what : `${what} · ${duration(took)}`;
  }
  return series.message;
}

/** How many seconds the loading took, null while it runs. */
export function tookOf(series) {
  if (!series.completed_at) return null;
  return Math.max(0, (Date.parse(series.completed_at) - Date.parse(series.started_at)) / 1000);
}

/** `80 ms`, `1.4 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`, as contracts/words.py has it. */
export function duration(seconds) {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** A number of bytes as people say it. */
export function size(bytes) {
  let count = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (count < 1000) return `${unit === "B" || count >= 10 ? Math.round(count) : count.toFixed(1)} ${unit}`;
    count /= 1000;
  }
  return `${count.toFixed(1)} TB`;
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A moment in the reader's words. */
export const moment = (time) => moments.format(new Date(time));

/** The part of the name that a series of its own year carries, without it: the year is shown beside. */
export const bare = (name, year) => (year !== null && name.endsWith(` (${year})`) ? name.slice(0, -7) : name);

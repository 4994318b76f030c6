/**
 * Follows the stream of changes for as long as the page is open: it comes back after every loss, each time a little
 * later, and says from where on it goes on. The browser's own EventSource forgets that after an error answer.
 */
import { signal } from "@preact/signals";
import { createParser } from "eventsource-parser";
import { send, signedIn } from "./api.js";
import { examine } from "./health.js";

const STREAM = "/api/loading-status/stream";
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const SILENT = 45_000; // the server says something every 15 s

/** What people are told: "connecting", "live" or "lost". */
export const connection = signal("connecting");

/**
 * @param {{begin: (signal: AbortSignal) => Promise<void>, update: (update: object) => void}} told `begin`: from here on
 *   changes are told, and nothing is known of before: what is shown has to be fetched; if that fails, all begins anew.
 *   `update`: a series has changed.
 * @returns {() => void} ends it
 */
export function follow(told) {
  let lastId = "";
  let ended = false;
  let wait = FIRST_WAIT;
  let attempt = new AbortController();
  let wake = () => {};

  async function run() {
    while (!ended) {
      attempt = new AbortController();
      try {
        await listen(attempt);
      } catch {
        // Whatever it was: the next try shows whether it has passed.
      }
      if (ended || signedIn.value === false) return;
      connection.value = "lost";
      examine();
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  async function listen(attempt) {
    const resumes = lastId !== "";
    let watchdog = 0;
    const isAlive = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => attempt.abort(), SILENT);
    };
    const beginAnew = () => {
      lastId = "";
      attempt.abort();
    };
    try {
      isAlive();
      const headers = resumes ? { "Last-Event-ID": lastId } : {};
      const response = await send(resumes ? STREAM : `${STREAM}?snapshot=false`, { headers, signal: attempt.signal });
      if (!response.ok) return;
      const parser = createParser({
        onEvent(event) {
          if (event.event === "reset") beginAnew(); // the log is another, or the gap too wide
          else told.update(JSON.parse(event.data));
        },
        onId(id) {
          lastId = id;
        },
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const isLive = () => {
        if (connection.value === "lost") examine(); // what was in the way may be over
        connection.value = "live";
        wait = FIRST_WAIT;
      };
      if (resumes) isLive();
      else told.begin(attempt.signal).then(isLive, beginAnew);
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        isAlive();
        parser.feed(value);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  const retryNow = () => {
    if (connection.value === "lost" && document.visibilityState === "visible") {
      wait = FIRST_WAIT;
      wake();
    }
  };
  addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", retryNow);
  run();
  return () => {
    ended = true;
    removeEventListener("online", retryNow);
    document.removeEventListener("visibilitychange", retryNow);
    attempt.abort();
    wake();
  };
}

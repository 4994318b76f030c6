/**
 * Follows the stream of changes for as long as the page is open: it comes back after every loss, each time a little
 * later, and says from where on it goes on. The browser's own EventSource forgets that after an error answer.
 */
import { signal } from "@preact/signals";
import { createParser } from "eventsource-parser";
import { send, signedIn } from "./api.js";
import { examine, recoveries } from "./health.js";

const STREAM = "/api/loading-status/stream";
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const DEAD = 45_000; // milliseconds of silence; the server says something every 15 s
const DOUBTFUL = 20_000;

/** What people are told: "connecting", "live" or "lost". */
export const connection = signal("connecting");

/**
 * What a follower does. `begin`: changes are told from here on, and nothing is known of before: what is shown has to be
 * fetched; if that fails, all begins anew. `update`: a series has changed. `reset`: the log is another, or the gap too
 * wide; nothing of what is known counts, and `begin` follows.
 *
 * @typedef {{begin: (signal: AbortSignal) => Promise<void>, update: (update: object) => void, reset: () => void}} Told
 */

/** @param {Told} told @returns {() => void} ends it */
export function follow(told) {
  let lastId = "";
  let ended = false;
  let wait = FIRST_WAIT;
  let current = new AbortController();
  let heardAt = Date.now();
  let wake = () => {};

  async function run() {
    while (!ended) {
      current = new AbortController();
      const isReset = await listen(current).catch(() => false); // whatever it was: the next try shows if it has passed
      current.abort();
      if (ended || signedIn.value === false) return;
      if (isReset) continue;
      connection.value = "lost";
      examine();
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait * (0.75 + Math.random() / 2));
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  /** Until the stream ends; whether because nothing counts any more. */
  async function listen(attempt) {
    let watchdog = 0;
    let isReset = false;
    const heard = () => {
      heardAt = Date.now();
      clearTimeout(watchdog);
      watchdog = setTimeout(() => attempt.abort(), DEAD);
    };
    const resumes = lastId !== "";
    const parser = createParser({
      onEvent(event) {
        if (event.event === "reset") isReset = true;
        else if (!isReset) told.update(JSON.parse(event.data));
      },
      onId(id) {
        lastId = id;
      },
    });
    try {
      heard();
      const headers = resumes ? { "Last-Event-ID": lastId } : {};
      const response = await send(resumes ? STREAM : `${STREAM}?snapshot=false`, { headers, signal: attempt.signal });
      if (!response.ok) return false;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      if (resumes) isLive(attempt);
      else {
        told.begin(attempt.signal).then(
          () => isLive(attempt),
          () => {
            if (!attempt.signal.aborted) lastId = "";
            attempt.abort();
          },
        );
      }
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return false;
        heard();
        parser.feed(value);
        if (isReset) {
          lastId = "";
          told.reset();
          return true;
        }
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  /** The list is whole, and changes are told. */
  function isLive(attempt) {
    if (attempt.signal.aborted) return;
    if (connection.value === "lost") {
      recoveries.value++;
      examine(); // what it was that did not work may work again
    }
    connection.value = "live";
    wait = FIRST_WAIT;
  }

  /** Somebody looks again, or the network is back: now is the time. */
  const look = () => {
    if (document.visibilityState !== "visible") return;
    wait = FIRST_WAIT;
    wake();
    // A sleeping machine's connections die unnoticed.
    if (Date.now() - heardAt > DOUBTFUL) current.abort();
  };
  addEventListener("online", look);
  document.addEventListener("visibilitychange", look);
  run();
  return () => {
    ended = true;
    removeEventListener("online", look);
    document.removeEventListener("visibilitychange", look);
    current.abort();
    wake();
  };
}

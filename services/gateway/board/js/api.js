/** Calls of the gateway. What it refuses is thrown as a Problem, whose message is for people. */
import { signal } from "@preact/signals";

/** null: not asked yet; then whether this browser may enter. */
export const signedIn = signal(/** @type {boolean | null} */ (null));
/** Whether there is a key at all, so that signing out means something. */
export const keyNeeded = signal(true);
/** How many milliseconds the server's clock is ahead of this one. */
let ahead = 0;

export class Problem extends Error {
  /** @param {number} status 0: no answer came. @param {string} detail @param {string} code */
  constructor(status, detail, code) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** The server's time, in milliseconds as Date.now: what it says of later is counted down to by its own clock. */
export const serverNow = () => Date.now() + ahead;

/**
 * The JSON that a route answers (null: none).
 *
 * @param {string} method
 * @param {string} path
 * @param {{body?: object, query?: Record<string, string | number | undefined>, headers?: object, signal?: AbortSignal}} [how]
 */
export async function call(method, path, { body, query = {}, headers = {}, signal } = {}) {
  const wanted = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)]));
  const response = await send(search.size ? `${path}?${search}` : path, {
    method,
    headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body && JSON.stringify(body),
    signal,
  });
  const answer = response.headers.get("content-type")?.includes("json") ? await response.json() : null;
  if (!response.ok) throw refused(response, answer);
  return answer;
}

export const get = (path, query, signal) => call("GET", path, { query, signal });
export const post = (path, body) => call("POST", path, { body });

/** fetch, whose failures say something. @returns {Promise<Response>} */
export async function send(path, init) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "Coldopen does not answer. Is it running?", "no-answer");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  // The header has whole seconds: a difference that may be that alone is none.
  if (date) ahead = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  if (response.status === 401) signedIn.value = false;
  return response;
}

function refused(response, answer) {
  const detail = answer?.detail ?? `The gateway answers ${response.status} ${response.statusText}.`;
  return new Problem(response.status, detail, answer?.type?.replace("urn:coldopen:", "") ?? "");
}

/** Find out whether this browser may enter. */
export async function enter() {
  try {
    const session = await get("/api/session");
    keyNeeded.value = session.key_needed;
    signedIn.value = true;
  } catch (problem) {
    if (problem.status !== 401) throw problem;
  }
}

/** Trade the API key for a session. Throws the Problem if it is not the key. */
export async function signIn(key) {
  await call("POST", "/api/session", { headers: { "X-Api-Key": key } });
  signedIn.value = true;
}

export async function signOut() {
  await call("DELETE", "/api/session");
  signedIn.value = false;
}

/** The address of a picture, `width` (200, 400 or 1200) pixels wide; the browser keeps it for as long as it is `version`. */
export const artwork = (key, kind, version, width) =>
  `/api/anime/${key}/artwork/${kind}?v=${version.slice(0, 16)}&width=${width}`;

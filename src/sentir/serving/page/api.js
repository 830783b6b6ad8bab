// Requests to the server that the page came from, and to no other.

import { askToken, token } from "./token.js";
import { language, t } from "./i18n.js";

const RETRY_MS = 1500;
let isOffline = false;

/** An error of the server, or of the way to it, with one sentence for the reader. */
export class ApiError extends Error {
  constructor(message, code, status = 0) {
    super(message);
    Object.assign(this, { code, status });
  }
}

/** Return the address of a path of the server. */
export const address = (path) => new URL(path.replace(/^\//, ""), document.baseURI);

/**
 * Send a request and return its response.
 *
 * `json` is sent as JSON, `form` as a form; a token is asked for if the server demands one.
 */
export async function request(path, { method, json, form, signal } = {}) {
  const headers = { "Accept-Language": language() };
  if (token()) headers.Authorization = `Bearer ${token()}`;
  if (json) headers["Content-Type"] = "application/json";
  const body = json ? JSON.stringify(json) : form;
  let response;
  try {
    response = await fetch(address(path), { method: method ?? (body ? "POST" : "GET"), headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    watchForReturn();
    throw new ApiError(t("error.offline"), "offline");
  }
  if (response.status === 401) {
    await askToken();
    return request(path, { method, json, form, signal });
  }
  if (!response.ok) throw await readError(response);
  return response;
}

/** Send a request and return the JSON of its response. */
export const requestJson = async (path, options) => (await request(path, options)).json();

async function readError(response) {
  const body = await response.json().catch(() => ({}));
  return new ApiError(body.detail ?? t("error.server", { status: response.status }), body.code, response.status);
}

/** Say that the server does not answer, until it does. */
export async function watchForReturn() {
  if (isOffline) return;
  isOffline = true;
  document.dispatchEvent(new CustomEvent("sentir:offline"));
  while (isOffline) {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    isOffline = !(await isReady());
  }
  document.dispatchEvent(new CustomEvent("sentir:online"));
}

/** Return whether the server takes requests. */
export async function isReady() {
  try {
    return (await fetch(address("/v2/health/ready"))).ok;
  } catch {
    return false;
  }
}

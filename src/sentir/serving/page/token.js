// The token of the server, if it demands one: kept until this tab is closed.

import { el } from "./dom.js";
import { t } from "./i18n.js";

const KEY = "sentir.token";
let current = sessionStorage.getItem(KEY) ?? "";
let asking = null;

/** Return the token; empty if none was given. */
export const token = () => current;

/** Return the subprotocols that carry the token to a WebSocket, which has no headers. */
export function subprotocols() {
  if (!current) return [];
  const encoded = btoa(current).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return ["sentir", `sentir.bearer.${encoded}`];
}

/** Ask for the token in a dialog; requests that wait share it. */
export function askToken() {
  asking ??= openDialog().finally(() => {
    asking = null;
  });
  return asking;
}

function openDialog() {
  const input = el("input", { type: "password", id: "token", required: true, autocomplete: "current-password" });
  const dialog = el(
    "dialog",
    { class: "card", "aria-labelledby": "token-title" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "token-title" }, t("token.title")),
      el("p", {}, current ? t("token.wrong") : t("token.why")),
      el("label", { for: "token" }, t("token.label")),
      input,
      el("button", { class: "primary" }, t("token.send")),
    ),
  );
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      current = input.value.trim();
      sessionStorage.setItem(KEY, current);
      dialog.remove();
      resolve();
    });
  });
}

// The page: languages, themes, tabs, and the panels behind them.

import { renderConversation } from "./conversation.js";
import { el, problem, show } from "./dom.js";
import { renderFile } from "./file.js";
import { language, setLanguage, t } from "./i18n.js";
import { renderMicrophone } from "./microphone.js";
import { loadServer, server } from "./models.js";
import { renderText } from "./text.js";

const PANELS = { text: renderText, file: renderFile, microphone: renderMicrophone, conversation: renderConversation };
const tabs = [...document.querySelectorAll('[role="tab"]')];
const banner = document.getElementById("banner");
const panelOf = (name) => document.getElementById(`panel-${name}`);

function renderAll() {
  for (const [name, render] of Object.entries(PANELS)) render(panelOf(name));
  document.getElementById("notice").textContent = server.notice;
}

async function start() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => changeLanguage(button.dataset.language));
  }
  document.getElementById("theme").addEventListener("click", switchTheme);
  tabs.forEach((tab) => tab.addEventListener("click", () => select(tab)));
  document.querySelector('[role="tablist"]').addEventListener("keydown", moveInTabs);
  select(tabs.find((tab) => tab.id === `tab-${location.hash.slice(1)}`) ?? tabs[0]);
  try {
    await setLanguage(stored("language") ?? language());
    markLanguage();
    await loadServer();
    renderAll();
  } catch (error) {
    show(document.getElementById("main"), problem(error.message));
  }
  document.body.classList.remove("loading");
}

async function changeLanguage(code) {
  await setLanguage(code);
  store("language", code);
  markLanguage();
  await loadServer();
  renderAll();
}

function markLanguage() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  }
}

function switchTheme() {
  const isDark = (document.documentElement.dataset.theme ?? systemTheme()) === "dark";
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  store("theme", document.documentElement.dataset.theme);
  document.dispatchEvent(new CustomEvent("sentir:theme"));
}

const systemTheme = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function stored(key) {
  try {
    return localStorage.getItem(`sentir.${key}`);
  } catch {
    return null; // storage is blocked
  }
}

function store(key, value) {
  try {
    localStorage.setItem(`sentir.${key}`, value);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

function select(tab) {
  for (const one of tabs) {
    const isChosen = one === tab;
    one.setAttribute("aria-selected", String(isChosen));
    one.tabIndex = isChosen ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = !isChosen;
  }
  history.replaceState(null, "", `#${tab.id.slice("tab-".length)}`);
}

function moveInTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const at = tabs.indexOf(document.activeElement);
  const next = { Home: 0, End: tabs.length - 1 }[event.key] ?? (at + (step ?? 0) + tabs.length) % tabs.length;
  if (next === at) return;
  event.preventDefault();
  tabs[next].focus();
  select(tabs[next]);
}

document.addEventListener("sentir:offline", () => {
  banner.hidden = false;
  banner.className = "banner gone";
  show(banner, el("span", {}, t("offline")));
});
document.addEventListener("sentir:online", () => {
  banner.className = "banner back";
  show(banner, el("span", {}, t("online")));
  setTimeout(() => {
    if (banner.classList.contains("back")) banner.hidden = true;
  }, 4000);
});

start();

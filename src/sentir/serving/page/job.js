// The job that makes a timeline on the server: sent, watched, cancelled, fetched, and forgotten there.

import { request, requestJson } from "./api.js";
import { el, newId } from "./dom.js";
import { percent, t } from "./i18n.js";

const POLL_MS = 300;

/** A timeline in the making, with its progress and a button that cancels it. */
export class Job {
  constructor(name) {
    const id = newId("job");
    this.abort = new AbortController();
    this.progress = el("progress", { max: 1, "aria-labelledby": id });
    this.number = el("span", { class: "number" });
    this.element = el(
      "div",
      { class: "job" },
      el("p", { id, role: "status" }, t("job.running", { name })),
      el("div", { class: "actions" }, this.progress, this.number, el("button", { type: "button", onclick: () => this.abort.abort() }, t("cancel"))),
    );
  }

  /** Return the document of the timeline of a form; throws an `AbortError` if it was cancelled. */
  async run(form) {
    const { signal } = this.abort;
    let job = await requestJson("/v1/timelines", { form, signal });
    const path = `/v1/timelines/${job.id}`;
    try {
      while (job.status === "waiting" || job.status === "running") {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        job = await requestJson(path, { signal });
        this.show(job.progress);
      }
      if (job.status !== "done") throw new Error(job.problem || t("job.cancelled"));
      return await requestJson(`${path}/result`, { signal });
    } finally {
      request(path, { method: "DELETE" }).catch(() => {}); // it is forgotten there after a while
    }
  }

  show(progress) {
    this.progress.value = progress;
    this.number.textContent = percent(progress);
  }
}

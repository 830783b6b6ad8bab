// Where a panel shows its timeline: in the making, made, or why there is none.

import { el, problem, show } from "./dom.js";
import { t } from "./i18n.js";
import { Job } from "./job.js";
import { TimelineView } from "./timeline.js";

/** The output of a panel. */
export class TimelineOutput {
  element = el("div", { class: "output" });
  job = null;
  view = null;
  error = "";

  /** Make the timeline of a form; see `TimelineView` for the options. */
  async make(form, name, model, options) {
    this.clear();
    const job = new Job(name);
    this.job = job;
    this.render();
    form.append("model", model.name);
    try {
      const document = await job.run(form);
      if (this.job === job) this.showTimeline(document, model, options);
    } catch (error) {
      if (this.job === job) this.fail(error.name === "AbortError" ? t("job.cancelled") : error.message);
    }
  }

  /** Show a timeline. */
  showTimeline(document, model, options) {
    this.clear();
    this.view = new TimelineView(document, model, options);
    this.render();
  }

  /** Show why there is none. */
  fail(message) {
    this.clear();
    this.error = message;
    this.render();
  }

  /** Forget what was shown, and cancel what is being made. */
  clear() {
    this.job?.abort.abort();
    this.view?.destroy();
    Object.assign(this, { job: null, view: null, error: "" });
  }

  /** Show what there is, again when the language of the page changes. */
  render() {
    if (this.error) show(this.element, problem(this.error));
    else show(this.element, this.job || this.view ? el("div", { class: "card" }, (this.job ?? this.view).element) : null);
    this.view?.render();
  }
}

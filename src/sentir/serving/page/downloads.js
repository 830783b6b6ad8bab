// A timeline as a file, in every format, with the corrections.

import { request } from "./api.js";
import { el, newId, problem, show } from "./dom.js";
import { formats, t } from "./i18n.js";

/** Return the control that downloads a document; `makeDocument` returns it as it is corrected now. */
export function renderDownload(makeDocument) {
  const id = newId("format");
  const hasTimes = makeDocument().turns.every((turn) => typeof turn.start === "number");
  const usable = formats().filter((one) => hasTimes || !one.needs_times);
  const select = el("select", { id }, usable.map((one) => el("option", { value: one.name }, `${one.title} (${one.suffix})`)));
  const failed = el("div");
  const download = async () => {
    const format = usable.find((one) => one.name === select.value);
    const document = makeDocument();
    try {
      const query = new URLSearchParams({ format: format.name });
      const response = await request(`/v1/timelines/render?${query}`, { json: document });
      save(await response.blob(), fileName(document) + format.suffix);
      show(failed);
    } catch (error) {
      show(failed, problem(error.message));
    }
  };
  return el(
    "div",
    { class: "download" },
    el("label", { for: id }, t("download.as")),
    select,
    el("button", { type: "button", onclick: download }, t("download")),
    failed,
  );
}

const fileName = (document) => document.recording.file.replace(/\.[^.]*$/, "") || "timeline";

function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

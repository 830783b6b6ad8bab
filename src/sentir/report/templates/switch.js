const languages = document.getElementById("languages");
languages.hidden = false;
for (const copy of document.querySelectorAll("[data-of]")) {
  const original = document.getElementById(copy.dataset.of);
  if (original) copy.src = original.src;
}
languages.addEventListener("click", (event) => {
  const code = event.target.lang;
  if (!event.target.matches("button")) return;
  for (const audio of document.querySelectorAll("audio")) audio.pause();
  for (const main of document.querySelectorAll("main")) {
    main.hidden = main.lang !== code;
    if (!main.hidden) document.title = main.dataset.title;
  }
  for (const button of languages.children) button.setAttribute("aria-pressed", button.lang === code);
  document.documentElement.lang = code;
});
{% include "sort.js" %}
{% include "scroll.js" %}
{% include "print.js" %}

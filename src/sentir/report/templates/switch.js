const languages = document.getElementById("languages");
languages.hidden = false;
languages.addEventListener("click", (event) => {
  const code = event.target.lang;
  if (!event.target.matches("button")) return;
  for (const main of document.querySelectorAll("main")) {
    main.hidden = main.lang !== code;
    if (!main.hidden) document.title = main.dataset.title;
  }
  for (const button of languages.children) button.setAttribute("aria-pressed", button.lang === code);
  document.documentElement.lang = code;
});

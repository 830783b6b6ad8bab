// A table that is wider than its place says so, and only then is a stop for the keyboard.
const mind = (place) => {
  const hidden = place.scrollWidth - place.clientWidth;
  place.classList.toggle("scrolls", hidden > 1);
  place.classList.toggle("more", hidden - place.scrollLeft > 1);
  place.tabIndex = hidden > 1 ? 0 : -1;
};
const widths = new ResizeObserver((entries) => { for (const { target } of entries) mind(target); });
for (const place of document.querySelectorAll(".scroll")) {
  widths.observe(place);
  place.addEventListener("scroll", () => mind(place), { passive: true });
}

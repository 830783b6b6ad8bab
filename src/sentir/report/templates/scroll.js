// A table that is wider than its container gets a hint, and only then a stop for the keyboard.
const updateOverflow = (region) => {
  const hidden = region.scrollWidth - region.clientWidth;
  region.classList.toggle("scrolls", hidden > 1);
  region.classList.toggle("more", hidden - region.scrollLeft > 1);
  region.tabIndex = hidden > 1 ? 0 : -1;
};
const widths = new ResizeObserver((entries) => { for (const { target } of entries) updateOverflow(target); });
for (const region of document.querySelectorAll(".scroll")) {
  widths.observe(region);
  region.addEventListener("scroll", () => updateOverflow(region), { passive: true });
}

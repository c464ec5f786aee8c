// The palette: what the server finds (htmx fills #palette-found), then the pages of the navigation, which are there at
// once. The focus stays in the field; the marked one is told to screen readers by aria-activedescendant.

import { $, all } from "./shell.js";

const palette = $("[data-palette]");
const field = $("input", palette);
const found = $("#palette-found");
function item(label, url, hint) {
  const link = Object.assign(document.createElement("a"), { className: "menu__item", href: url, role: "option" });
  link.append(Object.assign(document.createElement("span"), { className: "palette__name", textContent: label }));
  if (hint) link.append(Object.assign(document.createElement("span"), { className: "palette__hint", textContent: hint }));
  return link;
}
function listPages() {
  const text = field.value.trim();
  const words = text.toLowerCase().split(/\s+/);
  const pages = all(".nav__item")
    .map((link) => [$("span", link).textContent, link.href, link.closest("ul").previousElementSibling?.textContent])
    .filter(([label, , section]) => words.every((word) => ` ${label} ${section || ""}`.toLowerCase().includes(` ${word}`)))
    .map((page) => item(...page));
  const search = palette.dataset.searchUrl;
  if (search && text) pages.push(item(`Search everything for “${text}”`, `${search}?q=${encodeURIComponent(text)}`));
  $("#palette-pages").replaceChildren(...pages);
  found.toggleAttribute("data-stale", true); // what was found for the text before must not be chosen now
  mark(0);
}
const items = () => all("#palette-found:not([data-stale]) .menu__item, #palette-pages .menu__item");
const marked = () => items().findIndex((link) => link.hasAttribute("data-marked"));
function mark(index) {
  all("[data-marked]", palette).forEach((link) => link.removeAttribute("data-marked"));
  const links = items();
  links.forEach((link, at) => {
    link.id = `palette-${at}`;
    link.tabIndex = -1;
    link.setAttribute("aria-selected", at === index);
  });
  const chosen = links[index];
  chosen?.toggleAttribute("data-marked", true);
  chosen?.scrollIntoView({ block: "nearest" });
  if (chosen) field.setAttribute("aria-activedescendant", chosen.id);
  else field.removeAttribute("aria-activedescendant");
}
// It was opened (keyboard.js); something may have been typed since.
export function begin() {
  found.replaceChildren();
  listPages();
  field.dispatchEvent(new Event("palette-open"));
}
palette.addEventListener("input", listPages);
palette.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.requestConfig.parameters.q !== field.value) return;
  found.removeAttribute("data-stale");
  mark(0);
});
palette.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && !event.isComposing) {
    event.preventDefault();
    mark((marked() + step + items().length) % (items().length || 1));
  } else if (event.key === "Enter" && event.target === field && !event.isComposing) {
    event.preventDefault();
    items()[marked()]?.click();
  }
});

// The keyboard: / ? Ctrl-K j k x e [ ], and the Ctrl-K palette.

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const palette = $("[data-palette]");

const typing = (node) => node.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
const focusSearch = () => {
  const field = $("#search") || $("[data-filters] [name=q]") || $("main input[type=search]");
  field?.focus();
  field?.select();
  return field;
};

// j and k move the focus along the rows' links, so Enter opens one by itself.
function moveRow(step) {
  const rows = "tr, .said__hit";
  const links = all(".table .row-link, .said__when, #result_list tbody th a").filter((link) => link.checkVisibility());
  if (!links.length) return false;
  const row = document.activeElement.closest(rows);
  const here = row ? links.findIndex((link) => link.closest(rows) === row) : -1;
  const next = links[here < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, here + step))];
  next.focus({ focusVisible: true, preventScroll: true });
  next.closest(rows).scrollIntoView({ block: "nearest" });
  return true;
}

// x checks the row that has the focus.
function selectRow() {
  const box = document.activeElement.closest("tr")?.querySelector("[data-check]");
  if (!box) return false;
  box.click();
}

const keys = {
  "/": focusSearch,
  "?": () => $("#shortcuts")?.showModal() ?? true,
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: selectRow,
  e: () => $("a[data-key=e]")?.click(),
  "[": () => ($("a[rel=prev]") || $(".paginator .this-page")?.previousElementSibling)?.click(),
  "]": () => ($("a[rel=next]") || $(".paginator .this-page")?.nextElementSibling)?.click(),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (!palette) focusSearch();
    else if (palette.open) palette.close();
    else openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.isComposing || typing(event.target)) return;
  const act = Object.hasOwn(keys, event.key) && (!event.altKey || "[]".includes(event.key)) ? keys[event.key] : null;
  if (act && act() !== false) event.preventDefault();
});

// The palette: what the server finds (htmx fills #palette-found), then the pages of the navigation, which are there at
// once. The focus stays in the field; the marked one is told to screen readers by aria-activedescendant.
const field = palette && $("input", palette);
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
function openPalette() {
  palette.showModal();
  field.value = "";
  found.replaceChildren();
  listPages();
  field.dispatchEvent(new Event("palette-open"));
}
document.addEventListener("click", (event) => event.target.closest("[data-palette-open]") && openPalette());
palette?.addEventListener("input", listPages);
palette?.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.requestConfig.parameters.q !== field.value) return;
  found.removeAttribute("data-stale");
  mark(0);
});
palette?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && !event.isComposing) {
    event.preventDefault();
    mark((marked() + step + items().length) % (items().length || 1));
  } else if (event.key === "Enter" && event.target === field && !event.isComposing) {
    event.preventDefault();
    items()[marked()]?.click();
  }
});

// The keyboard: / ? Ctrl-K j k x e [ ].

import { $, all } from "./shell.js";

const palette = $("[data-palette]");

const typing = (node) => node.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
// A key that means something already: with another key, or to the field, button or player that has the focus.
export const isTaken = (event) =>
  event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing || event.defaultPrevented ||
  event.target.closest("input, textarea, select, button, a, summary, audio, dialog[open], [contenteditable], pre");
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
  const next = here < 0 ? links.at(step > 0 ? 0 : -1) : links[here + step] || links[here];
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

// The palette opens at once, so that what is typed goes into its field; its script comes with the first time.
function openPalette() {
  $("input", palette).value = "";
  palette.showModal();
  import("./palette.js").then(({ begin }) => begin());
}
document.addEventListener("click", (event) => event.target.closest("[data-palette-open]") && openPalette());

// Lists: filters, dialogs beside them, the order of columns, rows selected for a bulk action.

import { $, all } from "./shell.js";

// Filters: selects and dates apply at once, and empty fields stay out of the address.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filters]");
  const apply = event.target.matches("select, [type=checkbox], [type=radio], [type=date], [data-picker]");
  if (form && apply && !event.target.matches(".picker__option input")) form.requestSubmit();
});
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-filters]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// What htmx loads into a <dialog> opens it; its Cancel only closes it.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.matches("dialog") && !event.target.open) event.target.showModal();
});
document.addEventListener("click", (event) => {
  const cancel = event.target.closest("dialog [data-cancel]");
  if (cancel) {
    event.preventDefault();
    cancel.closest("dialog").close();
  }
  const move = event.target.closest("[data-move]");
  if (move) {
    const line = move.closest("[data-column]");
    const up = move.dataset.move < 0;
    const other = up ? line.previousElementSibling : line.nextElementSibling;
    if (other) up ? other.before(line) : other.after(line);
    move.focus();
    number(line.parentElement);
  }
});

// The numbers are what the server goes by.
function number(list) {
  all("[type=number]", list).forEach((input, at) => (input.value = at + 1));
}
document.addEventListener("submit", (event) => {
  const list = event.target.matches("[data-columns]") && event.target.querySelector(".column-list");
  if (list) number(list);
}, true);

// Selecting rows: the bar shows while one is checked. Without JavaScript it always does.
function select() {
  const boxes = all("[data-check]");
  const checked = boxes.filter((box) => box.checked).length;
  const every = $("[data-bulk-all]");
  if (every?.checked && checked < boxes.length) every.checked = false;
  const head = $("[data-check-all]");
  if (head) [head.checked, head.indeterminate] = [checked && checked === boxes.length, checked > 0 && checked < boxes.length];
  for (const bar of all("[data-bulk]")) bar.toggleAttribute("data-on", checked > 0);
  for (const label of all("[data-bulk-count]")) label.textContent = every?.checked ? `All ${every.dataset.bulkAll} rows` : `${checked} row${checked === 1 ? "" : "s"}`;
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-check-all]")) for (const box of all("[data-check]")) box.checked = event.target.checked;
  if (event.target.matches("[data-bulk-all]") && event.target.checked) for (const box of all("[data-check]")) box.checked = true;
  if (event.target.matches("[data-check], [data-check-all], [data-bulk-all]")) select();
});
document.addEventListener("reset", () => setTimeout(select));
addEventListener("pageshow", select); // the browser may have kept what was checked
document.addEventListener("htmx:afterSettle", select);

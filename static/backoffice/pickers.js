// Pickers (backoffice/picker_html.py): the choice stays above what a new search finds.

import { all } from "./shell.js";

const parts = (node) => {
  const picker = node.closest("[data-picker]");
  return picker && { picker, field: picker.querySelector("[type=search]"), chosen: picker.querySelector(".picker__chosen") };
};
let swapping = false; // the focus goes with what is moved, and nobody has left the picker
document.addEventListener("htmx:beforeSwap", (event) => {
  const found = event.detail.target;
  const part = found?.id?.endsWith("_found") && parts(found);
  if (!part) return;
  const checked = found.querySelector(":checked");
  const hadFocus = found.contains(document.activeElement);
  swapping = true;
  if (checked) {
    clear(part.chosen);
    part.chosen.prepend(checked.closest("label"));
  }
  if (hadFocus) (checked || part.field).focus({ preventScroll: true });
  swapping = false;
});
function clear(chosen) {
  for (const label of all("label", chosen)) if (label.querySelector("input").value) label.remove(); // "None" stays
}
document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.target.id?.endsWith("_found") && parts(event.target);
  if (!part) return;
  delete part.picker.dataset.closed;
  const value = part.chosen.querySelector(":checked")?.value;
  if (value) for (const input of all("input", event.target)) if (input.value === value) input.closest("label").remove();
  const { picker, field } = part;
  picker.dataset.foundFor = new URL(event.detail.pathInfo.finalRequestPath, location).searchParams.get(field.name);
  if ("awaited" in picker.dataset && picker.dataset.foundFor === field.value) takeFirst(part);
});
// Enter takes the first that was found, but not of an earlier text: it waits for what is found for this one.
for (const type of ["input", "focusout"])
  document.addEventListener(type, (event) => {
    if (event.target.matches?.(".picker__bar input")) delete event.target.closest("[data-picker]").dataset.awaited;
  });
function takeFirst(part) {
  delete part.picker.dataset.awaited;
  const first = shown(part).find((input) => input.closest(".picker__chosen") === null);
  if (!first && part.picker.querySelector(".picker__note")) return; // nothing matches; else it is the one that is chosen
  if (first) first.checked = true;
  close(part);
}
const shown = ({ picker }) => all(".picker__option input", picker).filter((input) => input.checkVisibility());
// A click on an option is a choice; the arrow keys, which also check radios, only pass along them. The pointer must not
// take the focus away from the search field: the list would close before the click arrives.
let pointing = false;
document.addEventListener("mousedown", (event) => {
  pointing = Boolean(event.target.closest(".picker__option"));
  if (pointing) event.preventDefault();
});
document.addEventListener("click", (event) => {
  if (pointing && event.target.matches(".picker__option input")) {
    pointing = false;
    close(parts(event.target));
  }
});
document.addEventListener("focusin", (event) => {
  if (event.target.matches(".picker__bar input") && !("quiet" in event.target.dataset)) delete event.target.closest("[data-picker]").dataset.closed;
});
document.addEventListener("keydown", (event) => {
  const part = event.target.closest?.("[data-picker]") && parts(event.target);
  if (!part || event.target.matches("button")) return;
  if (event.key === "ArrowDown" && event.target === part.field) {
    const options = shown(part);
    const first = options.find((input) => input.closest(".picker__chosen") === null) || options[0];
    first?.focus();
    if (first) first.checked = true;
  } else if (event.key === "Enter") {
    if (event.target !== part.field || !part.field.value) close(part);
    else if (part.picker.dataset.foundFor === part.field.value) takeFirst(part);
    else part.picker.dataset.awaited = "";
  } else if (event.key === "Escape" && !("closed" in part.picker.dataset)) takeBack(part);
  else return;
  event.preventDefault();
});
// What the arrow keys passed along is a choice for whoever goes on to the next field, and none after Escape.
const before = new WeakMap(); // {picker: what was chosen when the focus came into it}
const chosenIn = (picker) => picker.querySelector(".picker__option :checked");
const enter = (picker) => picker && !before.has(picker) && before.set(picker, chosenIn(picker));
enter(document.activeElement?.closest("[data-picker]")); // this script may come after the focus
document.addEventListener("focusin", ({ target }) => swapping || enter(target.closest("[data-picker]")));
document.addEventListener("focusout", ({ target, relatedTarget }) => {
  const picker = target.closest("[data-picker]");
  if (!picker?.isConnected || swapping || picker.contains(relatedTarget) || !document.hasFocus()) return; // another window
  if (chosenIn(picker) !== before.get(picker)) settle(parts(picker));
  before.delete(picker);
});
function takeBack(part) {
  const [was, now] = [before.get(part.picker), chosenIn(part.picker)];
  if (before.has(part.picker) && was !== now) {
    if (now) now.checked = false;
    if (was && !was.isConnected) {
      clear(part.chosen);
      part.chosen.prepend(was.closest("label"));
    }
    if (was) was.checked = true;
  }
  shut(part);
  back(part);
}
function close(part) {
  settle(part);
  back(part);
}
function back({ field }) {
  field.dataset.quiet = "";
  field.focus({ preventScroll: true });
  delete field.dataset.quiet;
}
function shut({ picker, field }) {
  picker.dataset.closed = "";
  delete picker.dataset.open;
  field.value = "";
}
function settle(part) {
  const { picker, field } = part;
  shut(part);
  before.set(picker, chosenIn(picker));
  if (!picker.querySelector(":checked:default")) picker.dispatchEvent(new Event("change", { bubbles: true }));
  const form = field.form;
  if (form?.matches("[data-unsaved]")) form.dataset.dirty = "";
}

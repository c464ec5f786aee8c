// Forms: nothing is sent twice, nothing typed is lost by accident, pickers.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A number field that holds something else would be sent empty, and what it held would be taken away: say so instead.
addEventListener("submit", (event) => {
  const odd = all("input[type=number]", event.target).find((input) => input.validity.badInput);
  if (!odd) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  odd.reportValidity();
}, true);

// A form that is being sent does not send again. The mark comes off when the page is shown again from the cache, or
// when htmx is done. data-guard="off" for forms whose answer is a download.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.dataset.guard === "off") return;
  if ("submitting" in form.dataset) return event.preventDefault();
  form.dataset.submitting = "";
  form.setAttribute("aria-busy", "true");
  delete form.dataset.dirty;
});
function release(form) {
  delete form.dataset.submitting;
  form.removeAttribute("aria-busy");
}
addEventListener("pageshow", (event) => event.persisted && all("form[data-submitting]").forEach(release));
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-submitting]");
  if (form) release(form);
});

// <form data-unsaved>: ask before leaving with something typed.
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.matches("[data-unsaved]") && !event.target.matches(".picker__bar input")) form.dataset.dirty = "";
});
addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-dirty]")) event.preventDefault();
});

// A refused form: go to what says why.
document.querySelector("[data-focus]")?.focus();

// The code of an invitation stands behind the # of its link, which is sent to no server: into its field, and out of the address.
const code = document.querySelector("[data-from-fragment]");
if (code && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}

// A list's filters: selects and dates apply at once, and empty fields stay out of the address.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filters]");
  const apply = event.target.matches("select, [type=checkbox], [type=radio], [type=date], [data-picker]");
  if (form && apply && !event.target.matches(".picker__option input")) form.requestSubmit();
});
document.addEventListener("formdata", (event) => {
  if (!event.target.matches("form[data-filters]")) return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// Pickers (templates/components/picker.html): the choice stays above what a new search finds.
const parts = (node) => {
  const picker = node.closest("[data-picker]");
  return picker && { picker, field: picker.querySelector("[type=search]"), chosen: picker.querySelector(".picker__chosen") };
};
document.addEventListener("htmx:beforeSwap", (event) => {
  const found = event.detail.target;
  const part = found?.id?.endsWith("_found") && parts(found);
  if (!part) return;
  const option = found.querySelector(":checked")?.closest("label");
  if (option) {
    for (const old of all("label", part.chosen)) if (old.querySelector("input").value) old.remove();
    part.chosen.prepend(option);
  }
});
document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.target.id?.endsWith("_found") && parts(event.target);
  if (!part) return;
  delete part.picker.dataset.closed;
  const value = part.chosen.querySelector(":checked")?.value;
  if (value) for (const input of all("input", event.target)) if (input.value === value) input.closest("label").remove();
});
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
  const options = all(".picker__option input", part.picker).filter((input) => input.checkVisibility());
  if (event.key === "ArrowDown" && event.target === part.field) {
    const first = options.find((input) => input.closest(".picker__chosen") === null) || options[0];
    first?.focus();
    if (first) first.checked = true;
  } else if (event.key === "Enter") {
    if (event.target === part.field) {
      const first = options.find((input) => input.closest(".picker__chosen") === null);
      if (part.field.value && first) first.checked = true;
    }
    close(part);
  } else if (event.key === "Escape" && !("closed" in part.picker.dataset)) close(part);
  else return;
  event.preventDefault();
});
function close({ picker, field }) {
  picker.dataset.closed = "";
  delete picker.dataset.open;
  field.value = "";
  field.dataset.quiet = "";
  field.focus({ preventScroll: true });
  delete field.dataset.quiet;
  if (!picker.querySelector(":checked:default")) picker.dispatchEvent(new Event("change", { bubbles: true }));
  const form = field.form;
  if (form?.matches("[data-unsaved]")) form.dataset.dirty = "";
}

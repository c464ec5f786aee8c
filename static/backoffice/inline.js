// Editing one field in place: focus, Esc, Ctrl+Enter.

document.addEventListener("htmx:load", (event) => {
  const elt = event.detail.elt;
  if (elt.querySelector?.("[data-picker]")) import("./pickers.js");
  if (elt.matches?.("[data-inline-form]")) {
    const field = elt.querySelector("[data-inline-focus]") || elt.querySelector(".field__error + * input, [aria-invalid=true]")
      || [...elt.querySelectorAll("input, select, textarea")].find((input) => input.type !== "hidden" && input.checkVisibility());
    field?.focus();
    if (field?.matches("input")) field.select();
  } else if (elt.matches?.("[data-refocus]")) elt.querySelector(".pencil")?.focus();
});

document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("[data-inline-form]");
  if (!form || event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape") {
    event.preventDefault();
    // A form that keeps what was typed is only left; empty, it goes.
    const typed = [...form.elements].some((input) => input.type !== "hidden" && "defaultValue" in input && input.value !== input.defaultValue);
    if (form.matches("[data-inline-keep]") && typed) event.target.blur();
    else form.querySelector("[data-inline-cancel]").click();
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});

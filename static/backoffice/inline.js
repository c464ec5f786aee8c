// Editing one field in place: focus, Esc, Ctrl+Enter, and answers that are no form.

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

// Answers that are no form. Of a session that ended, the answer leads to the sign-in page, which keeps what was typed.
const SIGNED_OUT = "You are signed out, and nothing was saved. Copy what you typed, then reload the page.";
for (const name of ["htmx:responseError", "htmx:sendError"])
  document.addEventListener(name, (event) => {
    const { status, responseText } = event.detail.xhr || {};
    say(
      event.detail.requestConfig?.elt || event.target,
      status === 401
        ? SIGNED_OUT
        : status === 403
          ? responseText.includes("lacks the permission") ? "Your role may not do this." : SIGNED_OUT
          : status === 404
            ? "It is not there any more. Reload the page."
            : status
              ? `The server could not do this (${status}). Nothing was saved; try again.`
              : "The server did not answer. Nothing was saved; try again.",
    );
  });
function say(elt, text) {
  const place = elt?.closest?.(".inline");
  if (!place) return;
  const note = place.querySelector("[data-inline-note]") || place.appendChild(document.createElement("div"));
  note.className = "bad";
  note.dataset.inlineNote = "";
  note.setAttribute("role", "alert");
  note.textContent = text;
}

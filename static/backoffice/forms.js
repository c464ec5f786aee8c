// Forms: nothing is sent twice, nothing typed is lost by accident.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// A number field that holds something else would be sent empty, and what it held would be taken away: say so instead.
addEventListener("submit", (event) => {
  const odd = all("input[type=number]", event.target).find((input) => input.validity.badInput);
  if (!odd) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  odd.reportValidity();
}, true);

// A form is not sent twice; until the page comes back from the cache, or htmx is done. data-guard="off" for downloads.
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

// A refused form: go to what says why; what was typed is still to be sent.
const why = document.querySelector("[data-focus]");
why?.focus();
if (why) for (const form of all("form[data-unsaved]:not([hx-post])")) form.dataset.dirty = "";

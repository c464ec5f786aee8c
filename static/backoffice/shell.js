// Theme, dialogs, menus, toasts, copy buttons, row clicks, relative times; all on the document, for what htmx puts in.

const html = document.documentElement;
export const $ = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Theme: change at once, tell the server in the background.
const dark = () =>
  html.dataset.theme === "dark" || (html.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-theme-form]")) return;
  event.preventDefault();
  const data = new FormData(form);
  data.set("theme", (html.dataset.theme = dark() ? "light" : "dark"));
  fetch(form.action, { method: "POST", body: data, redirect: "manual" }).catch(() => {});
});

// What the page asks by itself (every few seconds, when it is loaded) keeps no session alive (backoffice/sessions).
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.triggeringEvent) event.detail.headers["X-Unattended"] = "1";
});

// Copy buttons.
export function copyByHand(text, place = document.body) {
  const area = Object.assign(document.createElement("textarea"), { value: text });
  place.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    copyByHand(button.dataset.copy, button.closest("dialog") || document.body);
    button.focus();
  }
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, 1500);
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-copy], [data-dialog], [data-close], dialog") || event.target;
  if (target.matches("[data-copy]")) copy(target);
  else if (target.closest("[data-print]")) print();
  else if (target.matches("[data-dialog]")) document.getElementById(target.dataset.dialog)?.showModal();
  else if (target.matches("[data-close]")) target.closest("[data-toast], .banner")?.remove();
  else if (target.matches("dialog") && event.target === target) target.close(); // a click on the backdrop
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;

  // A click anywhere in a row opens it, unless it hit a control or selected text.
  const link = event.target.closest("tr")?.querySelector(".row-link");
  if (link && !event.defaultPrevented && !event.target.closest("a, button, input, label, select, textarea, summary, audio")) {
    if (String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) open(link.href);
    else link.click();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of all("details.menu[open]")) {
    menu.open = false;
    $("summary", menu).focus();
  }
});

// Toasts go by themselves, except errors and warnings; not while one points at them or has the focus inside.
function watchToasts() {
  for (const toast of all("[data-toast]:not([data-seen])")) {
    toast.dataset.seen = "";
    if (!["good", "info"].includes(toast.dataset.toast)) continue;
    const wait = () =>
      setTimeout(() => (toast.matches(":hover, :focus-within") ? wait() : toast.remove()), $("form", toast) ? 15000 : 6000);
    wait();
  }
}

// A table that fits gets a header that stays in sight; one that does not may scroll sideways.
function fit(wrap) {
  delete wrap.dataset.fits;
  if (wrap.scrollWidth <= wrap.clientWidth + 1) wrap.dataset.fits = "";
}
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => fit(target)));

// Relative times; _ago in templatetags/ui.py says the same.
function ago(seconds) {
  const far = Math.abs(seconds);
  if (far < 45) return "just now";
  const words =
    far < 3600 ? `${Math.max(1, Math.floor(far / 60))} min` : far < 86400 ? `${Math.floor(far / 3600)} h` : `${Math.floor(far / 86400)} d`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}
function tick() {
  if (document.hidden) return;
  for (const time of all("time[data-relative]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (Math.abs(seconds) < 7 * 86400) time.textContent = ago(seconds);
  }
}
setInterval(tick, 30000);
document.addEventListener("visibilitychange", tick);

// The database is away: a part of the page tells so in its place, a form in a toast; what asks by itself asks again.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig, target } = event.detail;
  if (xhr.status !== 503 || requestConfig.elt.closest(".inline")) return;
  if (requestConfig.verb === "get" && target.id !== "turns") event.detail.shouldSwap = !requestConfig.elt.matches("[hx-trigger*=every]");
  else toast(new DOMParser().parseFromString(xhr.responseText, "text/html").body.textContent.trim());
});
// One at a time; a click closes it.
function toast(text) {
  $("#said")?.remove();
  const note = Object.assign(document.createElement("div"), { id: "said", className: "toast toast--warn", textContent: text });
  Object.assign(note.dataset, { toast: "warn", close: "" });
  $("#toasts")?.append(note);
}

// What somebody asked for and did not get is said above what is there still, until that is another, or in a toast.
for (const name of ["htmx:responseError", "htmx:sendError"])
  document.addEventListener(name, ({ detail: { xhr, requestConfig, target } }) => {
    const { elt, verb, triggeringEvent } = requestConfig;
    const inline = elt.closest(".inline");
    const place = inline || target;
    const { status } = xhr;
    if (!triggeringEvent || (status === 503 && !inline)) return;
    const note = $("[data-failed]", place) || document.createElement("div");
    note.className = inline ? "bad" : "banner banner--bad";
    note.dataset.failed = "";
    note.role = "alert";
    note.textContent =
      status === 401 || (status === 403 && !xhr.responseText.includes("lacks the permission"))
        ? `You were signed out${verb === "get" ? "." : ", and nothing was saved."} Copy what you typed, then reload the page.`
        : status === 403 ? "Your role may not do this."
        : status === 404 ? "It is not there any more. Reload the page."
        : `${status ? `The server could not do this (${status}).` : "The server did not answer."} ${verb === "get" ? "What you see is from before" : "Nothing was saved"}; try again.`;
    if (place.matches("dialog:not([open]), #turns")) toast(note.textContent);
    else if (inline) place.append(note);
    else place.prepend(note);
  });

function start() {
  watchToasts();
  for (const wrap of all(".table-wrap")) sizes.observe(wrap);
}
start();
document.addEventListener("htmx:load", start);

// Tabs that do not all fit begin near the one that is open.
for (const tab of all(".tabs [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 60;

// Lists: dialogs beside them, the order of columns.

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

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

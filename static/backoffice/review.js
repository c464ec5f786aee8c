// The review queue by keyboard (templates/agents/sample_review.html): 1 2 3 outcome, s skip, u undo, l label, n note,
// j k turns, t label or note on the turn, Esc leaves a field. Every key presses a button or goes to a field of the page.

import { $, all } from "./shell.js";

const queue = $("[data-review-queue]");
const turns = () => all("[data-turns] > .bubble");
const typing = (node) => node.closest?.("input, textarea, select, [contenteditable], dialog[open]");

// The turn in which the focus is, else the one where it was last.
let last;
function current() {
  return document.activeElement.closest("[data-turns] > .bubble") || (last?.isConnected ? last : null);
}

// The turn gets the focus, so that Tab goes on from there.
function move(step) {
  const list = turns();
  const here = list.indexOf(current());
  const next = list[here < 0 ? (step > 0 ? 0 : list.length - 1) : Math.min(list.length - 1, Math.max(0, here + step))];
  if (!next) return;
  last = next;
  next.tabIndex = -1;
  next.focus({ focusVisible: true, preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function remark() {
  current()?.querySelector("[data-turn-add]")?.click();
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  l: () => $("#review-label")?.focus(),
  n: () => $("#review-text")?.focus(),
  t: remark,
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) {
    if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur();
    return;
  }
  const button = $(`[data-press="${CSS.escape(event.key)}"]`, queue);
  if (!button && !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  // A key that is held down decides about one conversation only.
  if (button) event.repeat || button.click();
  else keys[event.key]();
});

// The page of a conversation: find, links to turns, recordings.

import { $, all } from "./shell.js";
import { isTaken } from "./keyboard.js";

const box = () => $(".transcript-box");
const turnOf = (key) => document.getElementById(`t-${key}`);

// The box scrolls to a line, and the page as far as it takes to see the box. Turns get their size when they come near,
// which moves the line: it is aimed at for some frames, unless somebody scrolls.
let aim = 0;
for (const name of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(name, () => aim++, { capture: true, passive: true });
function show(node, { always = true, frames = 12, mine = ++aim } = {}) {
  const frame = box();
  if (mine !== aim || !node || !frame?.contains(node)) return;
  const [line, room] = [node.getBoundingClientRect(), frame.getBoundingClientRect()];
  const isSeen = line.top >= room.top && line.bottom <= room.bottom;
  if (always || !isSeen) frame.scrollTop += line.top - room.top - Math.max(12, (room.height - line.height) / 2);
  if (always) frame.scrollIntoView({ block: "nearest" });
  if (frames) requestAnimationFrame(() => show(node, { always, frames: frames - 1, mine }));
}

const found = () => $("#transcript");
const reached = () => Number(found().dataset.hit);
const places = () => found()?.dataset.places?.match(/\S+/g) || [];

const tell = (number) => ($("[data-hit-number]").textContent = number.toLocaleString("en"));

// The place with this number (from 1), here or from the server. `asked` is on its way: a quick next step counts from it.
let steps = 0;
let asked = 0;
async function goTo(number, event) {
  const keys = places();
  if (!keys.length) return;
  const step = ++steps;
  asked = ((number - 1 + keys.length) % keys.length) + 1;
  number = asked;
  const key = keys[number - 1];
  const nth = keys.slice(0, number - 1).filter((each) => each === key).length;
  tell(number);
  const here = () => all("mark", turnOf(key) || document.createElement("div"))[nth];
  if (!here()) {
    const source = $("[data-find]");
    const url = `${source.getAttribute("hx-get")}?${found().dataset.kept}&turn=${key}&nth=${nth}`;
    await htmx.ajax("GET", url, { event, source, target: "#turns", select: "#turns", swap: "outerHTML" }).catch(() => {}); // shell.js says so
  }
  if (step !== steps) return;
  asked = 0;
  const mark = here();
  if (!mark) return tell(reached());
  found().dataset.hit = number;
  const last = $("#hit");
  last?.removeAttribute("aria-current");
  last?.removeAttribute("id");
  mark.id = "hit";
  mark.setAttribute("aria-current", "true");
  const folded = mark.closest("details");
  if (folded) folded.open = true;
  show(mark);
}

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step) return;
  event.preventDefault();
  goTo((asked || reached()) + Number(step.dataset.step), event);
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "find" || event.isComposing) return;
  if (event.key === "Enter" && event.target.value.trim() === found().dataset.q && places().length) {
    event.preventDefault();
    goTo((asked || reached()) + (event.shiftKey ? -1 : 1), event);
  } else if (event.key === "Escape" && event.target.value) {
    event.preventDefault();
    event.target.value = "";
    forget();
  }
});

// Steps on their way lead nowhere.
function leave() {
  steps++;
  asked = 0;
}

// An empty field looks for nothing: the marks go, the place stays.
function forget() {
  leave();
  htmx.trigger("[data-find]", "htmx:abort");
  for (const mark of all("#transcript mark")) mark.replaceWith(...mark.childNodes);
  $(".find__status")?.remove();
  Object.assign(found().dataset, { q: "", hit: "0", places: "" });
}
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.matches("[data-find]") && !$("#find").value.trim()) {
    event.preventDefault();
    forget();
  }
  // Nobody looks: nothing is asked.
  if (elt.matches("[data-live]") && document.hidden) event.preventDefault();
});

// Recordings: their script comes when one is used.
const recordings = () => import("./recordings.js");
document.addEventListener("play", ({ target }) => target.matches?.("audio") && recordings().then(({ played }) => played(target)), true);
document.addEventListener("heard", ({ target }) => show(target, { always: false }));
document.addEventListener("click", (event) => {
  const turn = event.target.closest("[data-seek]")?.closest(".bubble");
  if (turn) recordings().then(({ playFrom }) => playFrom(turn));
});
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || isTaken(event) || !$("audio")) return;
  event.preventDefault();
  recordings().then(({ playOrPause }) => playOrPause());
});

// Turns that come in above what is looked at push it down; most browsers hold it by themselves.
let held;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  held = target.matches?.(".transcript__more--earlier") && !CSS.supports("overflow-anchor", "auto") && box().scrollHeight;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (held) box().scrollTop += box().scrollHeight - held;
  held = 0;
  if (event.detail.requestConfig?.target?.id !== "transcript") return;
  leave();
  show($("#hit"));
});

// Links to turns: those that are on the page are gone to, the others open with their piece.
document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey) return;
  if (event.target.closest("a[data-copy]")) event.preventDefault(); // shell.js copies
  const link = event.target.closest("[data-to-turn]");
  const turn = link && $(`.bubble[data-number="${link.dataset.toTurn}"]`);
  if (!turn) return;
  event.preventDefault();
  $(".bubble[data-target]")?.removeAttribute("data-target");
  turn.dataset.target = "";
  show(turn);
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-copy-from]");
  if (button) import("./whole.js").then(({ copyWhole }) => copyWhole(button), () => (button.textContent = "It could not be copied"));
});

// What was revealed is masked when its time is over, also after the computer slept.
const until = Number($("[data-revealed-until]")?.dataset.revealedUntil || 0);
if (until) {
  const check = () => Date.now() / 1000 >= until && location.reload();
  setInterval(check, 1000);
  document.addEventListener("visibilitychange", check);
  addEventListener("pageshow", check);
}

// Where the page opens: at the place that was found, the turn of the link, or its beginning.
show($("#hit") || (location.hash.startsWith("#t-") && turnOf(location.hash.slice(3))) || $(".bubble[data-target]"));

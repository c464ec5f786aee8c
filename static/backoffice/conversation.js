// The page of a conversation: recordings and the line that is heard, find, copies of the whole, links to turns.

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const box = () => $(".transcript-box");
const turnOf = (key) => document.getElementById(`t-${key}`);

// The box scrolls to a line, and the page no more than it takes to see the box. What was out of sight gets its size only
// when it comes near, which moves the line: it is aimed at for some frames, unless somebody scrolls meanwhile.
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

// Recordings ------------------------------------------------------------------------------------------------------

const STEP = 5;
const players = () => all("audio[data-of-call], audio[data-of-turn]");
let player = null; // the one that was used last
const current = () => (player?.isConnected ? player : $("audio[data-of-call]") || $("audio[data-of-turn]"));
const note = (text) => {
  const place = $("[data-player-note]");
  if (place) place.textContent = text;
};

function seek(audio, seconds) {
  player = audio;
  const go = () => {
    const past = Number.isFinite(audio.duration) && seconds > audio.duration;
    note(past ? `The recording is ${Math.round(audio.duration)} s long; this was said ${Math.round(seconds)} s after the call began.` : "");
    if (past) return;
    audio.currentTime = Math.max(0, seconds);
    audio.play().catch(() => note("The recording could not be played."));
  };
  if (audio.readyState) return go();
  audio.addEventListener("loadedmetadata", go, { once: true });
  audio.addEventListener("error", () => note("The recording could not be loaded."), { once: true });
  audio.preload = "metadata";
  audio.load();
}

// The call in which a moment lies: the last one that had begun by then.
function callAt(moment) {
  const begun = all("audio[data-of-call]").filter((audio) => audio.dataset.began);
  return begun.filter((audio) => Number(audio.dataset.began) <= moment + 1).sort((a, b) => b.dataset.began - a.dataset.began)[0] || begun[0];
}

function hear(turn) {
  for (const line of all(".bubble[aria-current]")) if (line !== turn) line.removeAttribute("aria-current");
  if (!turn || turn.hasAttribute("aria-current")) return;
  turn.setAttribute("aria-current", "true");
  show(turn, { always: false });
}

// The line that is heard: the last one said by then.
function follow(audio) {
  if (audio.matches("[data-of-turn]")) return hear(audio.closest(".bubble"));
  if (!audio.dataset.began) return;
  const now = Number(audio.dataset.began) + audio.currentTime + 0.25;
  let heard = null;
  for (const turn of all(".bubble[data-at]")) if (Number(turn.dataset.at) <= now) heard = turn;
  hear(heard);
}

const speed = () => Number($("[data-speed]")?.value || 1);
document.addEventListener("play", (event) => {
  if (!event.target.matches?.("audio")) return;
  player = event.target;
  player.playbackRate = speed();
  for (const other of players()) if (other !== player) other.pause();
}, true);
for (const name of ["timeupdate", "seeked"])
  document.addEventListener(name, (event) => event.target === player && !player.paused && follow(player), true);
document.addEventListener("ended", (event) => event.target === player && hear(null), true);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-speed]")) for (const audio of players()) audio.playbackRate = speed();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing || event.defaultPrevented) return;
  // What has the focus has the key: fields, buttons, and players, whose own keys do the same.
  if (event.target.closest("input, textarea, select, button, a, summary, audio, dialog[open], [contenteditable], pre")) return;
  const audio = current();
  if (!audio) return;
  if (event.key === " ") {
    event.preventDefault();
    player = audio;
    if (audio.paused) audio.play().catch(() => note("The recording could not be played."));
    else audio.pause();
  } else if (audio === player && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
    event.preventDefault();
    audio.currentTime = Math.max(0, audio.currentTime + (event.key === "ArrowLeft" ? -STEP : STEP));
    follow(audio);
  }
});

// Find ------------------------------------------------------------------------------------------------------------

const found = () => $("#transcript");
const places = () => (found()?.dataset.places || "").split(" ").filter(Boolean);

// The place with this number (from 1): its turn is on the page, or the server sends the turns around it.
let steps = 0;
async function goTo(number) {
  const keys = places();
  if (!keys.length) return;
  const step = ++steps;
  number = ((number - 1 + keys.length) % keys.length) + 1;
  const key = keys[number - 1];
  const nth = keys.slice(0, number - 1).filter((each) => each === key).length;
  found().dataset.hit = number;
  $("[data-hit-number]").textContent = number.toLocaleString("en");
  const here = () => all("mark", turnOf(key) || document.createElement("div"))[nth];
  if (!here()) {
    const url = `${$("[data-find]").getAttribute("hx-get")}?${found().dataset.kept}&turn=${key}&nth=${nth}`;
    await htmx.ajax("GET", url, { target: "#turns", select: "#turns", swap: "outerHTML" });
  }
  const mark = here();
  if (!mark || step !== steps) return; // another step was taken meanwhile
  for (const other of all("mark[aria-current]")) {
    other.removeAttribute("aria-current");
    other.removeAttribute("id");
  }
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
  goTo(Number(found().dataset.hit) + Number(step.dataset.step));
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "find" || event.isComposing) return;
  if (event.key === "Enter" && event.target.value.trim() === found().dataset.q && places().length) {
    event.preventDefault();
    goTo(Number(found().dataset.hit) + (event.shiftKey ? -1 : 1));
  } else if (event.key === "Escape" && event.target.value) {
    event.preventDefault();
    event.target.value = "";
    forget();
  }
});

// An empty field looks for nothing: the marks go, the place stays.
function forget() {
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

// Pieces ----------------------------------------------------------------------------------------------------------

// Turns that come in above what is looked at push it down; most browsers hold it by themselves.
let held = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target } = event.detail;
  held = target.matches?.(".transcript__more--earlier") && !CSS.supports("overflow-anchor", "auto") ? box().scrollHeight : null;
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (held !== null) box().scrollTop += box().scrollHeight - held;
  held = null;
  if (event.detail.requestConfig?.target?.id === "transcript") show($("#hit"));
});

// Links to turns: those that are on the page are gone to, the others open with their piece.
document.addEventListener("click", (event) => {
  const clock = event.target.closest("[data-seek]");
  if (clock) {
    const turn = clock.closest(".bubble");
    const audio = callAt(Number(turn.dataset.at));
    if (audio) seek(audio, Number(turn.dataset.at) - Number(audio.dataset.began));
  }
  if (event.target.closest("a[data-copy]") && !event.ctrlKey && !event.metaKey) event.preventDefault(); // shell.js copies
  const link = event.target.closest("[data-to-turn]");
  const turn = link && $(`.bubble[data-number="${link.dataset.toTurn}"]`);
  if (!turn || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  for (const other of all(".bubble[data-target]")) other.removeAttribute("data-target");
  turn.toggleAttribute("data-target", true);
  show(turn);
});

// The whole conversation on the clipboard, from our address.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-from]");
  if (!button) return;
  button.disabled = true;
  const text = fetch(button.dataset.copyFrom).then((response) => {
    if (!response.ok || response.redirected) throw new Error(response.status);
    return response.text();
  });
  const words = button.textContent;
  try {
    if (window.ClipboardItem && navigator.clipboard?.write)
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": text.then((all) => new Blob([all], { type: "text/plain" })) })]);
    else copyByHand(await text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "It could not be copied";
  }
  setTimeout(() => Object.assign(button, { textContent: words, disabled: false }), 2000);
});
function copyByHand(text) {
  const area = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
  area.select();
  document.execCommand("copy");
  area.remove();
}

// What was revealed is masked again when its time is over, also after the computer slept.
const until = Number($("[data-revealed-until]")?.dataset.revealedUntil || 0);
if (until) {
  const check = () => Date.now() / 1000 >= until && location.reload();
  setInterval(check, 1000);
  document.addEventListener("visibilitychange", check);
  addEventListener("pageshow", check);
}

// Where the page opens: at the place that was found, the turn of the link, or its beginning.
const asked = $("#hit") || (location.hash.startsWith("#t-") && turnOf(location.hash.slice(3))) || $(".bubble[data-target]");
show(asked);

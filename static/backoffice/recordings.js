// The recordings of a conversation and the line that is heard; conversation.js brings this in when one is used.

import { $, all } from "./shell.js";
import { isTaken } from "./keyboard.js";

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
  turn.dispatchEvent(new Event("heard", { bubbles: true })); // conversation.js scrolls to it
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
export function played(audio) {
  player = audio;
  player.playbackRate = speed();
  for (const other of players()) if (other !== player) other.pause();
}
for (const name of ["timeupdate", "seeked"])
  document.addEventListener(name, (event) => event.target === player && !player.paused && follow(player), true);
document.addEventListener("ended", (event) => event.target === player && hear(null), true);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-speed]")) for (const audio of players()) audio.playbackRate = speed();
});

export function playFrom(turn) {
  const audio = callAt(Number(turn.dataset.at));
  if (audio) seek(audio, Number(turn.dataset.at) - Number(audio.dataset.began));
}
export function playOrPause() {
  player = current();
  if (player.paused) player.play().catch(() => note("The recording could not be played."));
  else player.pause();
}

document.addEventListener("keydown", (event) => {
  const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!direction || isTaken(event) || !player || current() !== player) return;
  event.preventDefault();
  player.currentTime = Math.max(0, player.currentTime + direction * STEP);
  follow(player);
});

// All turns of a conversation on the clipboard, of a button that says where they come from.

import { copyByHand } from "./shell.js";

export async function copyWhole(button) {
  button.disabled = true;
  const text = fetch(button.dataset.copyFrom, { redirect: "error" }).then((response) =>
    response.ok ? response.text() : Promise.reject(),
  );
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
}

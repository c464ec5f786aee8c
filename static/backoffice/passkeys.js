// Says in words what went wrong between the browser and a passkey; allauth's script only logs it.

const words = {
  NotAllowedError: 'No passkey was used: it was cancelled, took too long, or there is none for this site on this device.',
  InvalidStateError: 'This passkey is on your account already.',
  SecurityError: 'The browser allows passkeys only on a secure address with a name.',
}

function say (text) {
  const problem = document.querySelector('[data-passkey-problem]')
  problem.firstElementChild.textContent = text
  problem.hidden = false
}

document.addEventListener('allauth.error', (event) => {
  event.preventDefault()
  say(words[event.detail.exception?.name] ?? 'The passkey did not work. Try again, or use another way.')
})

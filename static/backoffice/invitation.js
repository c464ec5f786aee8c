// The code of an invitation stands behind the # of its link, which is sent to no server: into its field, and out of the address.
const code = document.querySelector("[data-from-fragment]");
if (code && location.hash.length > 1) {
  code.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}

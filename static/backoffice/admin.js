// Django admin's lists get the labels that our own tables come with; a narrow screen shows them.

function label(table) {
  const names = [...table.querySelectorAll("thead th")].map((th) => th.innerText.trim());
  for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, at) => (cell.dataset.label = names[at] || ""));
}
document.querySelectorAll("#result_list").forEach(label);

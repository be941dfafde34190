// The filters of the catalogue. What is chosen stands in the address, so that a view can be linked; without this script all skills are shown.
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("#catalogue > li")];
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");
  const words = rows.map((row) => `${row.textContent} ${Object.values(row.dataset).join(" ")}`.toLowerCase());

  const chosen = () => [...new FormData(form)].filter(([, value]) => value.trim());
  const fits = (row, index, choices) =>
    choices.every(([name, value]) =>
      name === "q"
        ? value.toLowerCase().split(/\s+/).every((word) => words[index].includes(word))
        : (row.dataset[name] || "").split(" ").includes(value));

  const show = () => {
    const choices = chosen();
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !fits(row, index, choices);
      shown += !row.hidden;
    });
    count.textContent = `${shown} of ${rows.length}`;
    nothing.hidden = shown > 0;
    const query = new URLSearchParams(choices).toString();
    history.replaceState(null, "", query ? `?${query}` : location.pathname);
  };

  new URLSearchParams(location.search).forEach((value, name) => {
    if (form.elements[name]) form.elements[name].value = value;
  });
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  document.getElementById("clear").addEventListener("click", () => form.reset());
  show();
})();

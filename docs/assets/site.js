// What the theme leaves out, before its own script runs.
(() => {
  // It loads the whole search index with every page; here the index waits until somebody opens the search.
  const held = [];
  let wanted = /[?&]q=/.test(location.search);
  const { open, send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.isIndex = String(url).endsWith("/search_index.json");
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (this.isIndex && !wanted) held.push(this);
    else send.call(this, body);
  };
  const fetchIndex = () => {
    wanted = true;
    held.splice(0).forEach((request) => send.call(request));
  };
  const isSearch = (target) => target.matches?.(".md-search__input, [for=__search], #__search") || target.closest?.("[for=__search]");
  for (const kind of ["focusin", "pointerdown", "change"]) {
    document.addEventListener(kind, (event) => isSearch(event.target) && fetchIndex());
  }
  // Names and focus for what cannot be reached or told apart without a mouse.
  addEventListener("load", () => {
    document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
    for (const box of document.querySelectorAll(".tabbed-labels, .md-typeset__scrollwrap")) {
      if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    }
  });
})();

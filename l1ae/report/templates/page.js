"use strict";
// Sorting and downloads of tables, downloads of figures, and which section is in sight. Without it the page is complete, but still.
(function () {
  const MINUS = /\u2212/g;

  // The number that a cell begins with, or null: "−1,234.5 kHz" is -1234.5, "1 min 2 s" is 62, "(8.1 ± 0.3) %" is 8.1.
  function leading(text) {
    const plain = text.trim().replace(MINUS, "-").replace(/(\d),(?=\d{3})/g, "$1");
    const minutes = /^(\d+) min (\d+) s$/.exec(plain);
    if (minutes) return 60 * Number(minutes[1]) + Number(minutes[2]);
    const found = /^[(≤≥<>~ ]*([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/.exec(plain);
    return found ? Number(found[1]) : null;
  }

  // Numbers by value and before all else, everything else by its letters; what is not there ("–") last, whichever the direction.
  function order(column, numeric, direction) {
    return function (left, right) {
      const [a, b] = [left, right].map((row) => row.cells[column].textContent.trim());
      const [x, y] = numeric ? [leading(a), leading(b)] : [null, null];
      if (x !== null && y !== null) return direction * (x - y);
      if (x !== null || y !== null) return x === null ? 1 : -1;
      const [none, other] = [a, b].map((text) => text === "–" || text === "");
      if (none !== other) return none ? 1 : -1;
      return direction * a.localeCompare(b, "en", { numeric: true });
    };
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const rows = Array.from(body.rows);
    const headers = Array.from(table.tHead.rows[0].cells);
    headers.forEach(function (header, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...header.childNodes);
      if (!button.textContent.trim()) button.setAttribute("aria-label", "Sort by the first column");
      header.append(button);
      const numeric = header.classList.contains("n") || rows.every((row) => leading(row.cells[column].textContent) !== null);
      button.addEventListener("click", function () {
        const now = header.getAttribute("aria-sort");
        const next = now === "ascending" ? "descending" : now === "descending" ? null : "ascending";
        headers.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) header.setAttribute("aria-sort", next);
        const sorted = next ? rows.slice().sort(order(column, numeric, next === "ascending" ? 1 : -1)) : rows;
        body.append(...sorted);
      });
    });
  }

  // A field of RFC 4180; what is nothing but a number loses its separators of thousands and its typographic minus.
  function field(cell) {
    const text = cell.textContent.trim();
    const plain = text.replace(MINUS, "-");
    const value = /^[+-]?\d{1,3}(,\d{3})*(\.\d+)?$/.test(plain) ? plain.replace(/,/g, "") : /^[+-]?[\d.]+(e[+-]?\d+)?$/.test(plain) ? plain : text;
    return /[",\n]/.test(value) ? '"' + value.replace(/"/g, '""') + '"' : value;
  }

  function csv(table) {
    return Array.from(table.rows, (row) => Array.from(row.cells, field).join(",") + "\r\n").join("");
  }

  function fileName(text, ending) {
    return text.toLowerCase().replace(/[^a-z0-9.]+/g, "_").slice(0, 60).replace(/^[_.]+|[_.]+$/g, "") + ending;
  }

  function savable(tabular) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "save";
    button.textContent = "CSV";
    button.title = "Save this table, in this order, as CSV";
    button.addEventListener("click", function () {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([csv(tabular.querySelector("table"))], { type: "text/csv;charset=utf-8" }));
      link.download = fileName(tabular.dataset.name, ".csv");
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    tabular.querySelector(".title").append(button);
  }

  function drawn(figure) {
    const link = document.createElement("a");
    const name = figure.dataset.name;
    link.className = "save";
    link.textContent = "SVG";
    link.title = "Save this figure";
    link.href = figure.querySelector("img").src;
    link.download = fileName(name, ".svg");
    figure.querySelector("figcaption").append(link);
  }

  // Whether a box has more to its right than it shows.
  function edged(tabular) {
    const box = tabular.querySelector(".scroll");
    const look = () => tabular.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
    box.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(box);
  }

  function contents() {
    const links = new Map(Array.from(document.querySelectorAll("nav a"), (link) => [link.hash.slice(1), link]));
    const sections = Array.from(links.keys(), (name) => document.getElementById(name));
    let current = null;
    const line = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) + 40;
    function look() {
        const end = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 2;
      const above = sections.filter((section) => section.getBoundingClientRect().top <= line);
      const found = end && window.scrollY > 0 ? sections.at(-1) : above.at(-1) || sections[0];
      if (found === current) return;
      current = found;
      links.forEach((link) => link.removeAttribute("aria-current"));
      const link = links.get(found.id);
      link.setAttribute("aria-current", "true");
      const list = link.closest("ol");
      list.scrollLeft = link.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
    }
    document.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    look();
  }

  document.querySelectorAll("table").forEach(sortable);
  document.querySelectorAll(".tabular").forEach((tabular) => { savable(tabular); edged(tabular); });
  document.querySelectorAll("figure").forEach(drawn);
  contents();
  // what is folded on screen is printed
  const opened = [];
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach((details) => { details.open = true; opened.push(details); });
  });
  window.addEventListener("afterprint", function () {
    opened.splice(0).forEach((details) => { details.open = false; });
  });
})();

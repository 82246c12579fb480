"use strict";
// The explorer: every row that has a verdict, searched and filtered in the reader's browser. Whatever comes from a
// template is set as text, never as markup; the page's policy lets no other script run.
(() => {
  const PAGE = 100;
  const data = JSON.parse(document.getElementById("data").textContent);
  const [RULE, PLACE, VERDICT, MESSAGE, DECISION, LINE] = [0, 1, 2, 3, 4, 5];
  const form = document.getElementById("filters");
  const body = document.querySelector("#rows tbody");
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const names = ["q", "verdict", "configuration", "region", "stack", "framework", "control", "pack", "type", "decision"];
  const field = (name) => form.elements.namedItem(name);

  const lower = (...texts) => texts.join("\n").toLowerCase();
  const searchable = {
    rules: data.rules.map((rule) => lower(rule.id, rule.title, rule.why, ...rule.controls)),
    places: data.places.map((place) => lower(place.path, place.logical_id, place.type, place.region, place.source)),
    messages: data.messages.map((message) => lower(message)),
    decisions: data.decisions.map((decision) => lower(decision.id, decision.title, decision.owner, decision.approver, decision.ticket)),
  };
  const frameworkOf = (control) => control.slice(0, Math.max(control.indexOf(":"), 0));

  let found = [];
  let shown = 0;

  function matches() {
    const chosen = Object.fromEntries(names.map((name) => [name, field(name).value]));
    const words = chosen.q.toLowerCase().split(/\s+/).filter(Boolean);
    const rules = data.rules.map((rule) =>
      (!chosen.pack || rule.pack === chosen.pack) &&
      (!chosen.control || rule.controls.includes(chosen.control)) &&
      (!chosen.framework || rule.controls.some((control) => frameworkOf(control) === chosen.framework)));
    const places = data.places.map((place) => ["configuration", "region", "stack", "type"]
      .every((name) => !chosen[name] || place[name] === chosen[name]));
    const hits = words.map((word) => ({
      rules: searchable.rules.map((text) => text.includes(word)),
      places: searchable.places.map((text) => text.includes(word)),
      messages: searchable.messages.map((text) => text.includes(word)),
      decisions: searchable.decisions.map((text) => text.includes(word)),
    }));
    return data.rows.filter((row) =>
      rules[row[RULE]] && places[row[PLACE]] &&
      (!chosen.verdict || data.verdicts[row[VERDICT]] === chosen.verdict) &&
      (!chosen.decision || (row[DECISION] >= 0 && data.decisions[row[DECISION]].id === chosen.decision)) &&
      hits.every((hit) => hit.rules[row[RULE]] || hit.places[row[PLACE]] || hit.messages[row[MESSAGE]] ||
        hit.decisions[row[DECISION]]));
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function cell(content, className) {
    const made = element("td", undefined, className);
    made.append(content);
    return made;
  }

  function detail(row) {
    const rule = data.rules[row[RULE]];
    const place = data.places[row[PLACE]];
    const decision = data.decisions[row[DECISION]];
    const list = element("dl", undefined, "detail");
    const line = row[LINE] ? `, line ${row[LINE]} of the template` : "";
    const facts = [
      [data.verdicts[row[VERDICT]] === "PASS" ? "What was observed" : "What was found", data.messages[row[MESSAGE]]],
      ["Rule", `${rule.title}.`],
      ["Why", rule.why],
      ["Fix", data.verdicts[row[VERDICT]] === "PASS" ? "" : rule.fix],
      ["Accepted because", decision ? decision.reason : ""],
      ["Accepted by", decision ? `${decision.approver} on ${decision.decided}, until ${decision.expires} (${decision.id})` : ""],
      ["Owner", decision ? `${decision.owner} (${decision.ticket})` : ""],
      ["Controls", rule.controls.join(", ")],
      ["Resource", `${place.type} ${place.logical_id}${line}`],
      ["Stack", [place.stack, place.region, place.configuration].filter(Boolean).join(", ")],
      ["Made by", place.source],
    ];
    for (const [term, text] of facts) if (text) list.append(element("dt", term), element("dd", text));
    const below = element("tr");
    const all = cell(list);
    all.colSpan = 5;
    below.append(all);
    return below;
  }

  function toggle(button, line, row) {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) line.nextElementSibling.remove();
    else line.after(detail(row));
  }

  function rowElement(row) {
    const rule = data.rules[row[RULE]];
    const place = data.places[row[PLACE]];
    const verdict = data.verdicts[row[VERDICT]];
    const line = element("tr");
    const button = element("button", rule.id);
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => toggle(button, line, row));
    line.append(
      cell(element("span", data.words[verdict], `tag ${verdict}`)),
      cell(button),
      cell(element("span", place.path, "path")),
      cell(place.type),
      cell([place.configuration, place.region].filter(Boolean).join(" ")),
    );
    return line;
  }

  function showMore() {
    const next = found.slice(shown, shown + PAGE);
    body.append(...next.map(rowElement));
    shown += next.length;
    more.hidden = shown >= found.length;
    more.textContent = `Show ${Math.min(PAGE, found.length - shown)} more`;
    const total = data.rows.length.toLocaleString("en");
    count.textContent = found.length
      ? `${found.length.toLocaleString("en")} of ${total} rows match; the first ${shown.toLocaleString("en")} are shown.`
      : `No row of ${total} matches.`;
  }

  function search() {
    found = matches();
    shown = 0;
    body.replaceChildren();
    showMore();
  }

  function readAddress() {
    const wanted = new URLSearchParams(location.hash.replace(/^#\?/, ""));
    if (!location.hash.startsWith("#?")) return;
    for (const name of names) field(name).value = wanted.get(name) || "";
    search();
    document.getElementById("explorer").scrollIntoView();
  }

  function writeAddress() {
    const chosen = names.filter((name) => field(name).value).map((name) => [name, field(name).value]);
    history.replaceState(null, "", `#?${new URLSearchParams(chosen)}`);
  }

  function choose(filters) {
    location.hash = `#?${new URLSearchParams(filters)}`;
  }

  let waiting;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { search(); writeAddress(); }, 120);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { search(); writeAddress(); }));
  more.addEventListener("click", showMore);
  for (const map of document.querySelectorAll(".map")) {
    map.addEventListener("click", (event) => {
      const tile = event.target.closest("[data-path]");
      if (tile) choose({ q: tile.dataset.path, configuration: map.dataset.configuration });
    });
  }
  window.addEventListener("hashchange", readAddress);
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });
  form.hidden = false;
  search();
  readAddress();
})();

"use strict";
// Everything that is read is set as text, never as markup; the page's policy allows no other script.
(() => {
  const POLL = 2000, PATIENCE = 8000;
  const RESTART = "Type lockstep local --deploy, and open the address that it prints.";
  const at = (id) => document.getElementById(id);
  const elements = (selector) => [...document.querySelectorAll(selector)];
  const output = document.querySelector("#outcome pre");
  let lostAt = "", seen = "", timer = 0;

  // The secret leaves the address bar and the history, and survives a reload of this tab.
  if (location.hash.length > 1) sessionStorage.setItem("secret", location.hash.slice(1));
  history.replaceState(null, "", location.pathname);

  const ask = (path, options = {}) => fetch(path, {
    ...options, headers: { [document.body.dataset.header]: sessionStorage.getItem("secret") ?? "" },
  });

  // A change of what is there already would move a reader's place, and an announced text would be announced again.
  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function fill(list, texts, make) {
    const key = JSON.stringify(texts);
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(...texts.map(make));
  }

  function item(text) {
    const line = document.createElement("li");
    line.textContent = text;
    return line;
  }

  function link({ name, path }) {
    const line = document.createElement("li"), anchor = document.createElement("a");
    anchor.textContent = name;
    anchor.href = path;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
    line.append(anchor);
    return line;
  }

  function facts(list, pairs) {
    const text = (value, unit = "") => value === null ? "unknown" : `${value}${unit}`;
    fill(list, pairs, ([name]) => {
      const pair = document.createDocumentFragment();
      pair.append(document.createElement("dt"), document.createElement("dd"));
      pair.firstChild.textContent = name;
      return pair;
    });
    list.querySelectorAll("dd").forEach((element, index) => put(element, text(...pairs[index].slice(1))));
  }

  function showRegion(region, state) {
    const section = document.querySelector(`section[data-region="${region.region}"]`);
    const part = (name) => section.querySelector(`[data-part="${name}"]`);
    const active = Object.entries(state.faults).filter(([, where]) => where.includes(region.region)).map(([name]) => name);
    const silence = region.answers ? [] : [`no answer for ${region.silent_seconds} s`];
    put(part("role"), region.region === state.active ? "active" : state.active === null ? "unknown" : "passive");
    put(part("marks"), [...active, ...silence].join(", "));
    section.classList.toggle("active", region.region === state.active);
    section.classList.toggle("failing", !region.answers || region.ready === false);
    const claims = region.claims && Object.entries(region.claims).map(([of, epoch]) => `${of} ${epoch}`).join(", ");
    facts(part("facts"), [
      ["epoch", region.claims === null ? null : region.claims[region.region] ?? 0],
      ["claims in its replica", claims === "" ? "none" : claims],
      ["GET /ready", region.ready === null ? null : region.ready ? "200" : "not ready"],
      ["heartbeat", region.heartbeat_age_seconds === null ? null : Math.round(region.heartbeat_age_seconds), " s ago"],
      ["ingest queue", region.queue_depth, " messages"],
      ["dead-letter queue", region.dead_letters, " messages"],
      ["unreconciled", region.unreconciled],
    ]);
    fill(part("alarms"), region.alarms === null ? ["unknown"] : region.alarms.length ? region.alarms : ["none"], item);
  }

  function show(state) {
    const verdict = at("verdict");
    const fails = state.regions.some((region) => !region.answers || region.ready === false);
    put(verdict.querySelector("strong"), state.verdict);
    put(verdict.querySelector("p"), `Next: ${state.next}`);
    verdict.className = `verdict ${fails ? "failed" : state.next === "nothing." ? "passed" : "warned"}`;
    for (const region of state.regions) showRegion(region, state);
    for (const button of elements("button[data-fault]")) {
      const { fault, region } = button.dataset;
      button.setAttribute("aria-pressed", String((state.faults[fault] ?? []).includes(region)));
    }
    const problems = state.regions.flatMap((region) => region.problems.map((problem) => `${region.region}: ${problem}`));
    fill(at("conclusions"), [...state.conclusions, ...problems], item);
    fill(document.querySelector("tbody"), state.files, (file) => {
      const row = document.createElement("tr"), name = document.createElement("th");
      name.scope = "row";
      name.textContent = file.key;
      row.append(name);
      for (const [column, text] of [["stored (UTC)", file.stored_at], ...Object.entries(file.states)]) {
        const cell = row.insertCell();
        cell.dataset.column = column;
        cell.textContent = text;
      }
      return row;
    });
    fill(at("links"), state.reports, link);
    if (state.command !== seen) {
      seen = state.command;
      at("outcome").hidden = false;
      put(output, seen);
    }
  }

  function lose(reason) {
    lostAt ||= new Date().toLocaleTimeString("en-GB");
    put(at("lost"), reason(lostAt));
    at("lost").hidden = false;
    at("verdict").hidden = true;
    for (const button of elements("button")) button.disabled = true;
  }

  function find() {
    if (!lostAt) return;
    lostAt = "";
    at("lost").hidden = true;
    at("verdict").hidden = false;
    for (const button of elements("button")) button.disabled = false;
  }

  async function poll() {
    clearTimeout(timer);
    try {
      const answer = await ask("state", { signal: AbortSignal.timeout(PATIENCE) });
      if (answer.status === 403) {
        lose(() => "This page has no secret. Open the whole address that `lockstep local --deploy` printed.");
        return;
      }
      const state = await answer.json();
      if (state.cloud_silent_seconds) {
        lose((since) => `The local cloud gives no answer since ${since}. If that stays, end it by Ctrl-C. ${RESTART}`);
      } else {
        find();
        show(state);
      }
    } catch {
      lose((since) => `The local cloud has ended: no answer since ${since}. ${RESTART}`);
    }
    timer = setTimeout(poll, POLL);
  }

  async function command(path, name) {
    at("outcome").hidden = false;
    put(output, `${name} ...`);
    try {
      const answer = await (await ask(path, { method: "POST" })).json();
      if (!answer.is_done || path.startsWith("fault/")) put(output, `${name}: ${answer.is_done ? "done" : "refused"}. ${answer.message}`);
    } catch {
      put(output, `${name}: no answer.`);
    }
    poll();
  }

  document.addEventListener("click", ({ target: button }) => {
    const { fault, region, action, confirm: question } = button.dataset;
    const isSet = button.getAttribute("aria-pressed") === "true";
    if (!(fault || action) || (question && !isSet && !confirm(question))) return;
    if (action) command(action, button.textContent);
    else command(`fault/${fault}/${region}/${isSet ? "off" : "on"}`, `${isSet ? "clear" : "set"} ${fault} ${region}`);
  });
  document.addEventListener("visibilitychange", () => document.hidden || poll());
  poll();
})();

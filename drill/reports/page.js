"use strict";
// The cursor: a time of the drill, chosen with the slider or the pointer, and the state of each region at that time.
// Values of the report are set as text, never as markup; the page's policy allows no other script.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const slider = document.getElementById("moment");
  if (!slider) return; // no region was sampled
  const now = document.getElementById("now");
  const states = document.querySelector("#states tbody");
  const pictures = [...document.querySelectorAll("svg[data-end]")];
  const STALE = 15;

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const during = (spans, moment) => spans
    .filter(([start, end]) => start <= moment && (end === null || moment < end))
    .map(([, , name]) => name);
  const number = (value, unit) => value === null ? "–"
    : `${value.toLocaleString("en", { maximumFractionDigits: 1 })}${unit}`;

  function latest(region, moment) {
    let found = null;
    for (const sample of data.samples) {
      if (sample[0] > moment) break;
      if (sample[1] === region) found = sample;
    }
    return found && moment - found[0] <= STALE ? found : null;
  }

  function row(region, moment) {
    const sample = latest(region, moment);
    const line = document.createElement("tr");
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = region;
    line.append(name);
    data.units.forEach((unit, index) => {
      const cell = line.insertCell();
      cell.className = "number";
      cell.textContent = sample ? number(sample[index + 2], unit) : "–";
    });
    const healthy = sample ? sample[sample.length - 1] : null;
    line.insertCell().textContent = healthy === null ? "–" : healthy ? "healthy" : "unhealthy";
    return line;
  }

  function show() {
    const moment = Number(slider.value);
    const phases = during(data.phases, moment);
    const faults = during(data.faults, moment);
    now.textContent = [clock(moment), phases.join(", "), ...faults].filter(Boolean).join(" · ");
    slider.setAttribute("aria-valuetext", now.textContent);
    states.replaceChildren(...data.regions.map((region) => row(region, moment)));
    for (const picture of pictures) {
      const { left, right, end } = picture.dataset;
      const x = Number(left) + (right - left) * Math.min(moment / end, 1);
      const line = picture.querySelector(".cursor");
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    }
  }

  for (const picture of pictures) {
    picture.addEventListener("pointermove", (event) => {
      const { left, right, end } = picture.dataset;
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) * picture.viewBox.baseVal.width / box.width;
      slider.value = Math.round((x - left) / (right - left) * end);
      show();
    });
  }
  slider.addEventListener("input", show);
  slider.value = data.faults.length ? data.faults[0][0] : data.samples[0][0];
  document.getElementById("cursor").hidden = false;
  document.documentElement.classList.add("scripted");
  show();
})();

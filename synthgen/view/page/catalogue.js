"use strict";
const $ = (id) => document.getElementById(id);
const COLOURS = { car: "#409cff", van: "#5e6aff", truck: "#a06eff", bus: "#d66ef0", motorcycle: "#ff963c",
                  bicycle: "#ffc83c", pedestrian: "#ff465a" };
const colour = (category) => COLOURS[category] || "#96a0aa";
const FACETS = [
  ["Scenario", (c) => [c.scenario]], ["Weather", (c) => c.weather], ["Class", (c) => Object.keys(c.classes)],
  ["Least time to collision", (c) => [c.criticality]], ["Audit", (c) => [c.audit]], ["Map", (c) => [c.map]],
];
const catalogue = window.CATALOGUE || { name: "no cards.js beside this page", cards: [], rerun: "" };
const cards = catalogue.cards;
const chosen = FACETS.map(() => new Set());
let open = null, frame = 0, timer = null;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function matches(card, without = -1) {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  if (card.fault) return words.every((w) => card.id.includes(w)) && chosen.every((s) => s.size === 0);
  const text = [card.id, card.scenario, card.description, card.map, card.audit, ...card.tags, ...card.weather,
                ...card.flags, ...Object.keys(card.classes)].join(" ").toLowerCase();
  return words.every((w) => text.includes(w)) && FACETS.every(([, values], i) =>
    i === without || chosen[i].size === 0 || values(card).some((v) => chosen[i].has(v)));
}

function showFacets() {
  const held = $("facets").contains(document.activeElement) ? document.activeElement.id : "";
  $("facets").replaceChildren(...FACETS.map(([name, values], i) => {
    const counts = new Map();
    for (const card of cards) if (!card.fault) for (const v of values(card)) {
      counts.set(v, (counts.get(v) || 0) + (matches(card, i) ? 1 : 0));
    }
    const field = element("fieldset");
    field.append(element("legend", name));
    for (const value of [...counts.keys()].sort()) {
      const label = element("label"), box = element("input");
      box.id = `${name}: ${value}`;
      box.type = "checkbox"; box.checked = chosen[i].has(value);
      box.onchange = () => { chosen[i][box.checked ? "add" : "delete"](value); showList(); };
      label.append(box, value, element("span", counts.get(value)));
      field.append(label);
    }
    return field;
  }));
  if (held) $(held)?.focus();  // a filter that was just chosen keeps the keyboard
}

function showList() {
  const found = cards.filter((card) => matches(card));
  $("count").textContent = `${found.length} of ${cards.length} clips`;
  showFacets();
  $("cards").replaceChildren(...found.map((card) => {
    const made = element("button", undefined, "card"), text = element("div");
    if (card.fault) {
      text.append(element("b", card.id), element("small", card.fault, "fault"));
      made.disabled = true;
    } else {
      if (card.thumb) {
        const image = element("img");
        image.src = card.thumb; image.loading = "lazy"; image.alt = "";
        made.append(image);
      }
      const ttc = card.ttc_s === null ? "" : ` · ${card.ttc_s} s to collision`;
      text.append(element("b", card.scenario), element("small", `${card.map} · ${card.weather.join(", ")}`),
                  element("small", `${card.frames} frames · ${card.seconds} s${ttc}`),
                  element("small", `audit: ${card.audit}`, card.audit));
      made.id = card.id;
      made.onclick = () => { location.hash = card.id; };
    }
    made.append(text);
    return made;
  }));
}

function withScene(id, then) {
  if (window.SCENES[id]) { then(); return; }
  const script = element("script");
  script.src = `clips/${id}/scene.js`;
  script.onload = then;
  script.onerror = () => { $("suspects").textContent = `${script.src} cannot be read; run synthgen view again.`; };
  document.body.append(script);
}

function route() {
  const [id, at] = location.hash.slice(1).split("/");
  const card = cards.find((c) => c.id === id && !c.fault);
  const before = open;
  stop();
  open = card || null;
  $("viewer").hidden = !card; $("layout").hidden = Boolean(card);
  if (!card) { showList(); if (before) $(before.id)?.focus(); return; }
  if (before !== card) $("close").focus();
  $("title").textContent = `${card.scenario} · ${card.id}`;
  $("rerun").textContent = `${catalogue.rerun} --where "clip_id = '${card.id}'" --out ${card.id}-rerun && rerun ${card.id}-rerun/*.rrd`;
  const classes = Object.entries(card.classes).map(([name, n]) => `${name} ${n}`).join(", ");
  const rows = [["What", card.description], ["Map", card.map], ["Weather", card.weather.join(", ")],
    ["Boxes", classes], ["Least time to collision", card.ttc_s === null ? "none" : `${card.ttc_s} s`],
    ["Audit", card.audit], ["Flags", card.flags.join(", ") || "none"], ["Simulator", card.simulator]];
  $("details").replaceChildren(...rows.flatMap(([k, v]) => [element("dt", k), element("dd", v)]));
  withScene(card.id, () => {
    const scene = window.SCENES[card.id];
    $("camera").replaceChildren(...scene.cameras.map((c) => element("option", c.name)));
    $("image").hidden = $("camera").hidden = !scene.cameras.length;  // a rig of label channels only
    $("slider").max = scene.frames.length - 1;
    go(Math.min(Math.trunc(Number(at)) || 0, scene.frames.length - 1));
  });
}

function go(number) {
  if (!open || !window.SCENES[open.id]) return;
  const frames = window.SCENES[open.id].frames;
  frame = (number + frames.length) % frames.length;
  $("slider").value = frame;
  if (!timer) history.replaceState(null, "", `#${open.id}/${frame}`);  // the address leads here again
  const now = frames[frame];
  $("time").textContent = `frame ${now.frame} of ${frames.length} · ${now.speed} m/s`;
  const doubts = (now.suspects || []).map(([track, p, reason]) =>
    `${track === null ? "object without a label" : `object ${track}`}: ${reason} (${Math.round(100 * p)} %)`);
  $("suspects").textContent = doubts.length ? `Audit doubts ${doubts.join("; ")}` : "";
  $("suspects").className = doubts.length ? "faulty" : "";
  drawImage(now);
  drawAbove(now);
}

function drawImage(now) {
  const scene = window.SCENES[open.id], camera = scene.cameras[$("camera").selectedIndex];
  const canvas = $("image"), context = canvas.getContext("2d");
  if (!camera) return;
  const image = new Image(), wanted = frame;
  image.onload = () => {
    if (wanted !== frame) return;
    const doubted = new Set((now.suspects || []).map((s) => s[0]));
    canvas.width = camera.width; canvas.height = camera.height;
    context.drawImage(image, 0, 0, camera.width, camera.height);
    if (!$("boxes").checked) return;
    context.font = `${Math.max(10, camera.width / 64)}px system-ui, sans-serif`;
    for (const [track, category, x0, y0, x1, y1, hidden, distance] of now.boxes[camera.name] || []) {
      context.strokeStyle = doubted.has(track) ? "#ff2020" : colour(category);
      context.lineWidth = doubted.has(track) ? 3 : 1.5;
      context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      if (x1 - x0 < camera.width / 24) continue;
      const text = `${category} ${track} · ${Math.round(distance)} m${hidden > 0.05 ? ` · ${Math.round(100 * hidden)}% hidden` : ""}`;
      const width = context.measureText(text).width, top = Math.max(camera.width / 50, y0 - 3);
      const left = Math.min(x0, camera.width - width - 4);
      context.fillStyle = "rgba(0,0,0,.65)";
      context.fillRect(left, top - camera.width / 56, width + 4, camera.width / 50);
      context.fillStyle = context.strokeStyle;
      context.fillText(text, left + 2, top - 1);
    }
  };
  image.src = `clips/${open.id}/${camera.name}-${String(now.frame).padStart(5, "0")}.jpg`;
}

const ROADS = { driving: "#3a3e46", parking: "#423e4e", shoulder: "#32353a", biking: "#384a42", sidewalk: "#545454" };

function drawAbove(now) {
  const canvas = $("above"), width = 520, height = 600, scale = height / 62, row = height * 0.7;
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d"), [ex, ey, yaw] = now.ego;
  const cos = Math.cos(yaw), sin = Math.sin(yaw);
  const place = (x, y) => [width / 2 - scale * y, row - scale * x];
  const ofWorld = ([x, y]) => place(cos * (x - ex) + sin * (y - ey), -sin * (x - ex) + cos * (y - ey));
  const trace = (points) => { context.beginPath(); points.forEach((p, i) => context[i ? "lineTo" : "moveTo"](...p)); };
  for (const lane of window.SCENES[open.id].lanes) {
    trace([...lane.left.map(ofWorld), ...lane.right.map(ofWorld).reverse()]);
    context.fillStyle = ROADS[lane.kind]; context.fill();
    if (lane.kind !== "driving") continue;
    context.strokeStyle = "#6e747c"; context.lineWidth = 0.7;
    trace(lane.left.map(ofWorld)); context.stroke();
    trace(lane.right.map(ofWorld)); context.stroke();
  }
  const body = (x, y, turn, length, wide, tint, filled, strong) => {
    const c = Math.cos(turn), s = Math.sin(turn);
    const at = (a, b) => place(x + c * a - s * b, y + s * a + c * b);
    trace([at(length / 2, wide / 2), at(length / 2, -wide / 2), at(-length / 2, -wide / 2), at(-length / 2, wide / 2)]);
    context.closePath();
    context.fillStyle = tint + "88"; if (filled) context.fill();
    context.strokeStyle = strong ? "#ff2020" : tint; context.lineWidth = strong ? 3 : 1.4; context.stroke();
    trace([at(0, 0), at(length / 2, 0)]); context.stroke();
  };
  const doubted = new Set((now.suspects || []).map((s) => s[0]));
  for (const [track, category, x, y, turn, length, wide, seen] of now.tracks) {
    body(x, y, turn, length, wide, colour(category), seen, doubted.has(track));
  }
  for (const [track, , , at] of now.suspects || []) if (track === null && at) {
    context.strokeStyle = "#ff2020"; context.lineWidth = 3;
    context.beginPath(); context.arc(...place(at[0], at[1]), 14, 0, 7); context.stroke();
  }
  body(0, 0, 0, 4.9, 2, "#3cdc82", true, false);
}

function stop() {
  if (timer && open) history.replaceState(null, "", `#${open.id}/${frame}`);
  clearInterval(timer); timer = null; $("play").textContent = "▶";
}
function play() {
  if (timer) { stop(); return; }
  $("play").textContent = "❚❚";
  timer = setInterval(() => go(frame + 1), 1000 * open.seconds / open.frames);
}

$("name").textContent = catalogue.name;
document.title = `${catalogue.name} · synthgen`;
$("search").oninput = showList;
$("close").onclick = () => { location.hash = ""; };
$("slider").oninput = () => { stop(); go(Number($("slider").value)); };
$("camera").onchange = $("boxes").onchange = () => go(frame);
$("play").onclick = play;
$("copy").onclick = () => navigator.clipboard?.writeText($("rerun").textContent);
$("filters").open = !matchMedia("(max-width: 760px)").matches;
window.onhashchange = route;
window.onkeydown = (event) => {
  if (!open || event.target.tagName === "INPUT" || event.target.tagName === "SELECT") return;
  if (event.key === "ArrowRight") { stop(); go(frame + 1); }
  if (event.key === "ArrowLeft") { stop(); go(frame - 1); }
  if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); play(); }
  if (event.key === "Escape") location.hash = "";
};
route();

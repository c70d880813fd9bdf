// Stepping: buttons, keys, slider, play, clicks; and the source beside the graph.

const control = id => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
let now = 0, timer = null;

function go(to) {
  now = Math.max(0, Math.min(step.events.length - 1, to));
  const event = step.events[now];
  document.body.className = event.pass;
  mark(now);
  showDetail(event);
  showLine(event.place);
  reveal(visibleElement(event.node), control("canvas"));
  control("slider").value = now;
  control("slider").setAttribute("aria-valuetext", `${now + 1} of ${step.events.length}, ${event.pass}: ${event.text}`);
  control("count").textContent = `${now + 1} / ${step.events.length}`;
  for (const button of document.querySelectorAll("[data-pass]")) {
    if (button.dataset.pass === event.pass) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  if (now === step.events.length - 1) stop();
}

function play() {
  if (timer) return stop();
  if (now === step.events.length - 1) go(0);
  timer = setInterval(() => go(now + 1), 1500);
  control("play").textContent = "❚❚ pause";
  control("play").setAttribute("aria-label", "Pause");
}

function stop() {
  clearInterval(timer);
  timer = null;
  control("play").textContent = "▶ play";
  control("play").setAttribute("aria-label", "Play");
}

// Scroll a pane, and nothing around it, so that what is current stands in the middle of it.
function reveal(element, pane) {
  const [inner, outer] = [element.getBoundingClientRect(), pane.getBoundingClientRect()];
  pane.scrollBy({
    top: inner.top + inner.height / 2 - outer.top - outer.height / 2,
    left: inner.left + inner.width / 2 - outer.left - outer.width / 2, behavior: calm ? "instant" : "smooth" });
}

// ---- the source ----

const lineElements = new Map();
const TOKENS = /(#.*$)|("""(?:.*?"""|.*$)|'''|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b(def|class|return|for|in|if|else|elif|import|from|as|with|not|and|or|while|lambda|None|True|False)\b/g;

let inText = false;  // of a docstring

function coloured(line) {
  const parts = [];
  let end = 0;
  const before = inText;
  if (line.split('"""').length % 2 === 0) inText = !inText;
  if (before) return [make("span", { class: "string" }, line || "\u200b")];
  for (const found of line.matchAll(TOKENS)) {
    parts.push(line.slice(end, found.index));
    parts.push(make("span", { class: found[1] ? "comment" : found[2] ? "string" : "keyword" }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, line.slice(end) || "\u200b"];
}

function writeSource() {
  step.files.forEach((file, number) => {
    if (step.files.length > 1) control("lines").append(make("li", { class: "file" }, file.name));
    file.lines.forEach((line, i) => {
      const element = make("li", { "data-line": file.first + i }, ...coloured(line));
      lineElements.set(`${number}:${file.first + i}`, element);
      control("lines").append(element);
    });
  });
  step.events.forEach((event, i) => {
    const element = event.place && lineElements.get(event.place.join(":"));
    if (!element || element.classList.contains("made")) return;
    element.classList.add("made");
    element.addEventListener("click", () => go(i));
  });
  if (!step.files.length) control("lines").append(make("li", {}, "The lines were not noted: see explain.record."));
}

function showLine(at) {
  for (const element of lineElements.values()) element.classList.remove("now");
  const element = at && lineElements.get(at.join(":"));
  if (!element) return;
  element.classList.add("now");
  const pane = element.closest(".scroll");
  pane.scrollTo({ top: element.offsetTop + (element.offsetHeight - pane.clientHeight) / 2, behavior: calm ? "instant" : "smooth" });
}

// ---- what the reader does ----

function goToNode(node) {
  const { pass } = step.events[now];
  const inPass = events[node][pass][0] ?? [...events[node].forward, ...events[node].backward, ...events[node].update][0];
  if (inPass !== undefined) go(inPass);
}

function onEnter(element, act) {
  element.setAttribute("role", "button");
  element.addEventListener("click", act);
  element.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

nodeElements.forEach((element, i) => onEnter(element, () => goToNode(i)));
groupElements.forEach((element, i) => {
  element.setAttribute("tabindex", 0);
  onEnter(element, () => {
    toggle(i);
    mark(now);
  });
});
control("first").addEventListener("click", () => go(0));
control("back").addEventListener("click", () => go(now - 1));
control("play").addEventListener("click", play);
control("next").addEventListener("click", () => go(now + 1));
control("last").addEventListener("click", () => go(step.events.length - 1));
control("slider").max = step.events.length - 1;
control("slider").addEventListener("input", event => go(Number(event.target.value)));
for (const button of document.querySelectorAll("[data-pass]")) {
  const first = step.events.findIndex(event => event.pass === button.dataset.pass);
  button.disabled = first < 0;
  button.addEventListener("click", () => go(first));
}
control("close").addEventListener("click", () => {
  const pressed = control("close").getAttribute("aria-pressed") !== "true";
  closed.clear();
  if (pressed) step.groups.forEach((_, i) => closed.add(`g${i}`));
  control("close").setAttribute("aria-pressed", pressed);
  control("close").textContent = pressed ? "Open modules" : "Close modules";
  arrange();
  mark(now);
});
for (const [id, factor] of [["smaller", 1 / 1.25], ["larger", 1.25]]) {
  control(id).addEventListener("click", () => { scale *= factor; arrange(); });
}

const KEYS = { ArrowRight: () => go(now + 1), ArrowLeft: () => go(now - 1), Home: () => go(0), End: () => go(step.events.length - 1), " ": play };
document.addEventListener("keydown", event => {
  const inControl = event.target.closest("input, button, [role=button]");
  if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in KEYS)) return;
  if (event.target.closest("input") || (event.key === " " && inControl)) return;  // they have keys of their own
  event.preventDefault();
  KEYS[event.key]();
  if (event.target.closest(".node")) nodeElements[step.events[now].node].focus({ preventScroll: true });
});

control("loss").textContent = inShort(step.loss, false);
scale = Math.max(0.62, Math.min(1, (control("canvas").clientWidth - 30) / layout.box.width));
writeSource();
arrange();
go(Number(location.hash.slice(1)) || 0);

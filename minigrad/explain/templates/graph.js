// The graph: Python has drawn it with all modules open. Here modules close, and nodes show how far the step has come.

const data = JSON.parse(document.getElementById("data").textContent);
const { step, layout } = data;
const sizes = layout.sizes;
const closed = new Set();
const CLOSED_HEIGHT = 34;

// As layout.py's `place`; a closed module is a small item, and what is in it stands where it stands.
function place(box, x, y, found) {
  y += sizes.padding;
  for (const row of box.rows) {
    let lowest = y;
    for (const item of row) {
      const middle = x + item.x;
      let at = [middle - sizes.width / 2, y, sizes.width, 0];
      if (closed.has(item.key)) {
        at[3] = CLOSED_HEIGHT;
        stack(item.box, at, found);
      } else if (item.box) {
        const left = middle - item.box.width / 2;
        at = [left, y, item.box.width, place(item.box, left, y + sizes.title, found) - y];
      } else if (item.key.includes("@")) {
        at = [middle, y, 0, 0];
      } else {
        at[3] = isLeaf(item.key) ? sizes.leaf : sizes.height;
      }
      found[item.key] = at;
      lowest = Math.max(lowest, y + at[3]);
    }
    for (const { key } of row) {
      if (isLeaf(key)) found[key][1] = lowest - found[key][3];  // at the bottom of its row, near its user
    }
    y = lowest + sizes.down;
  }
  return y - sizes.down + sizes.padding;
}

function isLeaf(key) {
  return key[0] === "n" && !key.includes("@") && step.nodes[key.slice(1)].kind !== "operation";
}

function stack(box, at, found) {
  for (const item of box.rows.flat()) {
    found[item.key] = item.key.includes("@") ? [at[0] + at[2] / 2, at[1], 0, 0] : at;
    if (item.box) stack(item.box, at, found);
  }
}

function isHidden(group) {
  for (; group !== null; group = step.groups[group].parent) if (closed.has(`g${group}`)) return true;
  return false;
}

// What is to be seen of a node: itself, or the outermost closed module that it is in.
function visibleElement(node) {
  let element = nodeElements[node];
  for (let { group } = step.nodes[node]; group !== null; group = step.groups[group].parent) {
    if (closed.has(`g${group}`)) element = groupElements[group];
  }
  return element;
}

// An edge's way, as drawing.py's `curve`.
function curve(edge, found) {
  const [from, to] = [found[`n${edge.from}`], found[`n${edge.to}`]];
  const points = [[from[0] + from[2] / 2, from[1] + from[3]], ...edge.bends.map(key => found[key]), [to[0] + to[2] / 2, to[1]]];
  return points.slice(1).reduce((path, [toX, toY], i) => {
    const [x, y] = points[i], middle = (y + toY) / 2;
    return `${path} C${x} ${middle} ${toX} ${middle} ${toX} ${toY}`;
  }, `M${points[0][0]} ${points[0][1]}`);
}

const svg = document.querySelector("#canvas svg");
const nodeElements = step.nodes.map((_, i) => document.getElementById(`n${i}`));
const groupElements = step.groups.map((_, i) => document.getElementById(`g${i}`));
const edgeElements = layout.edges.map((_, i) => document.getElementById(`e${i}`));
let scale = 1;

function arrange() {
  const found = {};
  const height = place(layout.box, 0, 0, found);
  nodeElements.forEach((element, i) => {
    element.setAttribute("transform", `translate(${found[`n${i}`].slice(0, 2)})`);
    element.style.display = isHidden(step.nodes[i].group) ? "none" : "";
  });
  groupElements.forEach((element, i) => {
    const [x, y, width, h] = found[`g${i}`];
    element.setAttribute("transform", `translate(${x},${y})`);
    element.firstElementChild.setAttribute("width", width);
    element.firstElementChild.setAttribute("height", h);
    element.querySelector(".sign").textContent = closed.has(`g${i}`) ? "▸" : "▾";
    element.setAttribute("aria-expanded", !closed.has(`g${i}`));
    element.style.display = isHidden(step.groups[i].parent) ? "none" : "";
  });
  layout.edges.forEach((edge, i) => {
    edgeElements[i].setAttribute("d", curve(edge, found));
    const within = found[`n${edge.from}`] === found[`n${edge.to}`];  // both in one closed module
    edgeElements[i].style.display = within ? "none" : "";
  });
  svg.setAttribute("viewBox", `0 0 ${layout.box.width} ${height}`);
  svg.setAttribute("width", layout.box.width * scale);
  svg.setAttribute("height", height * scale);
}

function toggle(group) {
  const key = `g${group}`;
  if (!closed.delete(key)) closed.add(key);
  arrange();
}

// For each node the events that it is in, by pass.
const events = step.nodes.map(() => ({ forward: [], backward: [], update: [] }));
step.events.forEach((event, i) => events[event.node][event.pass].push(i));

const states = step.nodes.map(() => "");
const edgesInto = step.nodes.map(() => []);
layout.edges.forEach((edge, i) => edgesInto[edge.to].push(i));
let litEdges = [];

function mark(now) {
  const event = step.events[now];
  nodeElements.forEach((element, i) => {
    const last = pass => events[i][pass].filter(at => at <= now).at(-1);
    const [forward, backward, update] = [last("forward"), last("backward"), last("update")];
    const state = [forward, backward, update, event.node === i].join();
    if (state === states[i]) return;  // most nodes, in a large graph
    states[i] = state;
    element.classList.toggle("waiting", events[i].forward.length > 0 && forward === undefined);
    element.classList.toggle("done", forward !== undefined);
    element.classList.toggle("reached", backward !== undefined);
    element.classList.toggle("updated", update !== undefined);
    element.classList.toggle("now", event.node === i);
    element.setAttribute("tabindex", event.node === i ? 0 : -1);
    element.setAttribute("aria-current", event.node === i ? "step" : "false");
    if (update !== undefined) showStrip(element, step.events[update].after, false);
    else if (backward !== undefined) showStrip(element, step.events[backward].g, true);
    else showStrip(element, step.nodes[i].value, false);
  });
  document.querySelector(".group.now")?.classList.remove("now");
  visibleElement(event.node).classList.add("now");
  for (const i of litEdges) edgeElements[i].classList.remove("lit", "stopped");
  litEdges = event.pass === "update" ? [] : edgesInto[event.node];
  const stopped = (event.stopped || []).map(([, node]) => node);
  for (const i of litEdges) edgeElements[i].classList.add(stopped.includes(layout.edges[i].from) ? "stopped" : "lit");
}

// The last line of a node: its value, or once the gradient has come through, g.
function showStrip(element, value, isGradient) {
  const image = element.querySelector("image"), number = element.querySelector(".number");
  if (image && value && value.picture) image.setAttribute("href", value.picture);
  if (number) number.textContent = inShort(value, isGradient);
}

function inShort(value, isGradient) {
  if (!value || !("numbers" in value)) return "";
  return (isGradient ? "g = " : "") + JSON.stringify(value.numbers, (_, n) => Array.isArray(n) ? n : digits(n))
    .replaceAll('"', "").replaceAll(",", ", ");
}

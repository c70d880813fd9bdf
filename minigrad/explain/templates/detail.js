// The pane that says everything about the current step.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter(child => child !== null && child !== ""));
  return element;
}

const label = (...children) => make("p", { class: "label" }, ...children);
const code = text => make("code", {}, text);
const card = (...children) => make("div", { class: "card" }, ...children);
const shapeOf = value => value ? `[${value.shape.join(", ")}]` : "";
const nameOf = node => step.nodes[node].name || step.nodes[node].title;

// Five digits; small numbers as 4.3674e-6.
function digits(number, most = 5) {
  if (typeof number !== "number" || Number.isInteger(number)) return String(number);
  const rounded = Number(number.toPrecision(most));
  return Math.abs(number) < 1e-4 ? rounded.toExponential() : String(rounded);
}

// The words of formulas that are not school calculus.
const WORDS = {
  mm: "matrix product", t: "transpose of a matrix", swap: "transpose of each matrix of a batch", "@": "matrix product",
  where: "where(c, a, b): a where c holds, b elsewhere", spread: "repeats along dim: the way back of a sum",
  sum: "adds up along dim", mean: "the mean along dim", put: "zeros of that shape, with g where the key points",
  index: "picks what the key points to", reshape: "the same numbers in another shape", permute: "dimensions in another order",
  sign: "-1, 0 or 1", zeros_like: "zeros of the same shape", windows: "lays out what the kernel sees at each place",
  fold: "adds up, for each element, all the places that saw it", first_max: "1 at the first largest element",
  softmax: "exp(x) / sum(exp(x))", log_softmax: "the logarithm of softmax", sigmoid: "1 / (1 + exp(-x))",
  rsqrt: "1 / sqrt(x)", setitem: "a copy, with a part written over", flip: "in reverse order", var: "the variance along dim",
  tril: "the lower triangle", triu: "the upper triangle", cumsum: "running sums", erf: "the error function",
};

function glossary(formula) {
  const used = Object.keys(WORDS).filter(word => word === "@" ? formula.includes("@") : new RegExp(`\\b${word}\\(`).test(formula));
  return used.length ? make("dl", {}, ...used.flatMap(word => [make("dt", {}, code(word)), make("dd", {}, WORDS[word])])) : "";
}

// An array: its numbers (all digits on hover), or a heat map with what they are like altogether.
function valueView(value, torch) {
  if (!value) return label("no value was kept");
  const view = make("div", { class: "value" });
  if ("numbers" in value) {
    view.append(make("div", { class: "scroll" }, numberTable(value)));
  } else {
    const [rows, columns] = [value.shape.slice(0, -1).reduce((a, b) => a * b, 1), value.shape.at(-1)];
    const height = Math.round(Math.min(130, Math.max(16, 9 * Math.min(rows, columns, 18))));
    const alt = `heat map: from ${digits(value.least)} to ${digits(value.most)}`;
    view.append(make("img", { src: value.picture, alt, style: `height: ${height}px` }));
    view.append(label(`${shapeOf(value)}${rows > columns ? ", rows lie across" : ""}: from ${digits(value.least)} to `
      + `${digits(value.most)}, mean ${digits(value.mean)}${value.zeros ? `, ${value.zeros} zeros` : ""}`));
  }
  if (torch) {
    view.append(make("div", { class: "torch" }, label("torch ", make("span", { class: torch.same ? "same" : "different" },
      torch.text)), "numbers" in torch.value ? numberTable(torch.value) : label(
      `from ${digits(torch.value.least)} to ${digits(torch.value.most)}, mean ${digits(torch.value.mean)}`)));
  }
  return view;
}

function numberTable(value) {
  let rows = value.numbers;
  if (!Array.isArray(rows)) rows = [[rows]];
  while (Array.isArray(rows[0]) && Array.isArray(rows[0][0])) rows = rows.flat();
  if (!Array.isArray(rows[0])) rows = [rows];
  const kind = rows.length > 1 ? "" : rows[0].length > 1 ? " row" : " one";
  return make("table", { class: `numbers${kind}` }, make("tbody", {},
    ...rows.map(row => make("tr", {}, ...row.map(n => make("td", { title: n }, digits(n, row.length > 3 ? 4 : 5)))))));
}

const views = {
  forward(event, node) {
    const inputs = node.inputs.map(([name, from]) => card(
      make("h3", {}, make("b", {}, name), ` is ${nameOf(from)}`),
      valueView(step.nodes[from].value, step.nodes[from].torch),
      step.nodes[from].note ? make("p", { class: "why" }, step.nodes[from].note) : ""));
    return [
      card(make("h3", {}, make("b", {}, "out"), ` = ${node.title}(${[...node.inputs, ...node.settings].map(([name]) => name).join(", ")})`),
        settings(node.settings), valueView(node.value, node.torch), node.keeps ? label("for backward the tape keeps ",
          code(node.keeps)) : "", node.note ? make("p", { class: "why" }, node.note) : ""),
      ...inputs];
  },

  backward(event, node) {
    const what = event.root ? "where the walk starts" : "the gradient that arrives";
    const facts = [card(make("h3", {}, make("b", {}, "g"), `, ${what}`),
      label(`∂ loss / ∂ ${node.name || node.title}: how fast the loss grows with each element of it`),
      valueView(event.g, event.torch),
      event.hooked ? make("p", { class: "why" }, "A hook has changed it on its way.") : "",
      event.vanished ? make("p", { class: "why" }, "It is zero everywhere: nothing arrives from here on.") : "")];
    if ("grad_after" in event) facts.push(arrival(event));
    for (const share of event.shares || []) facts.push(shareCard(share));
    for (const [name, from, why] of event.stopped || []) {
      facts.push(card(make("h3", {}, "for ", make("b", {}, name), `, which is ${nameOf(from)}: nothing`), label(why)));
    }
    return facts;
  },

  update(event) {
    const facts = [card(make("h3", {}, event.optimizer), ...(event.formula.length ? event.formula.map(updateLine)
      : [label("its docstring has no formula")]), settings(event.options))];
    facts.push(card(make("h3", {}, "before"), valueView(event.before)));
    facts.push(event.grad ? card(make("h3", {}, make("b", {}, "g"), ", its .grad"), valueView(event.grad))
      : card(label("It has no gradient, so it stays as it is.")));
    for (const [name, before, after] of event.state) {
      facts.push(card(make("h3", {}, name), before ? label("before") : "", before ? valueView(before) : "",
        label(before ? "after" : "after its first step"), valueView(after)));
    }
    if (event.grad) facts.push(card(make("h3", {}, "after"), valueView(event.after, event.torch),
      label("moved by"), valueView(event.moved)));
    return facts;
  },
};

// "w = w - lr * g    what that does"
function updateLine(line) {
  const [formula, comment = ""] = line.split(/ {2,}(.*)/);
  return make("div", {}, make("code", { class: "formula" }, formula), comment ? label(comment) : "");
}

function arrival(event) {
  if (!event.grad_before) return card(label("There was no ", code(".grad"), " before: it is g now."));
  return card(make("h3", {}, ".grad adds up"), label("before"), valueView(event.grad_before),
    label("before + g"), valueView(event.grad_after));
}

function shareCard(share) {
  const where = share.where.filter(([word]) => !word.endsWith("_shape"));
  return card(
    make("h3", {}, "for ", make("b", {}, share.input), `, which is ${nameOf(share.node)}`),
    make("code", { class: "formula" }, share.formula), glossary(share.formula),
    label(...where.flatMap(([word, from, text], i) => [i ? ", " : "with ", code(word),
      from === null ? ` = ${text}` : word === "out" ? " (the result)" : ` = ${nameOf(from)}`]),
      share.rule_at ? `${where.length ? "; " : ""}the rule: ${share.rule_at}` : ""),
    valueView(share.value),
    ...(share.fitted ? [label(share.summed.length ? `∑ over dim ${share.summed.join(", ")}, since broadcasting repeated it there: `
      + `${shapeOf(share.value)} → ${shapeOf(share.fitted)}` : "cast to the input's dtype"), valueView(share.fitted)] : []),
    ...(share.after ? [label("two paths meet: what had arrived before"), valueView(share.before), label("the sum"),
      valueView(share.after)] : []),
    share.why ? make("p", { class: "why" }, share.why) : "");
}

function settings(pairs) {
  return pairs.length ? make("dl", {}, ...pairs.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, code(text))])) : "";
}

function showDetail(event) {
  document.getElementById("said").textContent = event.text;
  document.getElementById("facts").replaceChildren(...views[event.pass](event, step.nodes[event.node]));
  document.getElementById("detail").scrollTop = 0;
}

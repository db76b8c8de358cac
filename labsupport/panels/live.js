// Fills the places of a panel with its HTML, keeps them up to date, and sends what is pressed to the kernel.
// A place is an element with data-lab-live="<the panel's key>", put into the notebook as plain HTML (see live.py).

const WAITS = 1200; // milliseconds without an answer, after which a person is told why
const WAITING = "No answer yet: the kernel is running a cell, and this waits until it ends. (If the kernel has ended, run this cell again.)";
const GONE = "There is no kernel to answer: run this cell again.";

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// ---- bringing what is shown up to what should be shown, leaving alone what a person has touched

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset?.key || node.getAttribute("name") || "" : "";
}

function alike(one, two) {
  return one.nodeName === two.nodeName && keyOf(one) === keyOf(two);
}

function morphAttributes(shown, wanted) {
  const kept = shown.localName === "details" ? ["open"] : ["data-asked", "aria-busy"];
  for (const { name } of [...shown.attributes]) {
    if (!wanted.hasAttribute(name) && !kept.includes(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of [...wanted.attributes]) {
    if (!kept.includes(name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
}

function morphElement(shown, wanted) {
  if (shown.localName === "svg") {
    if (shown.outerHTML !== wanted.outerHTML) shown.replaceWith(wanted);
    return;
  }
  const atEnd = shown.scrollHeight - shown.scrollTop - shown.clientHeight < 8;
  morphAttributes(shown, wanted);
  if (shown.localName !== "textarea") morphChildren(shown, wanted);
  if (atEnd && shown.classList.contains("lab-log")) shown.scrollTop = shown.scrollHeight;
}

function toEnd(within) {
  const logs = [within, ...within.querySelectorAll("*")].filter((one) => one.classList.contains("lab-log"));
  for (const log of logs) log.scrollTop = log.scrollHeight;
}

export function morphChildren(shown, wanted) {
  let at = shown.firstChild;
  for (const next of [...wanted.childNodes]) {
    let found = at;
    while (found && !alike(found, next)) found = found.nextSibling;
    if (!found) {
      shown.insertBefore(next, at);
      if (next.nodeType === Node.ELEMENT_NODE) toEnd(next);
      continue;
    }
    while (at !== found) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    at = found.nextSibling;
    if (next.nodeType === Node.ELEMENT_NODE) morphElement(found, next);
    else if (found.nodeValue !== next.nodeValue) found.nodeValue = next.nodeValue;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// ---- pressing

function fieldsOf(button) {
  const form = button.closest("form");
  const fields = form ? Object.fromEntries(new FormData(form)) : {};
  for (const [name, value] of Object.entries(button.dataset)) {
    if (!["do", "asked", "key", "on"].includes(name)) fields[name] = value;
  }
  return fields;
}

function presses(model, el, say) {
  let number = 0;
  const asked = new Map();

  function press(button) {
    if (button.dataset.asked || button.getAttribute("aria-disabled") === "true") return;
    number += 1;
    button.dataset.asked = String(number);
    button.setAttribute("aria-busy", "true");
    asked.set(number, { button, timer: setTimeout(() => say(WAITING), WAITS) });
    try {
      model.send({ do: button.dataset.do, number, place: placeOf(el), fields: fieldsOf(button) });
    } catch {
      answered({ place: placeOf(el), answered: number, failed: GONE });
    }
  }

  function answered(message) {
    const { place, answered: which, failed } = message || {};
    const one = place === placeOf(el) && asked.get(which);
    if (!one) return;
    asked.delete(which);
    clearTimeout(one.timer);
    delete one.button.dataset.asked;
    one.button.removeAttribute("aria-busy");
    say(failed || "");
  }

  return { press, answered, stop: () => asked.forEach(({ timer }) => clearTimeout(timer)) };
}

const places = new WeakMap();
let counted = 0;

function placeOf(el) {
  if (!places.has(el)) places.set(el, `${Date.now()}-${(counted += 1)}`);
  return places.get(el);
}

// ---- a place that is alive

export function mount(model, el) {
  el.classList.add("lab-panel");
  const body = document.createElement("div");
  const told = document.createElement("p");
  told.className = "lab-told";
  told.setAttribute("role", "status");
  el.replaceChildren(body, told);
  const { press, answered, stop } = presses(model, el, (words) => (told.textContent = words));

  const draw = () => morphChildren(body, parsed(model.get("html")));
  const clicked = (event) => {
    const button = event.target.closest("[data-do]");
    if (!button || !el.contains(button) || button.dataset.on === "change") return;
    event.preventDefault();
    press(button);
  };
  const changed = (event) => event.target.matches("[data-do][data-on=change]") && press(event.target);
  const submitted = (event) => {
    event.preventDefault();
    const button = event.submitter || event.target.querySelector("button[data-do]");
    if (button) press(button);
  };
  const keys = (event) => event.stopPropagation(); // the notebook's own keys are not meant where something is typed
  const typed = (event) => event.target.matches("input, select, textarea, button, summary") && keys(event);

  const toggled = (event) => toEnd(event.target); // it could not be scrolled while it was closed

  el.addEventListener("toggle", toggled, true); // it doesn't bubble
  el.addEventListener("click", clicked);
  el.addEventListener("change", changed);
  el.addEventListener("submit", submitted);
  el.addEventListener("keydown", typed);
  model.on("change:html", draw);
  model.on("msg:custom", answered);
  draw();
  toEnd(body);

  return () => {
    stop();
    model.off("change:html", draw);
    model.off("msg:custom", answered);
    for (const [name, hears] of Object.entries({ click: clicked, change: changed, submit: submitted, keydown: typed })) {
      el.removeEventListener(name, hears);
    }
    el.removeEventListener("toggle", toggled, true);
    el.replaceChildren();
  };
}

// ---- finding the places of a model

function hiding(id) {
  const style = document.createElement("style");
  const last = `[data-lab-still="${id}"]`;
  style.textContent = `${last}, .jp-OutputArea-child:has(${last}) { display: none; }`;
  return style;
}

export default {
  // Called once for each panel that the kernel has, whether or not a place for it is there yet.
  initialize({ model }) {
    const id = model.get("place");
    const mounted = new Map();
    const style = hiding(id);

    const look = () => {
      for (const el of document.querySelectorAll(`[data-lab-live="${id}"]`)) {
        if (!mounted.has(el)) mounted.set(el, mount(model, el));
      }
      if (mounted.size && !style.isConnected) document.head.append(style);
    };
    const leave = () => {
      observer.disconnect();
      style.remove();
      mounted.forEach((unmount) => unmount());
      mounted.clear();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    model.on("comm_live_update", leave); // the kernel has gone: the last picture stays
    look();
    return leave;
  },

  // Called where a place shows widgets only as outputs of their own.
  render({ model, el }) {
    return mount(model, el);
  },
};

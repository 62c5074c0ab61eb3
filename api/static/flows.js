"use strict";
/* Draws every conversation as a diagram, so that a case manager can see what the programme asks and where it leads. */

const WORDS = {
  "es": {
    "title": "Conversaciones",
    "what": "Qué pregunta el programa y a dónde lleva cada respuesta.",
    "list": "Conversaciones",
    "otherLanguage": "EN",
    "otherLanguageName": "English",
    "loading": "Cargando los diagramas…",
    "missing": "No se pudieron cargar los diagramas. Vuelva a cargar la página.",
    "wrong": "Este diagrama no se pudo dibujar. Abajo está su texto.",
    "diagram": "Diagrama:",
    "zoom": "Tamaño",
    "smaller": "Más pequeño",
    "larger": "Más grande",
    "fit": "Ajustar",
    "source": "Texto del diagrama"
  },
  "en": {
    "title": "Conversations",
    "what": "What the programme asks and where each answer leads.",
    "list": "Conversations",
    "otherLanguage": "ES",
    "otherLanguageName": "Español",
    "loading": "Loading the diagrams…",
    "missing": "The diagrams could not be loaded. Please reload the page.",
    "wrong": "This diagram could not be drawn. Its text is below.",
    "diagram": "Diagram:",
    "zoom": "Size",
    "smaller": "Smaller",
    "larger": "Larger",
    "fit": "Fit",
    "source": "Text of the diagram"
  }
};

const SMALLEST = 0.15;
const READABLE = 0.7;  /* below this a phone shows dots, so wide diagrams start here and scroll */
const LARGEST = 3;

const at = (id) => document.getElementById(id);
let language = (navigator.language || "").startsWith("en") ? "en" : "es";
const say = (word) => WORDS[language][word];

function speak(code) {
  language = code;
  document.documentElement.lang = code;
  document.title = "Puente: " + say("title");
  document.querySelectorAll("[data-word]").forEach((node) => { node.textContent = say(node.dataset.word); });
  document.querySelectorAll("[data-label]").forEach((node) => node.setAttribute("aria-label", say(node.dataset.label)));
  document.querySelectorAll(".drawing").forEach((node) => node.setAttribute("aria-label", say("diagram") + " " + node.flow.title));
  at("language").textContent = say("otherLanguage");
  at("language").setAttribute("aria-label", say("otherLanguageName"));
}

function tell(word) {
  at("state").textContent = word ? say(word) : "";
  at("state").className = word === "missing" ? "wrong" : "";
}

function place(flow) {
  /* A section with its anchor and its line in the list, still without its drawing. */
  const section = at("flow").content.cloneNode(true).querySelector("section");
  section.id = flow.name;
  const link = section.querySelector("h2 a");
  link.href = "#" + encodeURIComponent(flow.name);
  link.textContent = flow.title;
  section.querySelector("pre").textContent = flow.mermaid;
  const drawing = section.querySelector(".drawing");
  drawing.flow = flow;
  section.querySelector(".zoom").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const step = { in: 1.25, out: 0.8 }[button.dataset.zoom];
    zoom(drawing, step ? drawing.zoom * step : fitting(drawing));
  });
  at("flows").append(section);
  const row = document.createElement("li");
  const name = link.cloneNode(true);
  row.append(name);
  at("names").append(row);
  return drawing;
}

async function draw(drawing, number) {
  try {
    const drawn = await mermaid.render("drawn-" + number, drawing.flow.mermaid);
    const parsed = new DOMParser().parseFromString(drawn.svg, "text/html").body.firstElementChild;
    drawing.replaceChildren(document.importNode(parsed, true));
    drawing.width = drawing.firstElementChild.viewBox.baseVal.width;
    zoom(drawing, Math.max(fitting(drawing), READABLE));
    drawing.scrollLeft = (drawing.scrollWidth - drawing.clientWidth) / 2;
  } catch (problem) {
    drawing.textContent = say("wrong");
    drawing.classList.add("wrong");
    drawing.parentElement.querySelector(".source").open = true;
  }
}

function fitting(drawing) {
  return Math.min(1, (drawing.clientWidth - 26) / drawing.width);
}

function zoom(drawing, factor) {
  const svg = drawing.firstElementChild;
  if (!drawing.width) return;
  const middle = (drawing.scrollLeft + drawing.clientWidth / 2) / drawing.scrollWidth;
  drawing.zoom = Math.min(LARGEST, Math.max(SMALLEST, factor));
  svg.style.width = drawing.width * drawing.zoom + "px";
  svg.style.height = "auto";
  drawing.scrollLeft = middle * drawing.scrollWidth - drawing.clientWidth / 2;
  drawing.parentElement.querySelector("output").textContent = Math.round(drawing.zoom * 100) + " %";
}

function mark() {
  /* The flow named in the address is the current one in the list. */
  const name = decodeURIComponent(location.hash.slice(1));
  at("names").querySelectorAll("a").forEach((link) => {
    if (decodeURIComponent(link.hash.slice(1)) === name) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
  return name && at(name);
}

async function start() {
  tell("loading");
  let flows;
  try {
    flows = await (await fetch("/flows.json", { credentials: "same-origin" })).json();
    flows = flows.filter((flow) => flow.name && flow.mermaid);
  } catch (gone) {
    return tell("missing");
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: dark ? "dark" : "neutral", maxTextSize: 200000,
    maxEdges: 2000, fontFamily: "system-ui, Roboto, sans-serif", flowchart: { useMaxWidth: false, wrappingWidth: 220 } });
  const drawings = flows.map(place);
  at("count").textContent = "(" + flows.length + ")";
  speak(language);
  const wanted = mark();
  let still = true;  /* until the person scrolls, the flow asked for stays in view while others are drawn above it */
  ["wheel", "touchmove", "keydown"].forEach((moved) => window.addEventListener(moved, () => { still = false; }, { once: true, passive: true }));
  const order = drawings.slice().sort((one, other) => (other.parentElement === wanted) - (one.parentElement === wanted));
  for (let number = 0; number < order.length; number++) {
    await draw(order[number], number);
    if (wanted && still) wanted.scrollIntoView();
    await new Promise((done) => setTimeout(done));  /* let the page answer between two diagrams */
  }
  return tell("");
}

at("language").addEventListener("click", () => speak(language === "es" ? "en" : "es"));
window.addEventListener("hashchange", mark);
at("names").addEventListener("click", () => { at("list").open = window.matchMedia("(min-width: 56rem)").matches; });
at("list").open = window.matchMedia("(min-width: 56rem)").matches;
speak(language);
start();

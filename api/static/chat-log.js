"use strict";
/* The conversation on the screen: each message in its place, the newest question answerable, the reader never jolted. */

const at = (id) => document.getElementById(id);
const log = at("log");

let following = true;  /* the log sticks to its end until the person scrolls up */
let placed = 0;        /* where the page itself last scrolled to */
let readFrom = null;   /* the first bubble of the answer being read: it is never pushed out of sight */
let tapNext = false;   /* the last answer was chosen by keyboard: the next question takes the focus */

const bubbles = () => Array.from(log.querySelectorAll(".said"));

function bubbleOf(id) {
  return id && bubbles().find((bubble) => bubble.message.id === id);
}

function show(message) {
  /* Draws a message of the server, unless it is here already. */
  const own = message.from === "me" && bubbleOf(message.id);
  if (own) settle(own, message);
  else if (!bubbles().some((bubble) => bubble.message.seq === message.seq)) put(drawMessage(message));
}

function showLetter(letter) {
  /* Draws what the person wrote and the server may not have yet. */
  const bubble = drawMessage({ id: letter.id, from: "me", text: letter.shown, at: new Date().toISOString() });
  put(bubble);
  drawState(bubble, letter.failed || "waiting");
}

function put(bubble) {
  /* In the order of the server; what it does not have yet stays last. */
  const order = (node) => node.message.seq || Infinity;
  const later = bubbles().find((other) => other !== bubble && order(other) > order(bubble));
  let next = later || at("typing");
  if (later && later.previousElementSibling.matches(".day")) next = later.previousElementSibling;
  const before = next.previousElementSibling;
  log.insertBefore(bubble, next);
  const day = drawDay(bubble.message.at, before.message && before.message.at);
  if (day) log.insertBefore(day, bubble);
  if (bubble.message.from === "me") {
    if (bubble.message.seq) drawState(bubble, "sent");
  } else if (!readFrom || Date.now() - readFrom.drawn > 60000) {
    readFrom = bubble;
    readFrom.drawn = Date.now();
  }
}

function settle(bubble, message) {
  /* The server has it: the clock becomes a tick, and a second copy heard meanwhile goes. */
  const twin = bubbles().find((other) => other !== bubble && message.seq && other.message.seq === message.seq);
  if (twin) twin.remove();
  bubble.message = Object.assign({}, bubble.message, message, { text: bubble.message.text || message.text });
  drawState(bubble, "sent");
  const order = bubbles().map((other) => other.message.seq || Infinity);
  if (order.some((seq, place) => seq < order[place - 1])) put(bubble);
}

function wipe() {
  log.querySelectorAll(".said, .day").forEach((node) => node.remove());
  readFrom = null;
  at("newer").hidden = at("typing").hidden = true;
}

function refreshOptions() {
  /* Only the newest question can be answered by a tap, and only until it is. */
  let live = null;
  bubbles().forEach((bubble) => {
    if (bubble.message.from === "notice" || bubble.matches(".failed")) return;
    live = bubble.message.from === "bot" ? bubble.querySelector(".options") : null;
  });
  log.querySelectorAll(".options").forEach((list) => {
    list.classList.toggle("old", list !== live);
    list.querySelectorAll("button").forEach((button) => { button.disabled = list !== live; });
    list.style.maxHeight = "";
  });
  if (live && live.matches(".long")) cutInHalf(live);
  if (live && tapNext) {
    tapNext = false;
    live.querySelector("button").focus({ preventScroll: true });
  }
}

function cutInHalf(list) {
  /* A long list keeps its question in sight, and ends in the middle of a row, so that it is seen to go on. */
  const room = Math.max(190, log.clientHeight * 0.55);
  const top = list.firstElementChild.offsetTop;
  const row = Array.from(list.children).find((child) => child.offsetTop - top + child.offsetHeight > room);
  if (row) list.style.maxHeight = row.offsetTop - top + row.offsetHeight * 0.55 + "px";
}

/* ---- scrolling ---- */

function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 24;
}

function follow() {
  if (!following || log.scrollTop < placed - 4) return;  /* or has just scrolled up */
  const end = log.scrollHeight - log.clientHeight;
  log.scrollTop = readFrom ? Math.min(end, readFrom.offsetTop - log.offsetTop - 12) : end;
  placed = log.scrollTop;
}

function toEnd() {
  readFrom = null;
  placed = 0;
  following = true;
  at("newer").hidden = true;
  follow();
}

log.addEventListener("scroll", () => {
  if (atEnd()) at("newer").hidden = true;
  if (Math.abs(log.scrollTop - placed) <= 4) return;  /* the page scrolled, not the person */
  placed = -1000;
  following = atEnd();
  if (following) readFrom = null;
});

log.addEventListener("keydown", (event) => {
  const list = event.target.closest(".options");
  if (!list) return;
  const buttons = Array.from(list.querySelectorAll("button"));
  const here = buttons.indexOf(event.target);
  const to = { ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: here - 1, ArrowLeft: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons[(to + buttons.length) % buttons.length].focus();
});

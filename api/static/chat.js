"use strict";
/* The chat page: a person writes or taps, the programme or a case manager answers, on any phone with a browser. */

const MOST = 4096;  /* letters in one message */
const NAME = document.title;
const text = at("text");

let byKeyboard = false;  /* the last thing done was done with a key */
let clock = 0;

const covered = () => Boolean(notes.get("covered"));

const outbox = new Outbox({
  online: showOnline,
  sent(letter, seq) {
    if (letter.hide) notes.set("from", Math.max(notes.get("from") || 0, seq || 0));
    const bubble = bubbleOf(letter.id);
    if (bubble) settle(bubble, { seq });
    if (!ear.stream) ear.check();
    else setTimeout(() => ear.check(), 6000);
  },
  failed(letter) {
    const bubble = bubbleOf(letter.id);
    if (!bubble) return;
    drawState(bubble, letter.failed);
    refreshOptions();
    follow();
  },
  left: () => covered() || ear.start(0),
});

const ear = new Ear({
  online: showOnline,
  heard,
  typing(on) {
    at("typing").hidden = !on;
    follow();
  },
  language(code) {
    log.lang = code || "es";
    if (!notes.get("language") && WORDS[code] && code !== language) speak(code);
  },
});

function speak(code) {
  language = code;
  document.documentElement.lang = code;
  document.querySelectorAll("[data-word]").forEach((node) => { node.textContent = say(node.dataset.word); });
  log.setAttribute("aria-label", say("log"));
  text.placeholder = say("write");
  at("language").textContent = say("otherLanguage");
  at("language").setAttribute("aria-label", say("otherLanguageName"));
  at("language").lang = code === "es" ? "en" : "es";
  if (at("offline").textContent) showOnline(false);
  const messages = bubbles().map((bubble) => bubble.message).filter((message) => message.seq);
  if (!bubbles().length) return;
  wipe();
  heard(messages, true);
}

function showOnline(yes) {
  const line = at("offline");
  if (yes ? !line.textContent : line.textContent === say("offline")) return;
  line.textContent = "";
  if (!yes) fillText(line, say("offline"), false);
  follow();
}

function heard(messages, first) {
  log.setAttribute("aria-live", first ? "off" : "polite");
  messages.forEach(show);
  const theirs = messages.filter((message) => message.from !== "me").length;
  if (first) {
    outbox.letters().filter((letter) => letter.shown !== undefined && !bubbleOf(letter.id)).forEach(showLetter);
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500);
    toEnd();
  }
  at("start").hidden = bubbles().length > 0;
  refreshOptions();
  follow();
  if (!first && theirs) at("newer").hidden = atEnd();
}

/* ---- saying something ---- */

function send(body, shown) {
  const letter = outbox.add({ body, shown });
  showLetter(letter);
  at("start").hidden = true;
  refreshOptions();
  toEnd();
}

function sendText() {
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  grow();
  send({ text: words }, words);
}

function grow() {
  text.style.height = "auto";
  text.style.height = text.scrollHeight + 4 + "px";
  const left = MOST - text.value.length;
  at("count").textContent = left < 200 ? say("left") + " " + left : "";
  follow();
}

function sendPlace() {
  /* Three decimals are about a hundred metres: enough to find the nearest office, and no more than that. */
  const near = (degrees) => Math.round(degrees * 1000) / 1000;
  closePanel();
  navigator.geolocation.getCurrentPosition(
    (found) => send({ place: { lat: near(found.coords.latitude), lon: near(found.coords.longitude) } }, say("placeSent")),
    () => {
      const line = document.createElement("p");
      line.className = "day";
      line.textContent = say("placeFailed");
      log.insertBefore(line, at("typing"));
      toEnd();
    },
    { timeout: 20000, maximumAge: 600000 });
}

function mend(bubble, state) {
  /* A message that was refused: too long comes back to be shortened, anything else is tried again. */
  const id = bubble.message.id;
  if (state === "tooLong") {
    text.value = bubble.message.text;
    outbox.drop(id);
    bubble.remove();
    grow();
    text.focus();
  } else {
    drawState(bubble, "waiting");
    outbox.again(id);
    log.focus({ preventScroll: true });
  }
  refreshOptions();
}

/* ---- shared phones ---- */

function open() {
  if (covered()) return cover();
  clearInterval(clock);
  at("cover").hidden = true;
  at("chat").hidden = false;
  document.title = NAME;
  if (outbox.leaving()) at("start").hidden = false;
  else ear.start(notes.get("from") || 0);
  return outbox.hurry();
}

function forgetScreen() {
  /* Nothing said so far stays on this screen; what is not sent yet still goes, unseen. */
  ear.close();
  wipe();
  text.value = "";
  closePanel();
  notes.set("outbox", outbox.letters().filter((letter) => !letter.failed).map(
    (letter) => Object.assign({}, letter, { shown: undefined })));
}

function hide() {
  /* What was said before never comes back here: whoever picks up the phone next can tap "continue" too. */
  notes.set("from", Math.max(notes.get("from") || 0, ear.after));
  notes.set("covered", true);
  cover();
  outbox.add({ body: { text: "ocultar" }, hide: true });
}

function cover() {
  forgetScreen();
  at("chat").hidden = true;
  at("cover").hidden = false;
  document.title = say("home");
  const tick = () => {
    at("cover-time").textContent = hour(new Date());
    at("cover-day").textContent = longDay(new Date());
  };
  tick();
  clearInterval(clock);
  clock = setInterval(tick, 5000);
  at("cover-title").focus();
}

function uncover() {
  notes.set("covered", false);
  open();
  log.focus();
}

function leave() {
  /* Leaving waits its turn behind what is still to be sent: it works without signal and loses nothing. */
  forgetScreen();
  const letters = outbox.letters();
  notes.clear();
  notes.set("outbox", letters);
  outbox.add({ leave: true });
  at("start").hidden = false;
  at("begin").focus();
}

function closePanel() {
  at("panel").hidden = at("sure").hidden = true;
  at("leave").hidden = false;
  at("more").setAttribute("aria-expanded", "false");
}

/* ---- fingers and keys ---- */

const onClick = (id, what) => at(id).addEventListener("click", what);

log.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  if (button.dataset.mend) mend(button.closest(".said"), button.dataset.mend);
  if (!button.option && button.id !== "begin") return;
  tapNext = byKeyboard;
  log.focus({ preventScroll: true });
  if (button.option) send({ option: button.option.id }, button.option.label);
  else send({ text: "hola" }, "hola");
});

text.addEventListener("input", grow);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    sendText();
  }
});
at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  sendText();
});
at("send").addEventListener("mousedown", (event) => event.preventDefault());  /* the phone's keyboard stays open */

onClick("newer", () => {
  toEnd();
  log.focus({ preventScroll: true });
});
onClick("language", () => {
  speak(language === "es" ? "en" : "es");
  notes.set("language", language);
});
onClick("more", () => {
  const wasOpen = !at("panel").hidden;
  closePanel();
  at("panel").hidden = wasOpen;
  at("more").setAttribute("aria-expanded", String(!wasOpen));
});
onClick("place", sendPlace);
onClick("leave", () => {
  at("leave").hidden = true;
  at("sure").hidden = false;
  at("leave-no").focus();
});
onClick("leave-no", () => {
  closePanel();
  at("more").focus();
});
onClick("leave-yes", leave);
onClick("hide", hide);
onClick("uncover", uncover);

document.addEventListener("keydown", (event) => {
  byKeyboard = true;
  if (event.key === "Escape" && !at("panel").hidden) {
    closePanel();
    at("more").focus();
  }
}, true);
document.addEventListener("pointerdown", () => { byKeyboard = false; }, true);

/* ---- the phone wakes, the signal comes and goes, another tab hides the chat ---- */

function wake() {
  if (document.hidden || covered()) return;
  outbox.hurry();
  ear.check();
}

document.addEventListener("visibilitychange", wake);
window.addEventListener("online", wake);
window.addEventListener("offline", () => showOnline(false));
window.addEventListener("resize", () => {
  refreshOptions();
  follow();
});
window.addEventListener("storage", (event) => {
  if (event.key === "puente.covered" && covered()) cover();
});

at("place").hidden = !(navigator.geolocation && window.isSecureContext);
speak(notes.get("language") || ((navigator.language || "").startsWith("en") ? "en" : "es"));
open();
if (!covered() && window.matchMedia("(pointer: fine)").matches) text.focus();

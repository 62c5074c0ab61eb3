"use strict";
/* Draws the conversation: bubbles, answers to tap and dates, always from plain text and never from markup. */

/* Short numbers that are phone lines in Guatemala (110, 119, 120 … and 15xx) and local numbers of eight digits. */
const NUMBER = /https:\/\/[^\s<>"]+|(?:\+?502[ -]?)?[2-7]\d{3}[ -]?\d{4}|1(?:10|19|2[02358])|15\d\d/g;
/* What follows shows that the number counts something: hours, money, people. */
const COUNTED = /^\s?(?:%|°|[ap]\.?\s?m\b|(?:h(?:ora|our)?s?|hrs?|d[ií]as|semanas|meses|años|minut[oe]s|quetzales|d[oó]lares|personas|plazas|vacantes|puestos|empleos|ofertas|k?m|kil[oó]metros|metros|days|weeks|months|years|people|jobs|dollars|miles)(?![a-záéíóúñ]))/i;
const YEARS = /^(?:19|20)\d\d[ -](?:19|20)\d\d$/;

function linkFor(found, before, behind, anyLink) {
  /* The address a piece of text leads to, or null where it is only text. */
  if (found.startsWith("https://")) return anyLink ? found.replace(/[.,;:!?)\]}»”'*_]+$/, "") : null;
  if (/[A-Za-zÀ-ɏ\d.,/#@$-]$/.test(before) || /(?:^|[^a-z])(?:Q|US\$?|\$|No\.?|zona)\s?$/i.test(before)) return null;
  if (/^(?:[A-Za-zÀ-ɏ\d/]|[.,-]\d)/.test(behind) || COUNTED.test(behind) || YEARS.test(found)) return null;
  return "tel:" + found.replace(/[ -]/g, "");
}

function fillText(node, text, anyLink) {
  /* Text with its phone numbers (and https links, if trusted) made tappable, built from nodes only. */
  let done = 0;
  NUMBER.lastIndex = 0;
  for (let match = NUMBER.exec(text); match; match = NUMBER.exec(text)) {
    const end = match.index + match[0].length;
    const address = linkFor(match[0], text.slice(Math.max(0, match.index - 8), match.index), text.slice(end, end + 16), anyLink);
    if (!address) continue;
    const shown = address.startsWith("tel:") ? match[0] : address;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = shown;
    if (!address.startsWith("tel:")) {
      link.rel = "noopener noreferrer";
      link.target = "_blank";
    }
    node.append(text.slice(done, match.index), link);
    done = NUMBER.lastIndex = match.index + shown.length;
  }
  node.append(text.slice(done));
}

function drawMark(state) {
  return document.getElementById("marks").content.querySelector("[data-mark=" + state + "]").cloneNode(true);
}

function drawMessage(message) {
  /* A bubble; `message` is {seq, from, text, at, options} as the server tells it. */
  const bubble = document.createElement("div");
  bubble.className = "said " + message.from;
  bubble.message = message;
  const text = document.createElement("p");
  text.className = "text";
  text.dir = "auto";
  if (message.from !== "notice") {
    const who = document.createElement("span");
    who.className = message.from === "person" ? "who" : "unseen";
    who.textContent = say(message.from) + (message.from === "person" ? "" : ": ");
    bubble.append(who);
  }
  fillText(text, message.text || (message.from === "me" ? say("placeSent") : ""), message.from === "bot");
  if (message.from === "me") text.querySelectorAll("a").forEach((link) => link.replaceWith(link.textContent));
  bubble.append(text);
  if (message.options && message.options.length) bubble.append(drawOptions(message, text));
  return bubble;
}

function drawOptions(message, text) {
  const list = document.createElement("ul");
  text.id = "said-" + message.seq;
  list.className = message.options.length > 6 ? "options long" : "options";
  list.setAttribute("role", "list");
  list.setAttribute("aria-labelledby", text.id);
  message.options.forEach((option) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dir = "auto";
    button.option = option;
    const label = document.createElement("span");
    label.textContent = option.label;
    button.append(label);
    if (option.hint) {
      const hint = document.createElement("small");
      hint.textContent = option.hint;
      button.append(" ", hint);
    }
    const row = document.createElement("li");
    row.append(button);
    list.append(row);
  });
  return list;
}

function drawState(bubble, state) {
  /* The small mark on the person's own message: waiting, sent, or failed with something to tap. */
  const old = bubble.querySelector(".state");
  if (old) old.remove();
  const line = document.createElement("span");
  line.className = "state";
  line.append(drawMark(state === "tooLong" ? "failed" : state));
  const word = document.createElement("span");
  word.textContent = say(state);
  line.append(word);
  bubble.classList.toggle("failed", state === "failed" || state === "tooLong");
  if (state === "waiting" || state === "sent") {
    word.className = "unseen";
  } else {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.mend = state;
    button.textContent = say(state === "tooLong" ? "shorten" : "again");
    line.append(button);
  }
  bubble.append(line);
}

function drawDay(time, before) {
  /* A line with the day and hour where the talk paused for a quarter of an hour, or null. */
  const now = new Date(time);
  const then = new Date(before);
  if (isNaN(now) || (now - then < 900000 && now.getDate() === then.getDate())) return null;
  const line = document.createElement("p");
  line.className = "day";
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(time).setHours(0, 0, 0, 0)) / 86400000);
  line.textContent = ([say("today"), say("yesterday")][days] || longDay(now)) + ", " + hour(now);
  return line;
}

function longDay(date) {
  return date.toLocaleDateString(language === "en" ? "en" : "es-GT", { weekday: "long", day: "numeric", month: "long" });
}

function hour(date) {
  return date.getHours() + ":" + String(date.getMinutes()).padStart(2, "0");
}

"use strict";
/* Carries messages both ways over a bad network: what the person writes is kept until the server has it, once. */

/* Small notes kept in this browser; in memory where the browser refuses (private windows, full storage). */
const notes = {
  kept: {},
  get(name) {
    try {
      const text = localStorage.getItem("puente." + name);
      if (text !== null) return JSON.parse(text);
    } catch (refused) { /* answered from memory below */ }
    return name in this.kept ? this.kept[name] : null;
  },
  set(name, value) {
    this.kept[name] = value;
    try {
      localStorage.setItem("puente." + name, JSON.stringify(value));
    } catch (refused) { /* memory has it */ }
  },
  clear() {
    ["outbox", "from", "covered", "language"].forEach((name) => this.set(name, null));
  },
};

function newId() {
  /* crypto.randomUUID is missing on old phones and on plain http. */
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function ask(path, body) {
  /* A request that never hangs: after 20 seconds the network counts as gone. */
  const stop = window.AbortController ? new AbortController() : null;
  const timer = setTimeout(() => stop && stop.abort(), 20000);
  const how = { credentials: "same-origin", cache: "no-store", signal: stop ? stop.signal : undefined };
  if (body) {
    how.method = "POST";
    how.headers = { "Content-Type": "application/json" };
    how.body = JSON.stringify(body);
    how.keepalive = how.body.length < 60000;  /* it still leaves when the page is closed at once */
  }
  try {
    const answer = await fetch(path, how);
    const data = await answer.json().catch(() => ({}));
    return { status: answer.status, data, after: Number(answer.headers.get("Retry-After")) || 0 };
  } catch (gone) {
    return { status: 0, data: {}, after: 0 };
  } finally {
    clearTimeout(timer);
  }
}

/* Letters wait in order, one leaves at a time, each keeps its id over every retry and reload.
   A letter is {id, body, shown, failed}, {id, body, hide: true} or {id, leave: true}. */
class Outbox {
  constructor(told) {
    this.told = told;  /* {sent(letter, seq), failed(letter), left(), online(yes)} */
    this.busy = false;
    this.tries = 0;
  }

  letters() {
    return notes.get("outbox") || [];
  }

  leaving() {
    return this.letters().some((letter) => letter.leave);
  }

  add(letter) {
    letter.id = newId();
    notes.set("outbox", this.letters().concat([letter]));
    this.hurry();
    return letter;
  }

  again(id) {
    this.mark(id, null);
    this.hurry();
  }

  drop(id) {
    notes.set("outbox", this.letters().filter((letter) => letter.id !== id));
  }

  mark(id, failed) {
    notes.set("outbox", this.letters().map((letter) => (letter.id === id ? Object.assign(letter, { failed }) : letter)));
  }

  hurry() {
    this.tries = 0;
    clearTimeout(this.timer);
    this.drain();
  }

  async drain() {
    if (this.busy) return;
    this.busy = true;
    for (;;) {
      const letter = this.letters().find((one) => !one.failed);
      if (!letter) break;
      const answer = letter.leave
        ? await ask("/chat/new", {})
        : await ask("/chat/messages", Object.assign({ id: letter.id }, letter.body));
      if (!this.settle(letter, answer)) {
        const pause = answer.after * 1000 || Math.min(1000 * Math.pow(2, this.tries++), 30000);
        this.timer = setTimeout(() => this.drain(), pause * (0.8 + 0.4 * Math.random()));
        break;
      }
      this.tries = 0;
    }
    this.busy = false;
  }

  settle(letter, answer) {
    /* True when the letter needs nothing more; false to try again later. */
    this.told.online(answer.status !== 0);
    const good = answer.status >= 200 && answer.status < 300;
    const passing = answer.status === 0 || answer.status >= 500 || [408, 425, 429].includes(answer.status);
    if (!good && (passing || letter.leave)) return false;
    if (good) {
      this.drop(letter.id);
      if (letter.leave) this.told.left();
      else this.told.sent(letter, answer.data.seq);
    } else {
      letter.failed = answer.status === 413 ? "tooLong" : "failed";
      this.mark(letter.id, letter.failed);
      this.told.failed(letter);
    }
    return true;
  }
}

/* Hears what is said: by a stream where it works, by asking every two seconds and then less often where it does not. */
class Ear {
  constructor(told) {
    this.told = told;  /* {heard(messages, first), typing(on), language(code), online(yes)} */
    this.after = this.turn = 0;
    this.close();
  }

  start(after) {
    this.close();
    this.after = after;
    this.open = true;
    this.listen();
  }

  close() {
    this.open = false;
    this.first = true;
    this.pause = 2000;
    this.losses = 0;
    this.turn += 1;  /* answers to earlier questions no longer count */
    this.drop();
  }

  drop() {
    clearTimeout(this.timer);
    if (this.stream) this.stream.close();
    this.stream = null;
  }

  async listen() {
    this.drop();
    if (!this.open) return;
    const turn = this.turn;
    const news = await this.fetch();
    if (turn !== this.turn || this.stream) return;
    if (news !== null && window.EventSource && this.losses < 3) return this.tune();
    this.pause = news ? 2000 : Math.min(this.pause * 1.3, 30000);
    this.wait(this.pause);
  }

  wait(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.stream ? this.check() : this.listen()), pause);
  }

  async fetch() {
    /* How many messages were new, or null when the server did not answer. */
    const turn = this.turn;
    const answer = await ask("/chat/messages?after=" + this.after);
    if (turn !== this.turn) return null;
    this.told.online(answer.status !== 0);
    if (answer.status !== 200) return null;
    this.told.language(answer.data.language);
    const news = this.take(answer.data.messages);
    this.told.typing(Boolean(answer.data.typing));
    return news;
  }

  take(messages) {
    const fresh = messages.filter((message) => message.seq > this.after);
    if (fresh.length) this.after = fresh[fresh.length - 1].seq;
    if (fresh.length || this.first) this.told.heard(fresh, this.first);
    this.first = false;
    return fresh.length;
  }

  tune() {
    const stream = this.stream = new EventSource("/chat/stream?after=" + this.after);
    const opened = Date.now();
    const lost = () => {
      if (stream !== this.stream) return;
      this.drop();
      this.losses = Date.now() - opened > 60000 ? 1 : this.losses + 1;
      if (this.losses === 3) setTimeout(() => { this.losses = 0; }, 300000);  /* then the stream gets another chance */
      this.wait(1000 * this.losses);
    };
    stream.onopen = () => this.told.online(true);
    stream.onerror = lost;
    stream.addEventListener("message", (event) => stream === this.stream && this.take([JSON.parse(event.data)]));
    stream.addEventListener("typing", (event) => stream === this.stream && this.told.typing(JSON.parse(event.data).on));
    this.wait(45000);
  }

  async check() {
    /* Some networks open a stream and then let nothing through: if asking brings news it did not, it is lost. */
    if (!this.open) return;
    const stream = this.stream;
    if (!stream) {
      this.pause = 2000;
      this.wait(500);
    } else if (await this.fetch()) {
      stream.onerror();
    } else if (stream === this.stream) {
      this.wait(45000);
    }
  }
}

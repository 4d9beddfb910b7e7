// What the browser keeps between pages and days: who the visitor is, the unsent messages, small preferences. Each has an
// entry of its own: tabs write beside each other, and what one has read may be old when it writes.
class Memory {
  constructor(key) {
    this.key = key;
    this.own = new Map(); // what the browser would not keep (forbidden, full): this page's life is all it has
  }

  load(key) {
    try {
      return JSON.parse(this.own.get(key) ?? localStorage.getItem(key)) ?? undefined;
    } catch {
      return undefined;
    }
  }

  save(key, value) {
    const text = JSON.stringify(value);
    try {
      localStorage.setItem(key, text);
      this.own.delete(key);
    } catch {
      this.own.set(key, text);
    }
  }

  remove(key) {
    this.own.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // Forbidden: it was never there.
    }
  }

  get(name) {
    return this.load(`${this.key}:${name}`);
  }

  set(name, value) {
    if (value === undefined) this.remove(`${this.key}:${name}`);
    else this.save(`${this.key}:${name}`, value);
  }

  // The entries of unsent messages, the oldest first: KEY:queue:NUMBER:CLIENT_ID.
  waiting() {
    let stored = [];
    try {
      stored = Object.keys(localStorage);
    } catch {
      // Forbidden.
    }
    return [...new Set([...stored, ...this.own.keys()])].filter((key) => key.startsWith(`${this.key}:queue:`)).sort();
  }

  queue() {
    return this.waiting().map((key) => this.load(key)).filter(Boolean);
  }

  enqueue(frame) {
    const last = Number(this.waiting().pop()?.slice(this.key.length).split(":")[2] || 0);
    this.save(`${this.key}:queue:${String(last + 1).padStart(9, "0")}:${frame.client_id}`, frame);
  }

  settle(clientId) {
    this.waiting().filter((key) => key.endsWith(`:${clientId}`)).forEach((key) => this.remove(key));
  }

  // Somebody else uses this browser from now on.
  forget() {
    this.waiting().forEach((key) => this.remove(key));
    this.set("visitor", undefined);
  }
}

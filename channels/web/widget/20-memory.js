// What the browser keeps between pages and days: the signed token, the unsent messages, small preferences.
class Memory {
  constructor(key) {
    this.key = key;
    this.fallback = {};
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || {};
    } catch {
      return this.fallback; // storage is forbidden or broken: this page's life is all there is
    }
  }

  // Read, change, write at once: another tab of the same visitor writes here too.
  change(edit) {
    const value = this.read();
    edit(value);
    this.fallback = value;
    try {
      localStorage.setItem(this.key, JSON.stringify(value));
    } catch {
      // Full or forbidden. The fallback holds it.
    }
  }

  get(name) {
    return this.read()[name];
  }

  set(name, value) {
    this.change((all) => (value === undefined ? delete all[name] : (all[name] = value)));
  }

  queue() {
    return this.get("queue") || [];
  }

  enqueue(frame) {
    this.change((all) => (all.queue = [...(all.queue || []), frame]));
  }

  settle(clientId) {
    this.change((all) => (all.queue = (all.queue || []).filter((frame) => frame.client_id !== clientId)));
  }
}

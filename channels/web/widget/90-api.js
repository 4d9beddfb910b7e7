// What the site told of the visitor. It is told at every connection: a server that was started again knows nothing of it.
class Told {
  constructor() {
    this.forget();
  }

  forget() {
    Object.assign(this, { user: undefined, fields: new Map(), labels: new Map() });
  }

  keep(frame) {
    if (frame.type === "user") this.user = frame;
    Object.entries(frame.set || {}).forEach(([name, value]) => this.fields.set(name, value));
    (frame.delete || []).forEach((name) => this.fields.set(name, undefined));
    (frame.add || []).forEach((label) => this.labels.set(label, true));
    (frame.remove || []).forEach((label) => this.labels.set(label, false));
  }

  frames() {
    const fields = [...this.fields];
    const labels = (wanted) => [...this.labels].filter(([, on]) => on === wanted).map(([label]) => label);
    const set = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
    const gone = fields.filter(([, value]) => value === undefined).map(([name]) => name);
    return [
      this.user,
      fields.length && { type: "attributes", set, delete: gone },
      this.labels.size && { type: "labels", add: labels(true), remove: labels(false) },
    ].filter(Boolean);
  }
}

// window.$frontdesk, in the shape that sites know.
function start() {
  if (document.querySelector("frontdesk-widget")) return;
  customElements.define("frontdesk-widget", FrontdeskWidget);
  const widget = document.createElement("frontdesk-widget");
  const tell = (frame) => {
    widget.told.keep(frame);
    widget.wire?.tell(frame); // not connected yet: it is told then
  };
  window.$frontdesk = {
    toggle: (state) => widget.toggle(state),
    setUser: (id, { identifier_hash, ...profile } = {}) => tell({ type: "user", id: String(id), profile, identifier_hash }),
    setCustomAttributes: (attributes) => tell({ type: "attributes", set: attributes, delete: [] }),
    deleteCustomAttribute: (name) => tell({ type: "attributes", set: {}, delete: [name] }),
    setLabel: (label) => tell({ type: "labels", add: [label], remove: [] }),
    removeLabel: (label) => tell({ type: "labels", add: [], remove: [label] }),
    setLocale: (locale) => widget.setLocale(locale),
    setColorScheme: (scheme) => widget.setColorScheme(scheme),
    reset: () => widget.reset(),
    get isOpen() {
      return widget.isOpen;
    },
    get hasLoaded() {
      return Boolean(widget.loaded);
    },
  };
  document.body.append(widget);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();

// window.$frontdesk, in the shape that sites know.
function start() {
  if (document.querySelector("frontdesk-widget")) return;
  customElements.define("frontdesk-widget", FrontdeskWidget);
  const widget = document.createElement("frontdesk-widget");
  const tell = (frame) => (widget.wire?.online ? widget.wire.tell(frame) : waiting.push(frame));
  const waiting = [];
  const connection = FrontdeskWidget.prototype.connection;
  widget.connection = function (online) {
    connection.call(this, online);
    if (online) waiting.splice(0).forEach((frame) => this.wire.tell(frame));
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

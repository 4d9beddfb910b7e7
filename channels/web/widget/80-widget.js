// The custom element: launcher, panel, and what ties the parts together.
const SCRIPT = document.currentScript;

// Frames of which the conversation's log is made, and can be made again.
const LASTING = { message: "show", heard: "heard", edited: "edited", deleted: "deleted", feedback: "rated" };

class FrontdeskWidget extends HTMLElement {
  told = new Told();

  connectedCallback() {
    if (this.wire) return;
    const given = (this.settings = { position: "right", type: "standard", darkMode: "auto", ...(window.frontdeskSettings || {}) });
    this.base = (given.baseUrl || (SCRIPT ? new URL(SCRIPT.src).origin : location.origin)).replace(/\/$/, "");
    const site = given.websiteToken || SCRIPT?.dataset.websiteToken || "demo";
    this.memory = new Memory(`frontdesk:${this.base}:${site}`);
    this.locale = given.locale || (given.useBrowserLanguage ? navigator.language : document.documentElement.lang) || "en";
    this.limits = {};
    this.unread = 0;
    this.isOpen = false;
    this.wire = new Wire(this.base, site, this.memory, {
      session: (session) => this.joined(session),
      frame: (frame) => this.receive(frame),
      online: (online) => this.connection(online),
      refused: (error) => this.complain(error.message),
    });
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.root = root;
    this.build();
    this.setColorScheme(given.darkMode);
    this.wire.start(this.locale);
  }

  text(key, values) {
    return textIn(this.locale, key, { name: this.botName(), ...values });
  }

  botName() {
    return this.brand?.bot_name || this.settings.launcherTitle || textIn(this.locale, "title");
  }

  absolute(href) {
    return /^(https?:|blob:)/.test(href) ? href : this.base + href;
  }

  build() {
    const t = (key) => this.text(key);
    const title = this.settings.launcherTitle || t("launcher");
    const expanded = this.settings.type === "expanded_bubble";
    this.badge = element("span", { class: "badge", hidden: true });
    this.launcher = element(
      "button", { type: "button", class: `launcher ${expanded ? "expanded" : ""}`, "aria-expanded": "false", "aria-label": title, onclick: () => this.toggle() },
      icon("chat"), expanded && element("span", {}, title), this.badge,
    );
    this.log = new Log(this);
    this.composer = new Composer(this);
    this.logo = element("span", { class: "logo", "aria-hidden": "true" });
    this.heading = element("h2", {}, t("title"));
    this.subtitle = element("p", { class: "subtitle", role: "status" }, t("connecting"));
    this.typing = element("p", { class: "typing", role: "status", hidden: true }, element("i"), element("i"), element("i"), element("span"));
    const quiet = this.memory.get("quiet");
    this.soundButton = iconButton(quiet ? "soundOff" : "soundOn", t(quiet ? "soundOn" : "soundOff"), () => this.switchSound());
    this.panel = element(
      "section", { class: "panel", role: "dialog", "aria-label": t("title"), hidden: true,
        onkeydown: (event) => event.key === "Escape" && this.toggle("close"),
        ondragover: (event) => (event.preventDefault(), this.panel.classList.add("dropping")),
        ondragleave: () => this.panel.classList.remove("dropping"),
        ondrop: (event) => this.dropped(event), "data-drop": t("drop") },
      element("header", {}, this.logo, element("div", {}, this.heading, this.subtitle), this.soundButton,
        this.settings.showPopoutButton && iconButton("popout", t("popout"), () => this.popout()),
        !this.settings.page && iconButton("close", t("close"), () => this.toggle("close"))),
      this.log.node, this.typing, this.composer.node,
    );
    this.frame = element("div", { class: `frame ${this.settings.position === "left" ? "left" : ""} ${this.settings.page ? "page" : ""}`, lang: this.locale, dir: RIGHT_TO_LEFT.test(this.locale) ? "rtl" : "ltr" }, this.panel, this.settings.page ? null : this.launcher);
    this.root.replaceChildren(this.frame);
    if (this.settings.page) this.toggle("open");
  }

  // Texts changed: build again and show the same conversation.
  rebuild() {
    const { isOpen, frames } = this;
    this.isOpen = false;
    this.build();
    this.dress();
    this.setColorScheme(this.scheme);
    (frames || []).forEach((frame) => this.log[LASTING[frame.type]](frame));
    this.memory.queue().forEach((frame) => this.log.pending(frame));
    this.connection(this.wire.online);
    if (isOpen) this.toggle("open");
  }

  joined(session) {
    this.brand = session.brand;
    this.limits = session.limits;
    this.frames = [];
    this.log.clear();
    this.dress();
    session.history.forEach((frame) => this.receive(frame, true));
    const unsent = this.memory.queue();
    unsent.forEach((frame) => this.log.pending(frame));
    session.waiting.forEach((frame) => this.receive(frame, true));
    this.unread = 0;
    this.owner = undefined;
    if (!this.loaded) {
      this.loaded = true;
      window.dispatchEvent(new Event("frontdesk:ready"));
    }
  }

  dress() {
    if (!this.brand) return;
    const { colors = {}, logo, name } = this.brand;
    if (colors.primary) this.frame.style.setProperty("--primary", colors.primary);
    if (colors.accent) this.frame.style.setProperty("--accent", colors.accent);
    this.heading.textContent = this.brand.bot_name;
    this.panel.setAttribute("aria-label", `${this.text("title")}: ${name}`);
    this.logo.replaceChildren(logo ? element("img", { src: this.absolute(logo), alt: "" }) : name.slice(0, 1));
  }

  receive(frame, old = false) {
    const { log } = this;
    if (frame.token) {
      this.frames = [];
      this.owner = undefined;
      this.told.forget();
      log.clear();
    }
    if (LASTING[frame.type]) {
      this.frames.push(frame);
      const fresh = log[LASTING[frame.type]](frame);
      if (frame.type !== "message" || frame.from === "customer") return;
      this.setTyping(false);
      if (fresh && !old) this.arrived(frame);
    } else if (frame.type === "provisional") {
      this.setTyping(frame.kind !== "sentence");
      if (frame.kind !== "typing") log.provisional(frame);
    } else if (frame.type === "ack") log.acknowledged(frame);
    else if (frame.type === "nack") log.mark(frame.client_id, frame.retry_after ? "waiting" : "failed", frame.error.text);
    else if (frame.type === "waiting") log.waiting(frame);
    else if (frame.type === "status" || frame.type === "welcome") this.status(frame);
    if (frame.type === "welcome") this.told.frames().forEach((told) => this.wire.tell(told));
  }

  status(frame) {
    if (frame.text) this.log.notice(frame.text);
    const owner = frame.status === "resolved" ? "resolved" : frame.owner || (frame.status === "open" ? "people" : "bot");
    if (this.owner && owner !== this.owner && owner !== "bot") this.log.notice(this.text(owner));
    if (this.owner === "people" && owner === "bot") this.log.notice(this.text("bot"));
    this.owner = owner;
    if (owner !== "bot") this.setTyping(false);
    this.connection(this.wire.online);
  }

  arrived(frame) {
    if (this.isOpen && !document.hidden) return this.wire.tell({ type: "read", seq: frame.seq });
    this.unread += 1;
    this.showUnread();
    if (!this.memory.get("quiet")) this.chime();
  }

  showUnread() {
    this.badge.hidden = !this.unread;
    this.badge.textContent = this.unread > 9 ? "9+" : this.unread;
    const label = this.settings.launcherTitle || this.text("launcher");
    this.launcher.setAttribute("aria-label", this.unread ? `${label}, ${this.text("unread", { n: this.unread })}` : label);
  }

  chime() {
    try {
      const context = (this.audio ||= new AudioContext());
      const [tone, gain] = [context.createOscillator(), context.createGain()];
      tone.frequency.value = 740;
      gain.gain.setValueAtTime(0.08, context.currentTime);
      gain.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.35);
      tone.connect(gain).connect(context.destination);
      tone.start();
      tone.stop(context.currentTime + 0.4);
    } catch {
      // A page that nobody has touched yet may not make a sound.
    }
  }

  switchSound() {
    const quiet = !this.memory.get("quiet");
    this.memory.set("quiet", quiet);
    relabel(this.soundButton, this.text(quiet ? "soundOn" : "soundOff"), quiet ? "soundOff" : "soundOn");
  }

  setTyping(on) {
    this.typing.hidden = !on || this.owner === "people";
    this.typing.querySelector("span").textContent = this.text("typing");
    clearTimeout(this.typingTimer);
    if (on) {
      this.typingTimer = setTimeout(() => this.setTyping(false), 60000);
      this.log.scroll();
    }
  }

  connection(online) {
    const state = online ? (this.owner === "people" ? this.text("person") : this.brand?.name || "") : this.text(this.loaded ? "offline" : "connecting");
    this.subtitle.textContent = state;
    this.panel.classList.toggle("offline", !online);
    this.memory.queue().forEach((frame) => this.log.mark(frame.client_id, online ? "sending" : "waiting"));
  }

  send({ text = "", payload, files = [] }) {
    const frame = { type: "message", client_id: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now(), text };
    if (payload) frame.payload = payload;
    if (files.length) frame.attachments = files.map((file) => file.id);
    this.log.pending(frame, files);
    this.wire.say(frame);
  }

  complain(text) {
    this.composer.warn(text);
  }

  dropped(event) {
    event.preventDefault();
    this.panel.classList.remove("dropping");
    this.composer.add([...(event.dataTransfer?.files || [])]);
  }

  popout() {
    const query = new URLSearchParams({ locale: this.locale });
    window.open(`${this.base}/chat?${query}`, "frontdesk", "width=420,height=680,noopener");
  }

  toggle(state) {
    const open = state === "open" || (state !== "close" && !this.isOpen);
    if (open === this.isOpen) return;
    this.isOpen = open;
    this.panel.hidden = !open;
    this.frame.classList.toggle("open", open);
    this.launcher.setAttribute("aria-expanded", String(open));
    if (!open) return this.launcher.focus();
    this.unread = 0;
    this.showUnread();
    this.wire.tell({ type: "read", seq: this.wire.seq });
    this.log.scroll();
    this.composer.area.focus();
  }

  setColorScheme(scheme) {
    this.scheme = scheme;
    this.frame.dataset.scheme = { light: "light", dark: "dark" }[scheme] || "auto";
  }

  setLocale(locale) {
    this.locale = this.wire.locale = locale;
    this.wire.tell({ type: "locale", locale });
    this.rebuild();
  }

  reset() {
    this.told.forget();
    this.frames = [];
    this.log.clear();
    this.wire.reset();
  }
}

// The conversation's log: committed messages in the order of their sequence numbers, then what is provisional, then
// what this visitor has written and the server has not acknowledged yet.
class Log {
  constructor(widget) {
    this.widget = widget;
    this.node = element("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0" });
    this.items = new Map();
  }

  clear() {
    this.items.clear();
    this.node.replaceChildren();
  }

  // Committed. Replaces the provisional reply or the pending message of the same id.
  show(frame) {
    const known = this.items.get(frame.id) || (frame.client_id && this.items.get(frame.client_id));
    if (known?.seq === frame.seq && known.committed) return false;
    const item = { seq: frame.seq, committed: true, node: this.bubble(frame) };
    known?.node.remove();
    if (frame.client_id) this.items.set(frame.client_id, item);
    this.items.set(frame.id, item);
    this.insert(item);
    this.scroll();
    return true;
  }

  insert(item) {
    const after = [...this.node.children].find((child) => {
      const rank = Number(child.dataset.seq);
      return !rank || rank > item.seq;
    });
    item.node.dataset.seq = item.seq;
    this.node.insertBefore(item.node, after || null);
  }

  // Written here, not yet acknowledged.
  pending(frame, attachments = []) {
    if (this.items.has(frame.client_id)) return;
    const node = this.bubble({ ...frame, from: "customer", attachments, html: null });
    const state = element("span", { class: "state" });
    node.append(state);
    this.items.set(frame.client_id, { node, state });
    this.node.append(node);
    this.mark(frame.client_id, this.widget.wire.online ? "sending" : "waiting");
    this.scroll();
  }

  mark(clientId, state, why = "") {
    const item = this.items.get(clientId);
    if (!item?.state) return;
    item.state.textContent = why || this.widget.text(state);
    item.state.className = `state ${state}`;
  }

  acknowledged(frame) {
    const item = this.items.get(frame.client_id);
    if (!item || item.committed) return;
    this.mark(frame.client_id, "sent");
    if (frame.message_id) this.items.set(frame.message_id, item);
  }

  // Stored and not committed yet: written in another tab, or before this page was loaded.
  waiting(frame) {
    if (this.items.has(frame.message_id) || this.items.has(frame.client_id)) return;
    this.pending(frame, frame.attachments);
    this.acknowledged(frame);
  }

  heard(frame) {
    const item = this.items.get(frame.message_id);
    if (!item || item.node.querySelector(".heard")) return;
    item.node.append(element("p", { class: "heard" }, frame.text));
    this.scroll();
  }

  edited(frame) {
    const item = this.items.get(frame.id);
    if (!item || item.deleted) return;
    const body = element("div", { class: "body", dir: "auto", html: frame.html });
    item.node.querySelector(".body")?.remove();
    item.node.querySelector(".who").after(body);
    if (!item.node.querySelector(".edited")) item.node.append(element("span", { class: "edited" }, this.widget.text("edited")));
  }

  deleted(frame) {
    const item = this.items.get(frame.id);
    if (!item) return;
    item.deleted = true;
    item.node.classList.add("deleted");
    item.node.replaceChildren(item.node.querySelector(".who"), element("p", { class: "body" }, this.widget.text("deleted")));
  }

  // An answer was rated: here, in another tab, or before.
  rated(frame) {
    const thanks = element("span", {}, this.widget.text("feedbackThanks"));
    this.items.get(frame.reply_id)?.node.querySelector(".feedback")?.replaceChildren(thanks);
  }

  provisional(frame) {
    let item = this.items.get(frame.reply_id);
    if (item?.committed) return;
    if (!item || frame.attempt > item.attempt || frame.kind === "reset") {
      item?.node.remove();
      if (frame.kind === "reset") return void this.items.delete(frame.reply_id);
      item = { attempt: frame.attempt, node: this.row("bot", element("div", { class: "body" })) };
      item.node.classList.add("provisional");
      this.items.set(frame.reply_id, item);
      const pending = [...this.node.children].find((child) => !child.dataset.seq);
      this.node.insertBefore(item.node, pending && pending.querySelector(".state.waiting") ? pending : null);
    }
    if (frame.kind === "sentence") item.node.querySelector(".body").append(element("div", { html: frame.html }));
    this.scroll();
  }

  notice(text) {
    if (this.lastNotice === text) return;
    this.lastNotice = text;
    const node = element("p", { class: "notice" }, text);
    const seq = Math.max(0, ...[...this.items.values()].map((item) => item.seq || 0));
    node.dataset.seq = seq || "";
    this.node.append(node);
    this.scroll();
  }

  row(from, ...children) {
    const { widget } = this;
    const name = { customer: widget.text("you"), agent: widget.text("person"), system: widget.text("system") }[from] || widget.botName();
    return element("article", { class: `message ${from}`, "aria-label": name }, element("span", { class: "who" }, name), ...children);
  }

  bubble(frame) {
    const body = frame.html
      ? element("div", { class: "body", dir: "auto", html: frame.html })
      : frame.text && element("div", { class: "body plain", dir: "auto" }, frame.text);
    if (body) body.querySelectorAll("a").forEach((link) => ((link.target = "_blank"), (link.rel = "noopener noreferrer")));
    const node = this.row(frame.from, body || null, ...(frame.attachments || []).map((file) => this.attachment(file)));
    if (frame.heard) node.append(element("p", { class: "heard" }, frame.heard));
    if (frame.citations?.length) node.append(this.citations(frame.citations));
    if (frame.buttons?.length) node.append(this.buttons(frame.buttons));
    if (frame.from === "bot" && frame.citations?.length) node.append(this.feedback(frame));
    if (frame.time) {
      const at = new Date(frame.time);
      node.append(element("time", { datetime: frame.time }, at.toLocaleTimeString(this.widget.locale, { hour: "2-digit", minute: "2-digit" })));
    }
    return node;
  }

  attachment(file) {
    const href = file.local || this.widget.absolute(file.href);
    const label = file.name || this.widget.text("sound");
    if (file.kind === "image") {
      return element("a", { href, target: "_blank", rel: "noopener" }, element("img", { src: href, alt: label, onload: () => this.scroll() }));
    }
    if (file.kind === "audio") return element("audio", { src: href, controls: true, preload: "metadata", "aria-label": label });
    return element("a", { href, class: "file", target: "_blank", rel: "noopener" }, icon("file"), label);
  }

  citations(citations) {
    const { widget } = this;
    const list = element("ul", { class: "citations", "aria-label": widget.text("sources") });
    for (const cited of citations) {
      const label = widget.text("openSource", { title: cited.title });
      const link = element("a", { href: widget.absolute(cited.href), target: "_blank", rel: "noopener", title: `“${cited.quote}”`, "aria-label": label }, element("b", {}, `${cited.n}`), cited.title);
      list.append(element("li", {}, link));
    }
    return list;
  }

  buttons(buttons) {
    const send = (button) => this.widget.send({ text: button.title, payload: button.payload });
    return element("div", { class: "buttons" }, ...buttons.map((button) => element("button", { type: "button", onclick: () => send(button) }, button.title)));
  }

  feedback(frame) {
    const { widget } = this;
    const box = element("div", { class: "feedback" });
    const rate = (rating) => {
      widget.wire.tell({ type: "feedback", reply_id: frame.id, rating });
      this.rated({ reply_id: frame.id });
    };
    if (frame.feedback) box.append(element("span", {}, widget.text("feedbackThanks")));
    else box.append(iconButton("up", widget.text("yes"), () => rate("up")), iconButton("down", widget.text("no"), () => rate("down")));
    return box;
  }

  scroll() {
    requestAnimationFrame(() => (this.node.scrollTop = this.node.scrollHeight));
  }
}

// Where a visitor writes, drops, pastes and speaks.
class Composer {
  constructor(widget) {
    this.widget = widget;
    this.files = [];
    const t = (key) => widget.text(key);
    this.area = element("textarea", {
      rows: 1, placeholder: t("placeholder"), "aria-label": t("placeholder"), dir: "auto",
      oninput: () => this.grow(),
      onkeydown: (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
          event.preventDefault();
          this.submit();
        }
      },
      onpaste: (event) => this.add([...(event.clipboardData?.files || [])]) && event.preventDefault(),
    });
    this.picker = element("input", { type: "file", multiple: true, hidden: true, tabindex: -1, "aria-hidden": "true", onchange: () => this.picked() });
    this.tray = element("div", { class: "tray" });
    this.warning = element("p", { class: "warning", role: "alert", hidden: true });
    this.recorder = new Recorder(widget, (blob) => this.voice(blob));
    this.line = element(
      "div", { class: "line" },
      iconButton("attach", t("attach"), () => this.picker.click()),
      this.area,
      Recorder.supported() && iconButton("mic", t("record"), () => this.recorder.begin()),
      iconButton("send", t("send"), () => this.submit()),
    );
    this.node = element("form", { class: "composer", onsubmit: (event) => event.preventDefault() }, this.warning, this.tray, this.recorder.node, this.line, this.picker);
  }

  grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(140, this.area.scrollHeight)}px`;
    const limit = this.widget.limits.message_characters || 4000;
    const length = [...this.area.value].length;
    this.warn(length > limit ? this.widget.text("tooLong", { n: length, limit }) : "");
    return length <= limit;
  }

  warn(text) {
    this.warning.textContent = text;
    this.warning.hidden = !text;
  }

  picked() {
    this.add([...this.picker.files]);
    this.picker.value = "";
  }

  // Uploads begin at once, so that sending does not wait for them. True when there was anything.
  add(files) {
    const limit = this.widget.limits.upload_bytes || 10e6;
    for (const file of files) {
      if (file.size > limit) this.warn(this.widget.text("tooLarge", { name: file.name, limit: Math.round(limit / 1e6) }));
      else this.upload(file, file.name || "image");
    }
    return files.length > 0;
  }

  upload(file, name) {
    const entry = { name, local: URL.createObjectURL(file), kind: file.type.split("/")[0] };
    const bar = element("progress", { max: 1, value: 0, "aria-label": name });
    const label = this.widget.text("remove", { name });
    const picture = entry.kind === "image" ? element("img", { src: entry.local, alt: "" }) : icon(entry.kind === "audio" ? "mic" : "file");
    entry.node = element("div", { class: "chip" }, picture, element("span", {}, name), bar, iconButton("close", label, () => this.remove(entry)));
    this.files.push(entry);
    this.tray.append(entry.node);
    entry.done = this.widget.wire
      .upload(file, name, (share) => (bar.value = share))
      .then((answer) => {
        Object.assign(entry, { id: answer.id, href: answer.href, kind: answer.kind, media_type: answer.media_type });
        bar.remove();
      })
      .catch((error) => {
        entry.failed = true;
        this.remove(entry);
        this.warn(this.widget.text("uploadFailed", { name, why: error.message }));
      });
    return entry;
  }

  remove(entry) {
    this.files = this.files.filter((other) => other !== entry);
    entry.node.remove();
  }

  async voice(blob) {
    const entry = this.upload(blob, `voice.${/mp4/.test(blob.type) ? "m4a" : "webm"}`);
    await entry.done;
    if (!entry.failed) this.submit();
  }

  async submit() {
    const text = this.area.value.trim();
    if ((!text && !this.files.length) || !this.grow() || this.busy) return;
    this.busy = true;
    const files = this.files;
    this.area.value = ""; // at once: what is typed while an upload ends is the next message
    this.grow();
    await Promise.all(files.map((entry) => entry.done));
    this.busy = false;
    const ready = files.filter((entry) => !entry.failed);
    this.files = this.files.filter((entry) => !ready.includes(entry));
    ready.forEach((entry) => entry.node.remove());
    if (text || ready.length) this.widget.send({ text, files: ready });
    this.area.focus();
  }
}

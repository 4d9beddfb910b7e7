// Voice recording with a level meter. Nothing is kept when it is cancelled.
class Recorder {
  constructor(widget, onDone) {
    Object.assign(this, { widget, onDone });
    this.meter = element("div", { class: "meter", role: "img", "aria-label": widget.text("recording") });
    this.bars = Array.from({ length: 24 }, () => this.meter.appendChild(element("i")));
    this.clock = element("span", { class: "clock", role: "timer" }, "0:00");
    this.node = element(
      "div", { class: "recorder", hidden: true },
      iconButton("close", widget.text("cancel"), () => this.end(false)),
      this.meter, this.clock,
      iconButton("send", widget.text("stop"), () => this.end(true)),
    );
  }

  static supported() {
    return typeof MediaRecorder !== "undefined";
  }

  async begin() {
    const { widget } = this;
    if (this.active) return;
    if (!isSecureContext || !navigator.mediaDevices) return widget.complain(widget.text("insecure"));
    this.active = true;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    } catch (error) {
      this.active = false;
      return widget.complain(widget.text("noMicrophone", { why: error.message || error.name }));
    }
    const chunks = [];
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.ondataavailable = (event) => chunks.push(event.data);
    this.recorder.onstop = () => {
      this.stream.getTracks().forEach((track) => track.stop());
      this.context.close();
      cancelAnimationFrame(this.frame);
      this.node.hidden = true;
      this.active = false;
      if (this.keep) this.onDone(new Blob(chunks, { type: this.recorder.mimeType }));
      widget.composer.area.focus();
    };
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 512;
    this.context.createMediaStreamSource(this.stream).connect(analyser);
    this.began = Date.now();
    this.node.hidden = false;
    this.recorder.start(500);
    this.draw(analyser, new Uint8Array(analyser.fftSize), []);
    this.node.querySelector("button.send").focus();
  }

  draw(analyser, samples, levels) {
    analyser.getByteTimeDomainData(samples);
    const level = Math.max(...samples.map((value) => Math.abs(value - 128))) / 128;
    const seconds = (Date.now() - this.began) / 1000;
    if (levels.length < seconds * 12) levels.push(level);
    this.bars.forEach((bar, at) => {
      bar.style.height = `${Math.max(8, 100 * (levels[levels.length - this.bars.length + at] || 0))}%`;
    });
    this.clock.textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    if (seconds >= (this.widget.limits.audio_seconds || 60)) return this.end(true);
    this.frame = requestAnimationFrame(() => this.draw(analyser, samples, levels));
  }

  end(keep) {
    this.keep = keep;
    if (this.recorder?.state === "recording") this.recorder.stop();
  }
}

// The connection: WebSocket first, plain HTTP where that fails. See WIRE.md. Frames go out in order, and an unanswered
// message stays in the queue until the server has acknowledged that it is stored.
class Wire {
  constructor(base, websiteToken, memory, on) {
    Object.assign(this, { base, websiteToken, memory, on });
    this.seq = 0;
    this.failures = 0;
    this.socketFailures = 0;
    this.online = false;
    this.inFlight = new Set();
    this.generation = 0;
    addEventListener("online", () => this.reconnect());
    addEventListener("offline", () => this.drop());
    addEventListener("storage", () => this.agree());
  }

  async start(locale) {
    this.locale = locale;
    const run = ++this.generation;
    while (run === this.generation) {
      try {
        const known = this.memory.get("visitor")?.id;
        const session = await this.post("/web/session", {
          website_token: this.websiteToken,
          token: this.memory.get("visitor")?.token,
          locale,
          page: location.href.split(/[?#]/)[0],
        });
        const other = this.memory.get("visitor")?.id;
        if (other && other !== known && other !== session.visitor) continue; // another tab was faster: be the same
        this.session = session;
        break;
      } catch (error) {
        if (error.status >= 400 && error.status < 500 && error.status !== 429) return this.on.refused(error);
        this.setOnline(false);
        await this.pause();
      }
    }
    if (run !== this.generation) return;
    this.memory.set("visitor", { id: this.session.visitor, token: this.session.token });
    this.seq = this.session.last_seq || 0;
    this.on.session(this.session);
    this.connect(run);
  }

  // Tabs that were opened at the same moment are one visitor: the one that is remembered.
  agree() {
    const kept = this.memory.get("visitor");
    if (!kept || !this.session || kept.id === this.session.visitor) return;
    if (!this.session.conversation && !this.seq && !this.memory.queue().length) this.start(this.locale);
  }

  // One connection at a time; each new one has a higher generation, and what an old one still does is ignored.
  connect(run = ++this.generation) {
    clearTimeout(this.timer);
    if (typeof WebSocket === "undefined" || this.socketFailures >= 3) return this.poll(run);
    let opened = false;
    const socket = new WebSocket(this.base.replace(/^http/, "ws") + "/web/ws");
    this.socket = socket;
    socket.onopen = () => {
      opened = true;
      socket.send(JSON.stringify({ type: "hello", token: this.session.token, resume: this.seq, locale: this.locale }));
    };
    socket.onmessage = (event) => {
      if (run !== this.generation) return;
      this.alive = Date.now();
      this.receive(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (run !== this.generation) return;
      this.socketFailures = opened && this.online ? 0 : this.socketFailures + 1;
      this.setOnline(false);
      if (event.code === 4401) return this.renew();
      this.pause().then(() => run === this.generation && this.connect());
    };
    clearInterval(this.heart);
    this.heart = setInterval(() => {
      if (socket.readyState !== 1) return;
      if (Date.now() - this.alive > 45000) return socket.close();
      socket.send('{"type":"ping"}');
    }, 20000);
    this.alive = Date.now();
  }

  async poll(run) {
    this.socket = null;
    const began = Date.now();
    let welcomed = false;
    while (run === this.generation) {
      try {
        const wait = welcomed ? 25 : 0;
        const answer = await this.get(`/web/events?after=${this.seq}&wait=${wait}`);
        if (run !== this.generation) return;
        if (!welcomed) this.receive({ type: "welcome", seq: answer.seq, status: answer.status });
        welcomed = true;
        answer.frames.forEach((frame) => this.receive(frame));
        if (Date.now() - began > 120000) {
          this.socketFailures = 1; // perhaps a WebSocket goes through by now
          return this.connect();
        }
      } catch (error) {
        if (run !== this.generation) return;
        this.setOnline(false);
        welcomed = false;
        if (error.status === 401) return this.renew();
        await this.pause();
      }
    }
  }

  renew() {
    this.memory.set("visitor", undefined);
    this.start(this.locale);
  }

  receive(frame) {
    if (frame.type === "pong") return;
    if (frame.type === "welcome") {
      this.failures = 0;
      this.inFlight.clear();
      if (frame.token) {
        Object.assign(this.session, { token: frame.token, visitor: frame.visitor, conversation: null });
        this.memory.set("visitor", { id: frame.visitor, token: frame.token }); // all tabs go on as somebody new
        this.seq = 0;
      }
      this.setOnline(true);
      this.on.frame(frame);
      this.flush();
      return;
    }
    if (frame.type === "ack" || (frame.type === "nack" && !frame.retry_after)) this.settle(frame.client_id);
    if (frame.type === "nack" && frame.retry_after) {
      setTimeout(() => (this.inFlight.clear(), this.flush()), frame.retry_after * 1000);
    }
    if (frame.seq > this.seq) this.seq = frame.seq;
    this.on.frame(frame);
  }

  settle(clientId) {
    this.memory.settle(clientId);
    this.inFlight.delete(clientId);
    this.flush();
  }

  // A message: kept until it is acknowledged.
  say(frame) {
    this.memory.enqueue(frame);
    this.flush();
  }

  // Everything else: sent when connected, else dropped (it describes a moment).
  tell(frame) {
    if (this.online) this.put(frame);
  }

  // The oldest unsent message only: the order is kept by waiting for each acknowledgement.
  flush() {
    const frame = this.memory.queue()[0];
    if (!this.online || !frame || this.inFlight.size) return;
    this.inFlight.add(frame.client_id);
    this.put(frame);
  }

  async put(frame) {
    if (this.socket) {
      if (this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
      return;
    }
    const run = this.generation;
    try {
      const answer = await this.post("/web/messages", frame);
      for (const reply of answer.frames || []) this.receive(reply);
    } catch (error) {
      if (run === this.generation && frame.client_id) {
        this.inFlight.delete(frame.client_id);
        setTimeout(() => this.flush(), 2000);
      }
    }
  }

  // Go on as somebody new, with all tabs; alone where the server does not say who that is.
  reset() {
    const before = this.session?.token;
    const anew = () => {
      if (this.session?.token !== before) return;
      this.drop();
      this.session = undefined;
      this.memory.forget();
      this.start(this.locale);
    };
    this.memory.forget();
    if (!this.online) return anew();
    this.tell({ type: "reset" });
    setTimeout(anew, 3000);
  }

  setOnline(online) {
    this.online = online;
    if (!online) this.inFlight.clear();
    this.on.online(online);
  }

  drop() {
    this.generation++;
    this.socket?.close();
    this.setOnline(false);
  }

  reconnect() {
    this.failures = 0;
    this.socket?.close();
    if (this.session) this.connect();
    else this.start(this.locale);
  }

  pause() {
    const seconds = Math.min(15, 0.5 * 2 ** this.failures++) * (0.7 + 0.6 * Math.random());
    return new Promise((resolve) => (this.timer = setTimeout(resolve, seconds * 1000)));
  }

  headers() {
    return this.session ? { Authorization: `Bearer ${this.session.token}` } : {};
  }

  async post(path, body) {
    const headers = { "Content-Type": "application/json", ...this.headers() };
    return read(await fetch(this.base + path, { method: "POST", headers, body: JSON.stringify(body) }));
  }

  async get(path) {
    return read(await fetch(this.base + path, { headers: this.headers() }));
  }

  // Uploads report their progress (0 to 1), which fetch cannot.
  upload(file, name, onProgress) {
    return new Promise((resolve, reject) => {
      const form = new FormData();
      form.append("file", file, name);
      const request = new XMLHttpRequest();
      request.open("POST", this.base + "/web/uploads");
      request.setRequestHeader("Authorization", `Bearer ${this.session.token}`);
      request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
      request.onload = () => {
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          // Not ours: a proxy's error page. The status says enough.
        }
        if (request.status < 300) resolve(answer);
        else reject(new Error(answer.error?.text || answer.detail || `${request.status}`));
      };
      request.onerror = () => reject(new Error("network"));
      request.send(form);
    });
  }
}

async function read(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  throw Object.assign(new Error(body.error?.text || response.statusText), { status: response.status });
}

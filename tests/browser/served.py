"""A real `frontdesk serve` in a process of its own, which tests may kill and start again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

FAKES = ("speech", "captioner", "encoder", "reader", "checker", "generator")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """`real` names the engines that run on their weights; the others are fakes."""

    def __init__(self, home: Path, *, real: tuple[str, ...] = (), **variables: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = home.parent / f"{home.name}.log"
        engines = {f"FRONTDESK_ENGINES__{name}".upper(): "fake" for name in FAKES if name not in real}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FRONTDESK_")}
        if "FRONTDESK_MODELS" in os.environ:
            kept["FRONTDESK_MODELS"] = os.environ["FRONTDESK_MODELS"]
        self.environment = {**kept, **engines, **variables}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, patience: float = 120) -> None:
        """Returns when it is ready; fails with its log when it ends or takes too long."""
        command = [sys.executable, "-m", "channels.cli", "serve", "--home", str(self.home), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        until = time.monotonic() + patience
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"the server did not become ready:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def run(self, *arguments: str) -> str:
        """Another `frontdesk` command on the same home, as a person at a terminal would; its standard output."""
        command = [sys.executable, "-m", "channels.cli", *arguments, "--home", str(self.home)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

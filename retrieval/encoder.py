"""Texts to vectors: the Protocol, and its plain implementation for ingestion and evaluation."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from retrieval.errors import SnapshotError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Encoder(Protocol):
    """What an index is made with. `name` goes into the manifest: vectors of two names are never compared."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 [len(texts), dimensions]; an empty text gives a vector too."""
        ...


class SentenceEncoder:
    """A sentence-transformers model from a folder."""

    def __init__(self, path: Path, device: str = "cpu", *, name: str | None = None) -> None:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call] # one for a fraction of a second, on top of ours
        self._model = SentenceTransformer(str(path), device=device, local_files_only=True)
        self.name = name or name_of(path)
        self.dimensions = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Normalised vectors, in batches of texts of like length."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        vectors = self._model.encode(
            list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.ascontiguousarray(vectors, np.float32)


def name_of(path: Path) -> str:
    """The name of the encoder in a folder: a digest of its weights, so that a retrained one is never taken for it."""
    weights = path / "model.safetensors"
    if not weights.is_file():
        raise SnapshotError(f"{path} holds no encoder (model.safetensors is missing); run: frontdesk models pull")
    with weights.open("rb") as file:
        return f"{path.name}-{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"


TUNED = "tuned.safetensors"
SETTINGS = "encoder.json"


def digest_of(folder: Path) -> str:
    """The first 12 digits of the sha256 of an encoder's weights."""
    return name_of(folder).rpartition("-")[2]


def merged(base: Path, tuned: Path, cache: Path) -> Path:
    """The folder of a whole encoder in `cache`: that of `base` with the layers in `tuned` in place of its own.

    `tuned` is what `frontdesk train encoder` writes. The folder is made once and appears whole or not at all. Raises
    SnapshotError when `tuned` is damaged or was made for another encoder.
    """
    try:
        said = json.loads((tuned / SETTINGS).read_text(encoding="utf-8"))
        wanted, version = str(said["base"]), str(said["version"])
        whole = (tuned / TUNED).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"{tuned} holds no tuned encoder: {error}") from None
    if hashlib.sha256(whole).hexdigest()[:12] != version:
        raise SnapshotError(f"{tuned / TUNED} is not the version {version} that {SETTINGS} names")
    if (found := digest_of(base)) != wanted:
        raise SnapshotError(f"{tuned} was tuned from an encoder with the digest {wanted}, and {base} has {found}")
    folder = cache / f"encoder-tuned-{version}"
    if folder.is_dir():
        return folder
    from safetensors.numpy import load, load_file, save_file

    weights = load_file(base / "model.safetensors")
    changed = load(whole)
    if unknown := sorted(set(changed) - set(weights)):
        raise SnapshotError(f"{tuned / TUNED} has weights that the encoder does not have: {', '.join(unknown[:3])}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".encoder-tuned-") as made:
        fresh = Path(made) / "encoder"
        shutil.copytree(base, fresh, ignore=shutil.ignore_patterns("model.safetensors", "weights.json"))
        weights |= {name: value.astype(weights[name].dtype) for name, value in changed.items()}
        save_file(weights, fresh / "model.safetensors", metadata={"format": "pt"})
        (fresh / "model.safetensors").chmod((base / "model.safetensors").stat().st_mode & 0o777 | 0o200)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster
                raise
    return folder


def encode_all(
    encoder: Encoder, texts: Sequence[str], progress: Callable[[int], None] | None = None, batch: int = 64
) -> NDArray[np.float32]:
    """Encode many texts, the longest first: the first batch shows whether memory suffices. Each batch is reported."""
    import numpy as np

    vectors = np.zeros((len(texts), encoder.dimensions), np.float32)
    order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        vectors[rows] = encoder.encode([texts[row] for row in rows])
        if progress is not None:
            progress(len(rows))
    return vectors

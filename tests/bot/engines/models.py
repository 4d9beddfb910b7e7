"""Folders that look like trained models, for tests of the registry: a few bytes that no engine could load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def trained(folder: Path, version: str = "1", *, kind: str = "reader", **metrics: Any) -> Path:
    """A folder as `frontdesk train` leaves it."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(f"weights {version}".encode())
    (folder / f"{kind}.json").write_text(json.dumps({"version": version}))
    (folder / "metrics.json").write_text(json.dumps({"version": version, **metrics}))
    (folder / "README.md").write_text(f"# {kind.title()} {version}\n\n- **Data:** made up.\n")
    (folder / "checkpoint.pt").write_bytes(b"what a run left for itself")
    return folder

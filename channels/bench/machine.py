"""On what a figure was measured, and a reference forward pass to hold it against."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ("frontdesk", "torch", "transformers", "faiss-cpu", "onnxruntime", "sqlalchemy")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system, versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES if _installed(name)},
    }


def reference_ms(repeats: int = 15) -> float:
    """The median of a fixed forward pass: six BERT layers of MiniLM's size over 5 x 192 tokens, float32, all cores.

    It has nothing of ours in it, so the quotient of a figure and this one can be compared between machines.
    """
    import torch

    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(384, 12, 1536, batch_first=True, activation="gelu")
    body = torch.nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).eval()
    tokens = torch.randn(5, 192, 384)
    times = []
    with torch.inference_mode():
        body(tokens)
        for _ in range(repeats):
            began = time.perf_counter()
            body(tokens)
            times.append(time.perf_counter() - began)
    return median(times) * 1000


def python_ms(repeats: int = 15) -> float:
    """The median of a fixed piece of plain Python on one core: a table of 5,000 rows to JSON, back, and counted.

    What `reference_ms` is for the models, this is for what works without any.
    """
    rows = [{"id": number, "name": f"row {number}", "tags": [number % 7, number % 11]} for number in range(5000)]
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        Counter(tag for row in json.loads(json.dumps(rows)) for tag in row["tags"])
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def sync_ms(folder: Path, repeats: int = 50) -> float:
    """The median time until the disk under this folder has a page of 4 KiB for good."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(repeats):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return median(times) * 1000


def resident_mib(pid: int | None = None) -> float:
    """Memory that a process and all its descendants hold in RAM (proportional set size: shared pages counted once)."""
    total = 0
    for each in _family(pid or os.getpid()):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def _family(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(after[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        each = todo.pop()
        found.append(each)
        todo += children.get(each, [])
    return found


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True

"""What a model was trained on, for its card, and what that took."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path


def hardware(device: str) -> str:
    """The graphics card's or the processor's name, with the threads used."""
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name())
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {torch.get_num_threads()} of {os.cpu_count()} cores"


def peak_memory(device: str) -> float:
    """The most memory that this process (on CUDA: its tensors there) has held until now, in MiB. 0 on Windows."""
    if device == "cuda":
        import torch

        return float(torch.cuda.max_memory_allocated()) / 2**20
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10

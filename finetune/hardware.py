"""What a model was trained on, for its card."""

from __future__ import annotations

import os
import platform
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

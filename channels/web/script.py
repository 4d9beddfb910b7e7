"""The widget's one script: the files in `widget/`, joined in the order of their names. No build, no framework."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "widget"


@cache
def script() -> tuple[bytes, str]:
    """The script (UTF-8) and its ETag. The stylesheet travels inside it, since a shadow tree takes no link."""
    style = json.dumps((FOLDER / "widget.css").read_text(encoding="utf-8"), ensure_ascii=False)
    parts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.js"))]
    joined = "\n".join(['(() => {\n"use strict";', f"const STYLE = {style};", *parts, "})();\n"]).encode()
    return joined, f'"{hashlib.sha256(joined).hexdigest()[:20]}"'

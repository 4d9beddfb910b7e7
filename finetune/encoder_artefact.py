"""What tuning the encoder leaves behind, in one folder: the weights that changed, and what is known of them.

tuned.safetensors        the layers that were tuned, in fp16; the rest is the untuned encoder's
encoder.json             of which encoder, and which version this is (read by `retrieval.encoder.merged`)
metrics.json, README.md, curve.png   what it was tuned on and how good it is
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.encoder import Recipe
from retrieval.encoder import SETTINGS, TUNED, digest_of

BASE = "sentence-transformers/all-MiniLM-L6-v2"


def write_weights(weights: Mapping[str, Any], base: Path, share: float, out: Path) -> str:
    """Save the tuned weights, `share` of the way from the untuned ones, and return their version: the first 12 digits
    of the file's sha256. Averaging with the original gives back most of what tuning forgets (Wortsman et al. 2022,
    arXiv:2109.01903).
    """
    import torch
    from safetensors.torch import load_file, save_file

    before = load_file(base / "model.safetensors")
    mixed = {
        name: torch.lerp(before[name].float(), value.detach().cpu().float(), share) for name, value in weights.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    file = out / TUNED
    save_file({name: value.to(torch.float16).contiguous() for name, value in mixed.items()}, file)
    version = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    content = {"base": digest_of(base), "version": version, "share": share}
    (out / SETTINGS).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return version


CARD = """---
base_model: {base}
library_name: sentence-transformers
license: {licence}
language: en
pipeline_tag: sentence-similarity
---

# Encoder {version}

Puts a customer's question near the passage that answers it. {tuned} layers of {base} (Apache-2.0), tuned with
`frontdesk train encoder`; the word embeddings and the other layers are the base's and not part of this folder.

- **Data:** {data}.
- **Licence:** {licence}, as the data ask.
- **Use:** English, with the setting `engines.encoder = "minilm-tuned"` and, in the bot's models.toml, an entry
  `[encoder-tuned]` whose source is this folder (`kind = "local"`). Its vectors are not the base's: documents are
  ingested anew with it.
- **Trained** on {date}, on {hardware}, in {minutes} minutes.

| part | how | queries | recall@1 | @5 | @10 | MRR@10 | untuned: recall@1 | @5 | @10 | MRR@10 |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Each query is looked for among all {passages} passages. Passages to choose on and to report on were not trained on.
{old}{curve}
Options: `{recipe}`
"""
PARTS = {"choose": "to choose on", "report": "reports only"}
HOW = {"encoder": "encoder alone", "fused": "with BM25"}


def write_card(out: Path, recipe: Recipe, metrics: Mapping[str, Any], *, data: str, licence: str, curve: bool) -> None:
    """README.md: where it comes from, what it may be used for, how good it is, beside the untuned encoder."""
    rows = [
        f"| {PARTS[part]} | {HOW[how]} | {after['queries']} | {_figures(after)} | {_figures(scores['before'][how])} |"
        for part, scores in metrics["scores"].items()
        for how, after in scores["after"].items()
    ]
    kept = ""
    if old := metrics["old"]:
        kept = (
            f"\nOf what it knew before ({old['after']['queries']} queries of other kinds, each to its own text), "
            f"recall@1 is {old['after']['recall_1']} (untuned: {old['before']['recall_1']}).\n"
        )
    text = CARD.format(
        base=BASE,
        version=metrics["version"],
        licence=licence,
        tuned=metrics["tuned_layers"],
        data=data,
        date=metrics["date"],
        hardware=metrics["hardware"],
        minutes=round(metrics["seconds"] / 60),
        rows="\n".join(rows),
        passages=metrics["pairs"]["passages"],
        old=kept,
        curve="\n![training curve](curve.png)\n" if curve else "",
        recipe=json.dumps({**asdict(recipe), "share": metrics["share"]}),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _figures(scores: Mapping[str, float]) -> str:
    return " | ".join(f"{scores[name]:.1f}" for name in ("recall_1", "recall_5", "recall_10", "mrr"))

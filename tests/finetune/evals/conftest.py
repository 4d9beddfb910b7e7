"""The evaluations' fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.finetune.evals import company


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> company.Evaluate:
    """`frontdesk eval` on a small bot whose engines are fakes."""
    for part in ("SPEECH", "CAPTIONER", "ENCODER", "READER", "CHECKER", "GENERATOR"):
        monkeypatch.setenv(f"FRONTDESK_ENGINES__{part}", "fake")
    return company.evaluator(tmp_path, capsys)

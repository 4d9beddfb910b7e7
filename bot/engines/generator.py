"""The generator "smollm2": a small language model by transformers in this process, streaming, greedy, one at a time.

The prompt's first message, the system's, is the same turn after turn: its keys and values are kept. It is always run on
its own, kept or not, so that the same messages give the same reply.

"smollm2-tuned" is the same model with an adapter that `frontdesk train generator` wrote, merged when it is loaded.
"""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.engines.base import ChatMessage
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import EngineUnready, TooLarge, WeightsError
from bot.settings import Settings

CONTEXT = 2_048
"""Prompt tokens at most: on 2 cores, a longer prompt is not even read within the time that a turn has."""
TUNED = "smollm2-tuned"
"""The setting `engines.generator` that asks for the tuned one."""
HEADS = 4
"""System messages whose keys and values are kept (about 50 KB a token in fp32)."""


@dataclass(slots=True, eq=False)
class _Job:
    """One reply: `head` are how many of `ids` are the system message's; `emit` may be called from any thread."""

    ids: list[int]
    head: int
    limit: int
    emit: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)


class SmolLM2:
    """Any causal language model with a chat template in the weights "generator". bf16 on CUDA, fp32 on the CPU."""

    def __init__(self, settings: Settings, weights: Weights, *, tuned: bool = False) -> None:
        self.name = TUNED if tuned else "smollm2"
        self._tuned = tuned
        self._settings, self._weights = settings, weights
        self._tokenizer: Any = None
        self._device = "cpu"
        self._ends: frozenset[int] = frozenset()
        self._marks: tuple[str, ...] = ()
        self._heads: dict[tuple[int, ...], Any] = {}
        held: Loaded[Any, _Job, None] = Loaded(self._load, self._run, name="generator", settings=settings)
        self._held = held
        self.start, self.ready, self.figures = held.start, held.ready, held.figures

    async def close(self) -> None:
        """Stop the worker and let go of the model."""
        await self._held.close()
        self._heads.clear()

    async def stream(
        self, messages: Sequence[ChatMessage], *, max_tokens: int = 96, seed: int = 0
    ) -> AsyncGenerator[str]:
        """The reply in pieces of whole characters. Greedy, so `seed` changes nothing. TooLarge over the context."""
        del seed
        if not self._held.loaded:
            raise EngineUnready("generator is not started")
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[str | None]()
        ids, head = await asyncio.to_thread(self._prompt, list(messages))
        job = _Job(ids, head, max_tokens, lambda piece: _tell(loop, pieces, piece))
        done = asyncio.ensure_future(self._held.submit(job))
        done.add_done_callback(lambda _: pieces.put_nowait(None))
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await done
        finally:
            job.stop.set()
            done.cancel()
            if done.done() and not done.cancelled():
                done.exception()  # looked at, so that asyncio does not complain of it when the caller had gone

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        folder = self._weights.path("generator")
        devices.calm_threads()
        with devices.LOADING:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            devices.prepare_torch(self._settings)
            self._device = devices.pick(self._settings)
            dtype = torch.bfloat16 if self._device == "cuda" else torch.float32
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model: Any = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=dtype)
            if self._tuned:
                model, self.name = _adapted(model, self._weights.path("generator-tuned"))
        special = {*self._tokenizer.all_special_ids, model.config.eos_token_id}
        self._ends = frozenset(token for token in special if token is not None)
        self._marks = tuple(mark for mark in self._tokenizer.all_special_tokens if mark)
        if not self._tuned:
            self.name = f"smollm2-{folder.name.rpartition('-')[2]}"
        model = model.eval().to(self._device)
        ids, head = self._prompt([ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")])
        self._generate(model, _Job(ids, head, 2, lambda piece: None))  # the first pass is slow
        return model

    def _prompt(self, messages: list[ChatMessage]) -> tuple[list[int], int]:
        """Token ids, and how many of them are the system message."""
        turns = [{"role": message.role, "content": self._plain(message.content)} for message in messages]
        ids = self._tokens(turns, begin_reply=True)
        if len(ids) > CONTEXT:
            raise TooLarge(f"the prompt has {len(ids)} tokens, the generator reads {CONTEXT}")
        if len(turns) < 2 or turns[0]["role"] != "system":
            return ids, 0
        head = self._tokens(turns[:1], begin_reply=False)
        return ids, len(head) if ids[: len(head)] == head else 0

    def _tokens(self, turns: list[dict[str, str]], *, begin_reply: bool) -> list[int]:
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=begin_reply)
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    def _plain(self, text: str) -> str:
        """The text without the marks that end a message: nobody's words may pretend to be another's."""
        before = None
        while before != text:
            before = text
            for mark in self._marks:
                text = text.replace(mark, "")
        return text

    def _run(self, model: Any, jobs: list[_Job]) -> list[None]:
        for job in jobs:
            self._generate(model, job)
        return [None] * len(jobs)

    def _generate(self, model: Any, job: _Job) -> None:
        import torch
        from tokenizers.decoders import DecodeStream

        decoder = DecodeStream(skip_special_tokens=True)
        with torch.inference_mode():
            cache = self._read_head(model, job.ids[: job.head])
            fresh = job.ids[job.head :]
            for _ in range(job.limit):
                if job.stop.is_set():
                    return
                logits = self._forward(model, fresh, cache)
                token = int(logits.argmax())
                if token in self._ends:
                    return
                if piece := decoder.step(self._tokenizer.backend_tokenizer, token):
                    job.emit(piece)
                fresh = [token]

    def _read_head(self, model: Any, head: list[int]) -> Any:
        """A cache that holds the system message. Growing it leaves the kept one as it is: layers grow by copying."""
        from transformers import DynamicCache

        if not head:
            return DynamicCache()
        key = tuple(head)
        if key not in self._heads:
            cache: Any = DynamicCache()
            self._forward(model, head, cache)
            while len(self._heads) >= HEADS:
                self._heads.pop(next(iter(self._heads)))
            self._heads[key] = [(layer.keys, layer.values) for layer in cache.layers]
        return DynamicCache(ddp_cache_data=self._heads[key])

    def _forward(self, model: Any, ids: list[int], cache: Any) -> Any:
        """The last position's logits, [vocabulary]; `cache` grows by `ids`."""
        import torch

        inputs = torch.tensor([ids], device=self._device)
        return model(input_ids=inputs, cache=cache, use_cache=True, logits_to_keep=1).logits[0, -1]


def tuned(settings: Settings, weights: Weights) -> SmolLM2:
    """The generator "smollm2-tuned"."""
    return SmolLM2(settings, weights, tuned=True)


def _adapted(model: Any, adapter: Path) -> tuple[Any, str]:
    """The model with a LoRA adapter merged into it, and a name that tells the adapter's version."""
    import hashlib

    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
            merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
        digest = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"the generator's adapter in {adapter} cannot be loaded: {error}") from error
    return merged, f"{TUNED}-{digest[:12]}"


def _tell(loop: asyncio.AbstractEventLoop, pieces: asyncio.Queue[str | None], piece: str) -> None:
    """From the worker's thread to the caller's loop, if that still runs."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(pieces.put_nowait, piece)

"""The other side of the ratio: a Haystack pipeline on our weights and our chunks, in a process of its own.

BM25 and dense retrieval, joined by reciprocal rank, then the extractive reader on the same number of passages of the
same length. Run as `python -m channels.bench.haystack SPEC.json`; prints one JSON object. Needs the extra `bench`.

"Best" is the best of several numbers of workers and threads; each worker has a pipeline of its own, since one is not
made to be run by two threads at once. "defaults" is what Haystack does when it is told nothing about reading: one
pipeline, every joined passage read, torch's own threads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import MissingExtra


@dataclass(frozen=True, slots=True)
class Spec:
    """What both sides are given. `vectors` is a .npy file, float32 [chunks, dimensions]; `seconds` is per setting."""

    chunks: list[str]
    vectors: str
    questions: list[str]
    encoder: str
    reader: str
    passages: int
    max_length: int
    callers: list[int]
    seconds: float
    settings: list[tuple[int, int]]


def versions() -> dict[str, str]:
    """The packages of the extra. MissingExtra when one is not there."""
    from importlib import metadata

    found = {}
    for name in ("haystack-ai", "transformers-haystack", "sentence-transformers-haystack"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise MissingExtra(name, "bench") from None
    return found


def pipeline(spec: Spec, *, defaults: bool) -> Callable[[str], str]:
    """question -> answer text ("" for none)."""
    import numpy as np
    from haystack import Document, Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersTextEmbedder
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    vectors = np.load(spec.vectors)
    store.write_documents(
        [Document(content=text, embedding=vector.tolist()) for text, vector in zip(spec.chunks, vectors, strict=True)]
    )
    told: dict[str, Any] = {} if defaults else {"top_k": spec.passages}
    reading: dict[str, Any] = {} if defaults else {"max_seq_length": spec.max_length, "top_k": 1}
    built = Pipeline()
    built.add_component("embedder", SentenceTransformersTextEmbedder(model=spec.encoder, progress_bar=False))
    built.add_component("dense", InMemoryEmbeddingRetriever(store))
    built.add_component("sparse", InMemoryBM25Retriever(store))
    built.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", **told))
    built.add_component("reader", TransformersExtractiveReader(model=spec.reader, **reading))
    built.connect("embedder.embedding", "dense.query_embedding")
    built.connect("dense", "joiner")
    built.connect("sparse", "joiner")
    built.connect("joiner", "reader.documents")

    def ask(question: str) -> str:
        result = built.run(
            {"embedder": {"text": question}, "sparse": {"query": question}, "reader": {"query": question}}
        )
        best = result["reader"]["answers"][0]
        return best.data or ""

    return ask


def throughput(workers: list[Callable[[str], str]], questions: list[str], callers: int, seconds: float) -> float:
    """Answers a second when `callers` ask at once; each waits for its answer before it asks again."""
    free = list(workers)
    until = time.perf_counter() + seconds
    done = 0

    def one(question: str) -> None:
        worker = free.pop()
        try:
            worker(question)
        finally:
            free.append(worker)

    began = time.perf_counter()
    # As many threads as there are pipelines: further callers queue, which is what they would do at a server.
    with ThreadPoolExecutor(min(callers, len(workers))) as pool:
        while time.perf_counter() < until:
            batch = [questions[(done + offset) % len(questions)] for offset in range(callers)]
            list(pool.map(one, batch))
            done += callers
    return done / (time.perf_counter() - began)


def main(path: str) -> int:
    """Measure, print one JSON object."""
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "false"
    given = json.loads(Path(path).read_text(encoding="utf-8"))
    spec = Spec(**{**given, "settings": [tuple(pair) for pair in given["settings"]]})
    import torch

    found: dict[str, Any] = {"versions": versions(), "settings": []}
    for workers, threads in spec.settings:
        torch.set_num_threads(threads)
        pool = [pipeline(spec, defaults=False) for _ in range(workers)]
        for worker in pool:
            worker(spec.questions[0])
        rates = {str(n): throughput(pool, spec.questions, n, spec.seconds) for n in spec.callers}
        found["settings"].append({"workers": workers, "threads": threads, "per_second": rates})
    answers = [pool[0](question) for question in spec.questions]
    torch.set_num_threads(os.cpu_count() or 1)
    plain = pipeline(spec, defaults=True)
    plain(spec.questions[0])
    rates = {str(n): throughput([plain], spec.questions, n, spec.seconds) for n in spec.callers}
    found |= {"answers": answers, "defaults": rates}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

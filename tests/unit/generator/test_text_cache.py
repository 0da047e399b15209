from __future__ import annotations

from typing import Any

import torch

from services.generator.models.text_cache import TextCache


class Pipeline:
    """Encodes a prompt into as many bytes as it has letters."""

    def __init__(self) -> None:
        self.calls = 0

    def encode_prompt(self, prompt: str, device: Any = None, **options: Any) -> tuple[Any, ...]:
        self.calls += 1
        return torch.zeros(len(prompt), dtype=torch.uint8), [torch.zeros(0)], None


def memoised(**limits: int) -> tuple[TextCache, Pipeline]:
    cache, pipeline = TextCache(**limits), Pipeline()
    cache.memoise(pipeline)
    return cache, pipeline


def test_the_same_prompt_is_encoded_once_for_each_option() -> None:
    cache, pipeline = memoised()
    first = pipeline.encode_prompt("a fox", torch.device("cpu"), negative="bad")
    assert pipeline.encode_prompt("a fox", torch.device("cpu"), negative="bad")[0] is first[0]
    assert pipeline.calls == 1
    pipeline.encode_prompt("a fix", torch.device("cpu"), negative="bad")
    pipeline.encode_prompt("a fox", torch.device("cpu"), negative="worse")
    pipeline.encode_prompt("a fox", torch.device("meta"), negative="bad")
    pipeline.encode_prompt("a fox", torch.device("cpu"), negative=None)
    assert pipeline.calls == 5
    assert len(cache) == 5


def test_true_is_another_answer_than_one() -> None:
    _, pipeline = memoised()
    pipeline.encode_prompt("a", guided=True)
    pipeline.encode_prompt("a", guided=1)
    assert pipeline.calls == 2


def test_a_list_that_the_pipeline_changes_is_not_changed_in_the_cache() -> None:
    _, pipeline = memoised()
    pipeline.encode_prompt("a")[1].append("more")
    assert len(pipeline.encode_prompt("a")[1]) == 1
    assert pipeline.calls == 1


def test_the_least_recently_used_goes_first() -> None:
    cache, pipeline = memoised(limit_entries=2)
    for prompt in ("a", "b", "a", "c", "a", "b"):
        pipeline.encode_prompt(prompt)
    assert pipeline.calls == 4
    assert len(cache) == 2


def test_bytes_are_bounded_and_what_is_larger_is_not_kept() -> None:
    cache, pipeline = memoised(limit_bytes=100)
    for letter in "abcdefghij":
        pipeline.encode_prompt(12 * letter)
    assert (len(cache), cache.held_bytes) == (8, 96)
    pipeline.encode_prompt(101 * "x")
    assert len(cache) == 8
    cache.clear()
    assert (len(cache), cache.held_bytes) == (0, 0)


def test_a_prompt_that_is_encoded_with_a_picture_is_encoded_each_time() -> None:
    cache, pipeline = memoised()
    for _ in range(2):
        pipeline.encode_prompt("a", image=torch.zeros(1, 3, 2, 2))
        pipeline.encode_prompt("a", image=[object()])
    assert pipeline.calls == 4
    assert len(cache) == 0


def test_an_old_class_is_memoised_by_its_own_name() -> None:
    class Old:
        calls = 0

        def _encode_prompt(self, prompt: str) -> torch.Tensor:
            self.calls += 1
            return torch.zeros(1)

    cache, pipeline = TextCache(), Old()
    cache.memoise(pipeline)
    pipeline._encode_prompt("a")
    pipeline._encode_prompt("a")
    assert pipeline.calls == 1

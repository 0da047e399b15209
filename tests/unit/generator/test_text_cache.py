import torch

from services.generator.models.text_cache import TextCache


class Encoder(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, tokens: torch.Tensor, **options: object) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        self.calls += 1
        return tokens.float() * 2, {"pooled": tokens.float().sum()}


def tokens(*numbers: int) -> torch.Tensor:
    return torch.tensor([numbers])


def test_the_same_tokens_are_encoded_once_for_each_encoder_and_option() -> None:
    cache, one, two = TextCache(), Encoder(), Encoder()
    cache.memoise("one", one)
    cache.memoise("two", two)
    first = one(tokens(1, 2))
    assert one(tokens(1, 2)) is first
    assert one.calls == 1
    one(tokens(1, 3))
    one(tokens(1, 2), attention_mask=None)
    one(tokens(1, 2), attention_mask=torch.ones(1, 2, dtype=torch.bool))
    one(tokens(1, 2), output_hidden_states=True)
    one(tokens(1, 2).int())
    assert one.calls == 6
    two(tokens(1, 2))
    assert two.calls == 1


def test_the_least_recently_used_goes_first() -> None:
    cache, encoder = TextCache(limit_entries=2), Encoder()
    cache.memoise("one", encoder)
    for number in (1, 2, 1, 3, 1, 2):
        encoder(tokens(number))
    assert encoder.calls == 4
    assert len(cache) == 2


def test_bytes_are_bounded_and_what_is_larger_is_not_kept() -> None:
    cache, encoder = TextCache(limit_bytes=100), Encoder()
    cache.memoise("one", encoder)
    for number in range(20):
        encoder(tokens(number, number))  # 8 bytes and 4
    assert len(cache) == 8
    encoder(tokens(*range(50)))
    assert len(cache) == 8
    cache.clear()
    assert len(cache) == 0


def test_a_call_with_a_picture_always_runs() -> None:
    cache, encoder = TextCache(), Encoder()
    cache.memoise("one", encoder)
    for _ in range(2):
        encoder(tokens(1), pixel_values=torch.zeros(1, 3, 2, 2))
        encoder(tokens(1), something=object())
    assert encoder.calls == 4
    assert len(cache) == 0

"""The tokenizer and the text encoder: a small CLIP text model that knows this vocabulary and nothing else.

The encoder is first trained to tell object, colour and style from a caption, and then left as it is: the denoiser
reads its output, and captions can be encoded once.
"""

from __future__ import annotations

import json
import random

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from training.captions import corpus, paraphrase
from training.dataset import Drawings
from training.objects import OBJECTS, PALETTE
from training.progress import say
from training.settings import Settings
from training.sources import STYLES

START, END = "<|startoftext|>", "<|endoftext|>"


def byte_letters() -> list[str]:
    """The 256 letters by which byte-level BPE writes bytes, as in GPT-2 and CLIP."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = {byte: chr(byte) for byte in kept}
    extra = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(256 + number) for number, byte in enumerate(extra)})
    return [letters[byte] for byte in sorted(letters)]


def make_tokenizer(settings: Settings) -> CLIPTokenizer:
    """A byte-pair tokenizer over the captions' words; unknown words fall apart into letters, never fail."""
    trainer = trainers.BpeTrainer(vocab_size=1500, end_of_word_suffix="</w>", show_progress=False, min_frequency=1)
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.pre_tokenizer = pre_tokenizers.Whitespace()
    learner.train_from_iterator(corpus(), trainer)
    merges = [tuple(pair) for pair in json.loads(learner.to_str())["model"]["merges"]]
    letters = byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters)]
    tokens += [token for token in dict.fromkeys(a + b for a, b in merges) if token not in set(tokens)]
    vocabulary = {token: number for number, token in enumerate([*tokens, START, END])}
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        model_max_length=settings.text_tokens,
        pad_token=END,
        bos_token=START,
        eos_token=END,
        unk_token=END,
    )


def tokenize(tokenizer: CLIPTokenizer, captions: list[str], length: int) -> torch.Tensor:
    """Token numbers, number x length, padded and cut as the pipeline does it."""
    return tokenizer(captions, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids


def make_encoder(settings: Settings, tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.text_width,
            intermediate_size=3 * settings.text_width,
            projection_dim=settings.text_width,
            num_hidden_layers=settings.text_layers,
            num_attention_heads=4,
            max_position_embeddings=settings.text_tokens,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.eos_token_id,
            hidden_act="gelu",
        )
    )


def train(settings: Settings, drawings: Drawings) -> tuple[CLIPTokenizer, CLIPTextModel]:
    """Tokenizer and encoder, trained for ``text_seconds`` or read from an earlier run."""
    folder = settings.folder("text")
    if (folder / "model.safetensors").exists():
        return CLIPTokenizer.from_pretrained(folder), CLIPTextModel.from_pretrained(folder).eval()
    torch.manual_seed(settings.seed)
    chance = random.Random(settings.seed)
    tokenizer = make_tokenizer(settings)
    encoder = make_encoder(settings, tokenizer).train()
    answers = ([item.name for item in OBJECTS], ["", *PALETTE], ["", *STYLES])
    heads = nn.ModuleList(nn.Linear(settings.text_width, len(names)) for names in answers)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *heads.parameters()], lr=1.5e-3, weight_decay=0.01)
    steps, correct = int(settings.text_seconds * 14), 0.0
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 1.5e-3 * min(1.0, step / 50) * (1 - step / steps)
        entries = [drawings.entries[chance.randrange(len(drawings.entries))] for _ in range(64)]
        captions = [paraphrase(entry, chance) for entry in entries]
        styles = [
            entry.style if f" {entry.style}" in f" {text}" else ""
            for entry, text in zip(entries, captions, strict=True)
        ]
        truth = [[entry.object for entry in entries], [entry.colour for entry in entries], styles]
        pooled = encoder(tokenize(tokenizer, captions, settings.text_tokens)).pooler_output
        loss = torch.zeros(())
        for head, names, words in zip(heads, answers, truth, strict=True):
            scores = head(pooled)
            loss = loss + nn.functional.cross_entropy(scores, torch.tensor([names.index(word) for word in words]))
            if names is answers[0]:
                right = (scores.argmax(1) == torch.tensor([names.index(word) for word in words])).float().mean()
                correct = 0.97 * correct + 0.03 * float(right)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 100 == 0:
            say(f"text encoder: step {step} of {steps}, loss {float(loss):.3f}, object named {correct:.1%}")
    encoder.eval()
    tokenizer.save_pretrained(folder)
    encoder.save_pretrained(folder)
    return tokenizer, encoder


@torch.no_grad()
def encode(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, captions: list[str], length: int) -> torch.Tensor:
    """What the denoiser reads: number x tokens x width, float32."""
    parts = [
        encoder(tokenize(tokenizer, captions[start : start + 256], length)).last_hidden_state
        for start in range(0, len(captions), 256)
    ]
    return torch.cat(parts)

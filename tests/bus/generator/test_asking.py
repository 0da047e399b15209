"""What a prompt may ask for, over the generator's channel: the vocabulary, and requests to be done or refused."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.generator.language.vocabulary import Vocabulary
from shared.errors import GeneratorUnavailable, InvalidRequest, RecordingBacklogFull
from tests.bus.generator.conftest import Rig

MODEL = Path(__file__).parents[3] / "generation" / "models" / "embedded"
SESSION = {"session_id": "s", "created_at": 1.0}


@pytest.fixture
async def knowing(make_rig: Callable[..., Any]) -> Rig:
    """A generator whose engine has the embedded model's vocabulary."""
    rig: Rig = await make_rig(vocabulary=Vocabulary.load(MODEL))
    return rig


async def test_a_strict_request_that_would_not_be_done_is_refused_and_nothing_is_made(knowing: Rig) -> None:
    rig = knowing
    with pytest.raises(InvalidRequest, match="remove the tree") as refused:
        await rig.generate(prompt="remove the tree", engine="model", strict=True, session=SESSION)
    assert "ladybug" in refused.value.detail
    assert "GET /vocabulary" in refused.value.detail
    assert rig.engine.started == []
    assert rig.generator.backlog.making() == {}
    made = (await rig.generate(prompt="a small ladybug", strict=True)).body
    assert made["requested"] == {"strict": True}
    assert (await rig.generate(prompt="a cat and a dog")).body["requested"] == {}


async def test_a_model_that_takes_any_text_refuses_none(rig: Rig) -> None:
    assert (await rig.generate(prompt="remove the tree", engine="model", strict=True)).body["requested"] == {
        "strict": True
    }


async def test_of_a_model_that_takes_any_text_no_objects_are_told(rig: Rig) -> None:
    told = (await rig.ask("vocabulary")).body
    assert (told["model"]["id"], told["objects"]) == ("steered", None)


async def test_the_vocabulary_is_told(knowing: Rig) -> None:
    told = (await knowing.ask("vocabulary")).body
    assert told["model"]["id"] == "steered"
    assert len(told["objects"]) == 78
    assert told["objects"][0]["name"] == "ladybug"
    assert told["fallback"] == "bird"
    assert told["most"] == 5
    assert "tiny" in told["sizes"]["small"]


async def test_without_a_model_there_is_no_vocabulary(make_rig: Callable[..., Any]) -> None:
    rig = await make_rig(load_error=RuntimeError("no such folder /m"))
    with pytest.raises(GeneratorUnavailable, match="no such folder /m"):
        await rig.ask("vocabulary")


async def test_a_profile_counts_against_the_backlog(make_rig: Callable[..., Any]) -> None:
    buffer = io.BytesIO()
    profile = b"\0" * 16 + b"RGB " + b"\0" * 16 + b"acsp" + random.Random(2).randbytes(2_000_000)
    Image.new("RGB", (96, 64)).save(buffer, "JPEG", icc_profile=profile)
    rig = await make_rig(backlog_bytes=5_000_000)
    with pytest.raises(RecordingBacklogFull):
        await rig.generate(buffer.getvalue(), session=SESSION)
    assert rig.engine.started == []

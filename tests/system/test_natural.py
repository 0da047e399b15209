"""Natural changes through the whole system: asked for in each way, recorded, verified, made again, made ahead."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.generator import png
from services.generator.engine import Pixels
from services.generator.natural.wishes import KINDS
from shared import sectors
from shared.sectors import Region
from tests.support.studio import TIMEOUT_S, Answered, Studio, flat_png, studio_in
from tests.support.waiting import eventually
from tests.system.reproduce.support import command
from tests.unit.generator.natural.scenes import BALL, SIDE, disc, redness, sand, with_ball

pytestmark = pytest.mark.system

BOX = [2 * SIDE + BALL.left - 4, 2 * SIDE + BALL.top - 4, 2 * SIDE + BALL.right + 4, 2 * SIDE + BALL.bottom + 4]
"""Of the ball in the sector BR."""


def beach() -> Pixels:
    """Sand in all nine sectors, and a red ball in the last one."""
    picture = sand(3 * SIDE, 3 * SIDE)
    picture[2 * SIDE :, 2 * SIDE :] = with_ball(sand(seed=9))
    return picture


BEACH = beach()
PICTURE = png.encode(BEACH)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio_in(tmp_path_factory.mktemp("natural")) as made:
        made.start_everything()
        yield made


def pixels_of(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def ask(studio: Studio, seed: int = 3, **fields: Any) -> Answered:
    return studio.generate(seed, **{"image": PICTURE, "target_sector": "BR", "prompt": None, **fields})


def refusal(studio: Studio, **fields: Any) -> dict[str, Any]:
    asked = {"image": PICTURE, "target_sector": "BR", "prompt": None, **fields}
    answer = studio.post_generate(3, **asked)
    assert answer.status_code == 422, answer.text
    told: dict[str, Any] = answer.json()
    return told


def said(answered: Answered) -> dict[str, Any]:
    """What a frame's own text says."""
    text: dict[str, Any] = json.loads(Image.open(io.BytesIO(answered.png)).text["parafovea"])  # type: ignore[attr-defined]
    return text


def outside(answered: Answered, sector: str = "BR") -> int:
    """Pixels outside a sector that differ from the input."""
    differ = (pixels_of(answered.png) != BEACH).any(axis=2)
    differ[sectors.region(sector, 3, 3 * SIDE, 3 * SIDE).slices] = False
    return int(differ.sum())


def stop(studio: Studio, session_id: str) -> None:
    assert studio.http.post("/session/stop").status_code == 200
    eventually(lambda: "open" not in studio.metadata(session_id), TIMEOUT_S, "it is closed")


@pytest.mark.timeout(300)
def test_every_kind_is_made_recorded_verified_and_made_again(studio: Studio) -> None:
    studio.start_session("kinds")
    frames = []
    for kind in KINDS:
        asked = {"kind": kind, "box": BOX, **({"colour": "blue"} if kind == "recolour" else {})}
        frames.append(ask(studio, change=asked, focus_sector="TL"))
        told = said(frames[-1])
        assert outside(frames[-1]) == 0
        assert told["change"] == asked
        assert (told["prompt"], told["steps"], told["model"]["kind"]) == ("", 0, "natural")
        size = told["notes"]["change"]
        assert size["kind"] == kind
        assert 0.001 < size["area"] < 0.05
        assert size["delta_e"] > 2.3
        assert Region(*size["thing"]).width == pytest.approx(BALL.width, abs=12)
        assert 0.6 < size["eccentricity_centre"] < 0.8
    studio.wait_recorded("kinds", frames)
    stop(studio, "kinds")
    removed = pixels_of(frames[KINDS.index("remove")].png)
    assert redness(BEACH).sum() > 800
    assert redness(removed).sum() < 20
    entry = studio.metadata("kinds")["sequence"][0]
    assert entry["change"] == {"kind": "remove", "box": BOX}
    verified = command(studio, "verify", "kinds", "--json")
    assert json.loads(verified.out)["counts"]["identical"] == len(KINDS)
    command(studio, "rerun", "kinds", "--into", "again")
    for one, other in zip(studio.metadata("kinds")["sequence"], studio.metadata("again")["sequence"], strict=True):
        assert other["change"] == one["change"]
        made, again = (
            pixels_of((studio.sessions / name / each["filename"]).read_bytes())
            for name, each in (("kinds", one), ("again", other))
        )
        assert np.array_equal(made, again)


def test_another_seed_may_give_another_place(studio: Studio) -> None:
    made = {ask(studio, seed, change={"kind": "move", "box": BOX}).sha256 for seed in range(5)}
    assert len(made) > 1


def test_a_mask_says_which_pixels_are_the_thing(studio: Studio) -> None:
    drawn = png.encode(np.repeat((disc() * 255).astype(np.uint8)[:, :, None], 3, axis=2))
    sector = [2 * SIDE, 2 * SIDE, 3 * SIDE, 3 * SIDE]
    mask = base64.b64encode(drawn).decode()
    made = ask(studio, change={"kind": "remove", "box": sector, "mask": f"data:image/png;base64,{mask}"})
    assert redness(pixels_of(made.png)).sum() < 20
    assert said(made)["change"]["mask"] == mask


def test_a_form_takes_a_kind_or_an_object(studio: Studio) -> None:
    for change in ("remove", json.dumps({"kind": "remove", "box": BOX})):
        answer = studio.http.post(
            "/generate",
            files={"image": PICTURE},
            data={"target_sector": "BR", "change": change, "seed": "1", "magnitude": '{"area": [0, 0.2]}'},
        )
        assert answer.status_code == 200 or answer.json()["error"] == "change_refused", answer.text
    assert answer.status_code == 200


def test_a_prompt_with_such_a_verb_is_one(studio: Studio) -> None:
    told = refusal(studio, target_sector="TL", prompt="remove the ball")
    assert told["error"] == "change_refused"
    assert "nothing stands out" in told["detail"]
    painted = said(studio.generate(3, image=PICTURE, target_sector="TL", prompt="remove the ball", engine="model"))
    assert painted["model"]["kind"] != "natural"
    assert painted["notes"]["change"]["kind"] == "repaint"


def test_what_is_asked_for_wrongly_is_named(studio: Studio) -> None:
    assert set(refusal(studio, change="remove", prompt="a bee")["fields"]) == {"change", "prompt"}
    assert set(refusal(studio, change="remove", engine="model")["fields"]) == {"engine"}
    for wrong in (
        "explode",
        {"kind": "remove", "box": [1, 2, 3]},
        {"kind": "remove", "box": [5, 5, 5, 9]},
        {"kind": "remove", "mask": "x"},
        {"kind": "recolour", "colour": "mauve"},
        {"kind": "remove", "where": "there"},
        {},
        7,
    ):
        told = refusal(studio, change=wrong)
        assert told["error"] == "invalid_request", wrong
        assert "change" in told["fields"], wrong
    for wrong in ({"delta_e": [3]}, {"delta_e": [9, 3]}, {"weight": [1, 2]}, {"area": ["a", 1]}):
        assert set(refusal(studio, change="remove", magnitude=wrong)["fields"]) == {"magnitude"}
    elsewhere = refusal(studio, change={"kind": "remove", "box": [0, 0, 40, 40]})
    assert "does not lie in the sector BR" in elsewhere["detail"]
    for wrong in (
        {"kind": "remove", "colour": "blue"},
        {"kind": "remove", "box": BOX, "widen": True},
        {"kind": "remove", "mask": base64.b64encode(huge_png()).decode()},
    ):
        assert set(refusal(studio, change=wrong)["fields"]) == {"change"}, wrong
    shown = disc(Region(SIDE - 40, 100, SIDE + 40, 180), 3 * SIDE, 3 * SIDE) * 255
    across = png.encode(np.repeat(shown[:, :, None], 3, axis=2).astype(np.uint8))
    astray = {"kind": "recolour", "colour": "blue", "mask": base64.b64encode(across).decode()}
    assert "does not lie in the sector" in refusal(studio, target_sector="TL", change=astray)["detail"]
    torn = base64.b64encode(flat_png(8, 8)[:40]).decode()
    assert "no PNG" in refusal(studio, change={"kind": "remove", "box": BOX, "mask": torn})["detail"]


def huge_png() -> bytes:
    """The head of a PNG of 60000 x 60000."""
    data = bytearray(flat_png(64, 64))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    return bytes(data)


def test_strict_refuses_what_is_not_known_by_name(studio: Studio) -> None:
    told = refusal(studio, prompt="remove the ball", strict=True)
    assert told["error"] == "invalid_request"
    assert "'ball'" in told["detail"]
    heeded = refusal(studio, change={"kind": "remove", "box": BOX}, steps=5, negative_prompt="x", strict=True)
    assert "negative_prompt, steps have no effect" in heeded["detail"]
    made = ask(studio, change={"kind": "remove", "box": BOX}, steps=5)
    assert said(made)["notes"]["fallback"] == "steps has no effect on a natural change"


def test_a_change_of_another_size_than_asked_for_is_refused(studio: Studio) -> None:
    change = {"kind": "recolour", "box": BOX}
    full = said(ask(studio, change=change))["notes"]["change"]["delta_e"]
    less = said(ask(studio, change=change, magnitude={"delta_e": [0.2 * full, 0.7 * full]}))["notes"]["change"]
    assert 0.2 * full <= less["delta_e"] <= 0.7 * full
    told = refusal(studio, change={"kind": "remove", "box": BOX}, magnitude={"area": [0.5, 0.9]})
    assert told["error"] == "change_refused"
    assert "area" in told["detail"]
    painted = refusal(studio, prompt="a bee", magnitude={"area": [0.0, 0.0001]})
    assert painted["error"] == "change_refused"


def test_a_prepared_change_is_the_same_and_outlives_others(studio: Studio) -> None:
    picture = {"image_base64": base64.b64encode(PICTURE).decode(), "view": "wall", "grid_size": 3}
    first = prepare(studio, ["BR"], change={"kind": "remove", "box": BOX}, seed=3, **picture)[0]
    ready = eventually(lambda: ready_of(studio, first), TIMEOUT_S, "it is ready")
    generated = ask(studio, change={"kind": "remove", "box": BOX})
    whole = pixels_of(generated.png)
    assert np.array_equal(pixels_of(ready), whole[2 * SIDE :, 2 * SIDE :])
    other = prepare(studio, ["BC"], prompt="a bee", seed=5, **picture)[0]  # its neighbour
    eventually(lambda: ready_of(studio, other), TIMEOUT_S, "the other is ready")
    assert studio.http.post(f"/commit/{other}").status_code == 200
    eventually(lambda: ready_of(studio, first), TIMEOUT_S, "it is ready again")
    committed = studio.http.post(f"/commit/{first}", params={"focus_x": 0.1, "focus_y": 0.1})
    assert committed.status_code == 200, committed.text
    made = Answered.of(committed)
    assert np.array_equal(pixels_of(made.png)[2 * SIDE :, 2 * SIDE :], whole[2 * SIDE :, 2 * SIDE :])
    assert said(made)["notes"]["change"]["eccentricity_centre"] > 0.5


def test_what_a_model_has_drawn_is_not_taken_for_a_natural_change(studio: Studio) -> None:
    """Both would be of one prompt, seed and sector."""
    picture = {"image_base64": base64.b64encode(PICTURE).decode(), "seed": 8}
    for asked, kind in (
        ({"prompt": "", "engine": "model"}, "repaint"),
        ({"change": {"kind": "remove", "box": BOX}}, "remove"),
    ):
        name = prepare(studio, ["BR"], **picture, **asked)[0]
        eventually(lambda name=name: ready_of(studio, name), TIMEOUT_S, "it is ready")  # type: ignore[misc]
        committed = Answered.of(studio.http.post(f"/commit/{name}"))
        assert said(committed)["notes"]["change"]["kind"] == kind


def test_a_session_of_both_engines_is_verified(studio: Studio) -> None:
    studio.start_session("both")
    natural: dict[str, Any] = {"change": {"kind": "remove", "box": BOX}}
    frames = [ask(studio, **natural), studio.generate(4, image=PICTURE), ask(studio, **natural)]
    frames.append(studio.generate(5, image=PICTURE))
    studio.wait_recorded("both", frames)
    stop(studio, "both")
    report = json.loads(command(studio, "verify", "both", "--json").out)
    assert report["counts"]["identical"] == len(frames)


def test_another_sector_may_be_taken_but_not_the_focus(studio: Studio) -> None:
    """Whatever the embedded network finds: where it is not in the target, it is elsewhere, and no prepared change."""
    answer = studio.post_generate(
        3, image=PICTURE, focus_sector="MC", target_sector="TL", prompt=None, change={"kind": "remove", "widen": True}
    )
    if answer.status_code == 200:
        told = said(Answered.of(answer))
        assert told["target_sector"] == "BR"
        assert told["region"] == [2 * SIDE, 2 * SIDE, 3 * SIDE, 3 * SIDE]
        assert outside(Answered.of(answer)) == 0
    else:
        assert answer.json()["error"] == "change_refused"
    hidden = studio.post_generate(
        3, image=PICTURE, focus_sector="BR", target_sector="TL", prompt=None, change={"kind": "remove", "widen": True}
    )
    assert hidden.json()["error"] == "change_refused"
    refused = studio.http.post(
        "/prepare",
        json={
            "image_base64": base64.b64encode(PICTURE).decode(),
            "target_sectors": ["TL"],
            "change": {"kind": "remove", "widen": True},
        },
    )
    assert refused.status_code == 422, refused.text


def test_a_prepared_change_that_cannot_be_made_says_so(studio: Studio) -> None:
    picture = {"image_base64": base64.b64encode(PICTURE).decode()}
    for asked in (
        {"target_sectors": ["TL"], "change": "remove"},
        {"target_sectors": ["BR"], "prompt": "a bee", "magnitude": {"area": [0, 0.00001]}},
    ):
        answer = studio.http.post("/prepare", json={**picture, **asked})
        assert answer.status_code == 202, answer.text
        name = answer.json()["prepared"][0]["id"]
        failed = eventually(lambda name=name: final(studio, name), TIMEOUT_S, "it failed")  # type: ignore[misc]
        assert failed == (422, "change_refused")


def prepare(studio: Studio, targets: list[str], **fields: Any) -> list[str]:
    answer = studio.http.post("/prepare", json={"target_sectors": targets, **fields})
    assert answer.status_code == 202, answer.text
    return [each["id"] for each in answer.json()["prepared"]]


def ready_of(studio: Studio, prepared: str) -> bytes | None:
    answer = studio.http.get(f"/prepared/{prepared}")
    assert answer.status_code in (200, 202), answer.text
    return answer.content if answer.status_code == 200 else None


def final(studio: Studio, prepared: str) -> tuple[int, str] | None:
    answer = studio.http.get(f"/prepared/{prepared}")
    return None if answer.status_code == 202 else (answer.status_code, answer.json()["error"])

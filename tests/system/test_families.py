"""A model of each family through the whole server, and the table of docs/models.md that is made of what came of it.

One server; ``POST /model`` goes from one tiny model with random weights to the next. ``python -m
tests.system.test_families`` writes the table anew.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.generator.models import memory
from services.generator.models.families import BY_CLASS, FAMILIES, Family
from services.generator.models.files import ModelFolder
from services.generator.models.presets import recommend
from tests.support import families
from tests.support.buses import short_folder
from tests.support.families.asking import hub_class
from tests.support.processes import Process
from tests.support.studio import Answered, Studio, real_studio_in
from tests.support.waiting import eventually
from tests.system.reproduce.support import COMMAND_S, command

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
BEGIN, END = "<!-- table: made by tests/system/test_families.py -->", "<!-- end of the table -->"
SIDE, STEPS = 192, 2
LARGE = {"qwen-image-edit", "qwen-image-edit-plus", "longcat-image-edit"}
"""These see or make 1024 x 1024 whatever they are asked for: seconds on a processor, so they are asked for less."""
HEAD = (
    "| family | kind | best-known model, loaded by | weights | memory: whole; parts in turn; nf4 | precision | steps, "
    "guidance, strength | a negative prompt | licence | tried, with random weights |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def picture() -> bytes:
    """Noise over a slope: every pixel tells whether it was touched."""
    rng = np.random.default_rng(3)
    slope = np.linspace(40, 200, SIDE)[:, None, None] + rng.normal(0, 12, (SIDE, SIDE, 3))
    file = io.BytesIO()
    Image.fromarray(slope.clip(0, 255).astype(np.uint8)).save(file, "png")
    return file.getvalue()


def pixels(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    """A server over a folder with a model of each family, and what its progress is written to."""
    with short_folder() as folder:
        _build_all(folder / "models")
        with real_studio_in(folder, folder / "models") as system:
            yield system


def _build_all(models: Path) -> None:
    """Of the tiny models the first of each family."""
    first: dict[str, str] = {}
    for name in families.FAMILIES:
        made = families.build(name, models / name)
        family = BY_CLASS.get(hub_class(made))
        if family is None or family.name in first.values():
            continue
        first[name] = family.name
        own = {"steps": STEPS, "size": 128}
        (made / "parafovea.json").write_text(json.dumps(own), encoding="utf-8")
        made.rename(models / f"family-{family.name}")


@pytest.fixture(scope="module")
def progress(studio: Studio) -> Process:
    """A subscriber that writes each step down."""
    tap = studio.run("tap", [sys.executable, "-m", "cli.main", "tap", "progress", "--json"], wait=False)
    eventually(lambda: studio.generate(0, image=picture()) and "progress" in tap.out, COMMAND_S, "steps are heard of")
    return tap


def steps_of(progress: Process, request_id: str) -> list[tuple[int, int]]:
    told = [json.loads(line) for line in progress.out.splitlines() if request_id in line and line.endswith("}")]
    return [(one["step"], one["steps"]) for one in told]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_through_the_server(studio: Studio, progress: Process, family: Family) -> None:
    name = f"family-{family.name}"
    now = studio.change_model(name)
    assert (now["model"]["kind"], now["model"]["pipeline"]) == (family.kind, family.loaded_by)
    session = family.name.replace(".", "-")
    studio.start_session(session)
    source = picture()

    def ask(seed: int, **fields: Any) -> Answered:
        return studio.generate(seed, image=source, prompt="a fox", **fields)

    first, again = ask(5), ask(5)
    assert np.array_equal(pixels(first.png), pixels(again.png)), "the same seed gives the same picture"
    answers = [first, again]
    if family.name not in LARGE:
        answers += [
            ask(6),
            ask(5, steps=STEPS + 1),
            ask(5, negative_prompt="blurry", guidance_scale=4.0, strength=0.5, steps=4),
        ]
    entries = _recorded(studio, session, answers)
    for answer, entry in zip(answers, entries, strict=True):
        left, top, right, bottom = entry["region"]
        inside = np.zeros((SIDE, SIDE), bool)
        inside[top:bottom, left:right] = True
        changed = (pixels(answer.png) != pixels(source)).any(axis=2)
        assert changed.any()
        assert not (changed & ~inside).any(), "outside the sector every pixel is the input's"
        assert entry["model"]["pipeline"] == family.loaded_by
    if family.name not in LARGE:
        assert not np.array_equal(pixels(answers[2].png), pixels(first.png)), "another seed gives another picture"
        assert [entry["steps"] for entry in entries] == [STEPS, STEPS, STEPS, STEPS + 1, 4]
        asked = entries[4]
        assert asked["strength"] == (0.5 if takes_strength(family) else None)
        assert ("fallback" in asked["notes"]) == (not heeds_negative(family))
        run = 2 if takes_strength(family) else 4
        eventually(lambda: len(steps_of(progress, asked["request_id"])) == run, COMMAND_S, f"{run} steps are told")
        assert steps_of(progress, asked["request_id"])[-1] == (run, run)
        if family.name != "lcm":  # which takes 50 steps at the most, too few to be stopped among them for sure
            _stops_between_steps(studio, progress, source, {entry["request_id"] for entry in entries})
    assert studio.http.post("/session/stop").status_code == 200
    eventually(lambda: "open" not in studio.metadata(session), COMMAND_S, "the session is closed")
    report = json.loads(command(studio, "verify", session, "--by", "server", "--json").out)
    assert {frame["verdict"] for frame in report["frames"]} == {"identical"}, report


def _recorded(studio: Studio, session: str, answers: list[Answered]) -> list[dict[str, Any]]:
    studio.wait_recorded(session, answers)
    found: list[dict[str, Any]] = studio.metadata(session)["sequence"]
    return found


def _stops_between_steps(studio: Studio, progress: Process, source: bytes, before: set[str]) -> None:
    """A request that is superseded ends after the step that it is in."""

    def slow_one() -> str:
        # What runs is told by heartbeat, so the first answers may still name one of the requests `before` this one.
        request: str = studio.health()["processes"]["generator"]["running"]
        return "" if request in before else request

    answers: list[Any] = []
    asked = {"image": source, "prompt": "a fox", "client_id": "page", "supersede": True}
    slow = threading.Thread(target=lambda: answers.append(studio.post_generate(7, steps=200, **asked)))
    slow.start()
    running = eventually(slow_one, COMMAND_S, "it runs")
    eventually(lambda: steps_of(progress, running), COMMAND_S, "it has taken a step")
    studio.generate(8, steps=1, **asked)
    slow.join(COMMAND_S)
    assert answers[0].status_code == 409
    assert answers[0].json()["error"] == "superseded"
    assert 0 < len(steps_of(progress, running)) < 200


def takes_strength(family: Family) -> bool:
    from services.generator.models.kinds import call_of

    return "strength" in call_of(family.loaded_by)


def heeds_negative(family: Family) -> bool:
    """Whether a negative prompt has effect where a request asks for a guidance of 4."""
    without = {"lcm", "flux", "flux-fill", "flux-kontext", "flux2", "flux2-klein", "flux2-klein-kv", "dreamlite-mobile"}
    return family.name not in without


def memory_of(family: Family) -> str:
    """Gigabytes on a card at 1024 square, as they are estimated when a model is loaded."""
    sizes = {"transformer": family.size.network, "text_encoder": family.size.text, "vae": family.size.vae}
    parts = {name: 1e9 * size for name, size in sizes.items()}
    whole, packed = (memory.weighs(parts, 1024, "bfloat16", how, "transformer") for how in ("none", "nf4"))
    needed = whole.needed("none"), whole.needed("model"), packed.needed("none")
    return "; ".join(f"{each / memory.GB:.0f}" for each in needed) + " GB"


def table() -> str:
    """The families as docs/models.md lists them."""
    rows = []
    for family in FAMILIES:
        preset = recommend(ModelFolder(family.example, Path("nowhere"), {}), family).preset
        values = [preset.steps, preset.guidance_scale, preset.strength if takes_strength(family) else None]
        shown = ", ".join("-" if value is None else f"{value:g}" for value in values)
        tried = "fewer requests through the server" if family.name in LARGE else "all of the above through the server"
        rows.append(
            f"| {family.title} (`{family.name}`) | {family.kind} | `{family.example}`, `{family.loaded_by}` "
            f"| {2 * family.size.total:.1f} GB, of that the network {2 * family.size.network:.1f} "
            f"| {memory_of(family)} "
            f"| bfloat16; tried: float32 | {shown} "
            f"| {'heeded' if heeds_negative(family) else 'has no effect, and the frame says so'} | {preset.licence} "
            f"| {tried} |"
        )
    return "\n".join([HEAD, *rows])


def test_the_table_of_the_document_is_what_was_tried() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == table()


if __name__ == "__main__":
    old = DOCUMENT.read_text(encoding="utf-8")
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")

"""``parafovea models`` against a hub of the test's own, through the real ``huggingface_hub``."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.generator.models.tiny import ensure_tiny
from tests.support.commands import run
from tests.support.fetching import fetch_and_load
from tests.support.hub import TOKEN, FakeHub, Repo, fake_hub, files_of, header_of, only_variant, sha256
from tests.support.processes import REPOSITORY, Process
from tests.support.waiting import eventually

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

UNET = "unet/diffusion_pytorch_model.safetensors"
CHUNK = 10 * 1024 * 1024
"""Bytes that huggingface_hub writes at a time."""
CLUTTER = {
    "README.md": b"A model.",
    ".gitattributes": b"*.safetensors filter=lfs",
    "images/example.png": b"a picture",
    "unet/diffusion_pytorch_model.bin": b"a pickle",
    "unet/diffusion_pytorch_model.fp16.safetensors": b"half of it",
    "unet/diffusion_flax_model.msgpack": b"for others",
    "v1.safetensors": b"all in one",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as hub:
        yield hub


def index(pipeline: str, **parts: list[str]) -> bytes:
    return json.dumps({"_class_name": pipeline, **parts}).encode()


def loaded(tiny: Path) -> set[str]:
    """The names that are loaded of the tiny model, and what is ours beside them."""
    return {path.relative_to(tiny).as_posix() for path in tiny.rglob("*") if path.is_file()}


def _snapshot(home: Path, name: str) -> Path:
    """The folder of a model in the hub's cache."""
    (snapshot,) = (home / "huggingface" / "hub" / f"models--{name.replace('/', '--')}" / "snapshots").iterdir()
    return snapshot


def fetched(home: Path, name: str) -> set[str]:
    """The names of a model's files in the hub's cache."""
    snapshot = _snapshot(home, name)
    return {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}


def test_a_model_is_looked_at_then_fetched_then_used_without_a_network(
    hub: FakeHub, tiny: Path, tmp_path: Path
) -> None:
    hub.repos["maker/tiny"] = repo = Repo({**files_of(tiny), **CLUTTER}, licence="mit")
    digest = sha256(repo.files[UNET])
    environment = hub.environment(tmp_path)

    looked, shown, plain = run(
        [
            ["models", "check", "maker/tiny", "--json"],
            ["models", "show", "maker/tiny"],
            ["models", "check", "maker/tiny"],
        ],
        environment,
        tmp_path,
    )
    assert looked.code == shown.code == plain.code == 0, looked.err
    told = looked.json
    assert told["verdict"] == "fits"
    assert (told["kind"], told["licence"], told["commit"]) == ("inpaint", "mit", repo.commit)
    assert set(told["files"]) == loaded(tiny) - {"parafovea.json"}
    assert 0 < told["to_fetch_bytes"] < told["bytes"] == sum(len(repo.files[name]) for name in loaded(tiny))
    assert set(told["parameters"]) == {"unet", "text_encoder", "vae"}
    assert hub.large_asked() == [], "nothing but the beginning of weights is fetched"
    assert "of it are not here" in shown.out
    assert "mit (its page on the hub)" in shown.out
    assert "4 (" in shown.out, "the model's own recommendations are read"
    assert "It would load and fit." in plain.out

    looking = [["models", "check", "maker/tiny"], ["models", "list", "--json"]]
    unfetched, listed = run(looking, {**environment, "HF_HUB_OFFLINE": "1"}, tmp_path)
    assert unfetched.code == 3, "what was only looked at is no model yet"
    assert "HF_HUB_OFFLINE" in unfetched.err
    assert {one["name"]: "not whole" in str(one["why_not"]) for one in listed.json["here"]}["maker/tiny"]

    first, second, after = run(
        [["models", "download", "maker/tiny"], ["models", "download", "maker/tiny"], ["models", "list", "--json"]],
        environment,
        tmp_path,
    )
    assert first.code == second.code == 0, first.err
    assert fetched(tmp_path, "maker/tiny") == loaded(tiny)
    of_unet = [one.range for one in hub.large_asked() if one.path.endswith(digest)]
    assert of_unet == [None], "a second run fetches nothing"
    assert first.out.splitlines()[-1].endswith(repo.commit)
    here = {one["name"]: one for one in after.json["here"]}
    assert here["maker/tiny"]["kind"] == "inpaint"
    assert here["embedded"]["is_set"] is True

    so_far = len(hub.asked)
    offline = {**environment, "HF_HUB_OFFLINE": "1", "PARAFOVEA_MODEL": "maker/tiny"}
    checked, listed = run([["models", "check", "maker/tiny", "--json"], ["models"]], offline, tmp_path)
    assert checked.json["to_fetch_bytes"] == 0
    assert any(line.startswith("set\tmaker/tiny\tinpaint") for line in listed.out.splitlines())
    frame = fetch_and_load("maker/tiny", offline, tmp_path)["model"]
    assert (frame["id"], frame["revision"]) == ("maker/tiny", repo.commit)
    assert len(hub.asked) == so_far


def test_a_connection_that_breaks_goes_on_where_it_was(hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    content = header_of({"one": [1]}) + random.Random(1).randbytes(3 * CHUNK)
    hub.repos["maker/long"] = Repo({**files_of(tiny), UNET: content})
    digest = sha256(content)
    hub.break_once[digest] = 2 * CHUNK + 1000
    (had,) = run([["models", "download", "maker/long"]], hub.environment(tmp_path), tmp_path)
    assert had.code == 0, had.err
    ranges = [one.range for one in hub.large_asked() if one.path.endswith(digest)]
    assert ranges == [None, f"bytes={2 * CHUNK}-"], "what came in whole chunks is kept"
    assert (_snapshot(tmp_path, "maker/long") / UNET).read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_ctrl_c_ends_it_soon_and_leaves_no_half_files(hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    content = header_of({"one": [1]}) + bytes(3 * CHUNK)
    hub.repos["maker/long"] = Repo({**files_of(tiny), UNET: content})
    hub.hold_at[sha256(content)] = CHUNK + 1000
    environment = {**hub.environment(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "cli.main", "models", "download", "maker/long"]
    process = Process("download", command, environment, tmp_path)
    eventually(hub.held.is_set, 60, "it fetches")
    process.send(signal.SIGINT)
    eventually(lambda: "Stopping" in process.err, what="it has heard")
    hub.released.set()
    assert process.wait(20) == 130
    assert "The same command goes on" in process.err
    assert "Traceback" not in process.err
    assert list(tmp_path.rglob("*.incomplete")) == []


def test_what_would_not_work_is_refused_with_its_reason(hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    files = files_of(tiny)
    only_pickles = {name.replace("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"): content
                    for name, content in files.items()}  # fmt: skip
    hub.repos = {
        "maker/control": Repo({**files, "model_index.json": index("StableDiffusionControlNetPipeline")}),
        "maker/text": Repo({"model_index.json": index("PixArtAlphaPipeline")}),
        "maker/gated": Repo(files, gated=True),
        "maker/pickled": Repo(only_pickles),
        "maker/no-pipeline": Repo({"config.json": b"{}"}),
        "maker/huge": Repo(files, claimed={UNET: 10**16}),
        "maker/heavy": Repo({**files, UNET: header_of({"one": [1_000_000, 12_000_000]})}),
        "maker/weightless": Repo({name: content for name, content in files.items() if not name.startswith("vae/diff")}),
        "maker/newer": Repo(
            {**files, "model_index.json": index("StableDiffusionInpaintPipeline", unet=["diffusers", "UNetOf2099"])}
        ),
    }
    reasons = {
        "maker/control": "needs a control picture",
        "maker/text": "makes pictures from text alone",
        "maker/gated": "hf auth login",
        "maker/pickled": "PARAFOVEA_ALLOW_PICKLES",
        "maker/no-pipeline": "not saved by diffusers",
        "maker/huge": "Make room",
        "maker/heavy": "in all. Take a smaller model",
        "maker/newer": "UNetOf2099",
        "maker/weightless": "no weights of its vae",
        "maker/unknown": "look at how it is written",
        "maker/gated@v2": "has no revision",
        "no such folder": "There is no folder",
    }
    commands = [["models", "check", name, "--json"] for name in reasons]
    fetching = [["models", "download", name] for name in ("maker/huge", "maker/heavy", "maker/control")]
    anyway = [["models", "download", name, "--anyway"] for name in ("maker/huge", "maker/control")]
    ended = run([*commands, *fetching, *anyway], hub.environment(tmp_path), tmp_path)
    for (name, reason), one in zip(reasons.items(), ended, strict=False):
        assert one.code == 3, name
        assert one.json["verdict"] == "refused"
        assert reason in " ".join(one.json["refused"]), name
        assert "Traceback" not in one.err
    huge, heavy, control, huge_anyway, control_anyway = ended[len(reasons) :]
    assert {huge.code, heavy.code, control.code, huge_anyway.code} == {3}
    assert "--anyway" in heavy.err
    assert "Make room" in huge_anyway.err, "no wish makes a disk larger"
    assert control_anyway.code == 0
    assert [one.path for one in hub.large_asked()] == [], "a model that has no parts has nothing to fetch"


def test_weights_that_a_file_stands_in_for_are_not_fetched(hub: FakeHub, tiny: Path, tmp_path: Path) -> None:
    hub.repos["maker/tiny"] = repo = Repo(files_of(tiny))
    (tmp_path / "net.safetensors").write_bytes(repo.files[UNET])
    environment = {**hub.environment(tmp_path), "PARAFOVEA_NETWORK": str(tmp_path / "net.safetensors")}
    looked, had, after = run(
        [
            ["models", "check", "maker/tiny", "--json"],
            ["models", "download", "maker/tiny"],
            ["models", "list", "--json"],
        ],
        environment,
        tmp_path,
    )
    assert (looked.code, had.code) == (0, 0), had.err
    assert looked.json["parameters"]["unet"] > 1000
    assert fetched(tmp_path, "maker/tiny") == loaded(tiny) - {UNET}
    assert {one["name"]: one["kind"] for one in after.json["here"]}["maker/tiny"] == "inpaint"


def test_a_gated_model_is_had_with_a_token_that_stands_in_the_file_of_settings(
    hub: FakeHub, tiny: Path, tmp_path: Path
) -> None:
    hub.repos["maker/gated"] = Repo(files_of(tiny), gated=True, licence="flux-1-dev-non-commercial-license")
    (tmp_path / ".env").write_text(f"HF_TOKEN={TOKEN}\n")
    (checked,) = run([["models", "check", "maker/gated", "--json"]], hub.environment(tmp_path), tmp_path)
    assert (checked.code, checked.json["gated"]) == (0, True)
    assert "accept a licence" in " ".join(checked.json["notes"])


def test_a_hub_that_does_not_answer_is_a_sentence_and_a_model_that_is_here_is_taken(tiny: Path, tmp_path: Path) -> None:
    with fake_hub() as hub:
        hub.repos["maker/tiny"] = Repo(files_of(tiny))
        environment = hub.environment(tmp_path)
        (had,) = run([["models", "download", "maker/tiny"]], environment, tmp_path)
    assert had.code == 0
    here, other = run([["models", "check", "maker/tiny"], ["models", "check", "maker/other"]], environment, tmp_path)
    assert here.code == 0
    assert other.code == 3
    assert "could be fetched" in other.err


def test_half_precision_alone_is_loaded_and_its_identity_is_that_of_a_copy(
    hub: FakeHub, tiny: Path, tmp_path: Path
) -> None:
    hub.repos["maker/half"] = repo = Repo({**only_variant(files_of(tiny), "fp16"), "README.md": b"Half."})
    answer = fetch_and_load("maker/half", hub.environment(tmp_path), tmp_path)
    told = answer["told"]
    total = sum(len(repo.files[name]) for name in repo.files if name != "README.md")
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == [total, total]
    assert {of for _, of in told} == {total}
    assert len(told) > 3
    assert answer["model"]["revision"] == repo.commit

    copy = tmp_path / "copy"
    shutil.copytree(_snapshot(tmp_path, "maker/half"), copy)
    (copy / ".DS_Store").write_bytes(b"of a Mac")
    (copy / "README.md").write_bytes(b"Another.")
    of_copy = fetch_and_load(str(copy), {**hub.environment(tmp_path), "HF_HUB_OFFLINE": "1"}, tmp_path)
    assert of_copy["model"]["files_sha256"] == answer["model"]["files_sha256"]
    assert of_copy["model"]["revision"] != answer["model"]["revision"]

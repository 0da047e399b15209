"""``parafovea models check`` at work."""

from __future__ import annotations

from typing import Any

import typer

from cli.models_print import gigabytes, paragraph, prepare, refuse, rows
from cli.models_show import facts
from cli.output import printable, say, say_json
from services.generator.models.checking import Check, Memory, check
from services.generator.models.files import ModelError
from services.generator.models.looking import Expected, Look, licence, look
from services.generator.models.memory import GB, Offload
from shared.process.settings import Settings
from shared.process.worker import FAILED

SOMETHING_TO_SAY = 1
_OFFLOADS: tuple[Offload, ...] = ("none", "model", "group")
_WAY = {"none": "as it is", "nf4": "quantize=nf4", "fp8": "quantize=fp8"}


def run(settings: Settings, *, as_json: bool) -> None:
    """Say whether the settings' model would load and fit, and end with the code that says so."""
    prepare()
    try:
        found = look(settings)
        expected = Expected(found)
        checked = check(found, expected, settings)
    except ModelError as error:
        refuse(settings.model, str(error), as_json=as_json)
    code = exit_code(checked)
    if as_json:
        say_json(_to_json(found, checked, code))
    else:
        _print(found, checked, code)
    raise typer.Exit(code)


def exit_code(checked: Check) -> int:
    if checked.said.refused:
        return FAILED
    return SOMETHING_TO_SAY if checked.said.warnings else 0


_VERDICTS = {0: "fits", SOMETHING_TO_SAY: "fits with warnings", FAILED: "refused"}


def _to_json(found: Look, checked: Check, code: int) -> dict[str, Any]:
    there, said = checked.memory, checked.said
    free, folder = checked.disk
    return {
        **facts(found),
        "verdict": _VERDICTS[code],
        "refused": said.refused,
        "warnings": said.warnings,
        "notes": said.notes,
        "files": list(found.chosen.names),
        "bytes": _all_bytes(found),
        "to_fetch_bytes": found.to_fetch_bytes,
        "disk": {"folder": str(folder), "free_bytes": free},
        "licence": licence(found).value,
        "gated": found.listing.gated if found.listing is not None else None,
        "pickles": found.chosen.pickles,
        "parameters": there.parameters,
        "memory": {
            "device": there.device,
            "dtype": there.dtype,
            "free_bytes": there.free,
            "total_bytes": there.total,
            "needed_bytes": {way: _needed(there, way) for way in there.needs},
        },
    }


def _needed(there: Memory, way: str) -> dict[str, int]:
    """By what is kept off the card; a processor has everything, or nothing."""
    offloads = _OFFLOADS[:1] if there.is_processor else _OFFLOADS
    return {offload: round(there.needs[way].needed(offload)) for offload in offloads}


def _all_bytes(found: Look) -> int:
    if found.listing is not None:
        return found.listing.chosen_bytes(found.chosen)
    names = [found.model.folder / name for name in found.chosen.names]
    return sum(path.stat().st_size for path in (*names, *filter(None, [found.model.single])))


def _print(found: Look, checked: Check, code: int) -> None:
    told, under = facts(found), licence(found)
    free, folder = checked.disk
    count = len(found.chosen.names) + (found.model.single is not None)
    fetched = f"{gigabytes(found.to_fetch_bytes)} to fetch; {gigabytes(free)} free in {folder}"
    is_gated = found.listing is not None and found.listing.gated
    rows(
        [
            ("model", str(told["model"])),
            ("kind", f"{told['kind']}, loaded by {told['loaded_by']} (saved as {told['saved_as']})"),
            (
                "files",
                f"{count}, {gigabytes(_all_bytes(found))}: {fetched if found.to_fetch_bytes else 'all are here'}",
            ),
            ("licence", f"{under.value or 'not known'} ({under.source}){', gated' if is_gated else ''}"),
        ]
    )
    _print_memory(checked.memory)
    say("")
    for mark, sentences in (("x ", checked.said.refused), ("! ", checked.said.warnings), ("- ", checked.said.notes)):
        for sentence in sentences:
            paragraph(sentence, mark)
    if code == FAILED:
        paragraph("It would not work here.")
    elif code == SOMETHING_TO_SAY:
        paragraph("It would load; first read what is marked with !.")
    else:
        paragraph("It would load and fit.")


def _print_memory(there: Memory) -> None:
    free = f"{gigabytes(there.free, 1)} free of {gigabytes(there.total, 1)}"
    say(f"memory   {printable(there.device)}, {there.dtype}: {free}; it needs about")
    heads = ("whole",) if there.is_processor else ("whole", "parts in turn", "layers in turn")
    say(f"         {'GB':14}" + "".join(f"{head:>16}" for head in heads))
    for way in there.needs:
        amounts = "".join(f"{amount / GB:16.1f}" for amount in _needed(there, way).values())
        say(f"         {_WAY[way]:14}{amounts}")

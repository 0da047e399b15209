"""Which values a run really has: a request's, else those that are recommended, else its pipeline class's own."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import Any

from services.generator.engine import Edit
from services.generator.models.families import Family
from services.generator.models.presets import Preset

NO_NEGATIVE = "negative_prompt has no effect: this model, at this guidance_scale, does not heed one"


@dataclass(frozen=True, slots=True)
class Used:
    """The values a run really had. None: the pipeline takes no such value, or does nothing with it.

    Attributes:
        true_cfg_scale: of classifier-free guidance beside a distilled one; None where there is no such.
    """

    steps: int
    guidance_scale: float | None
    strength: float | None
    true_cfg_scale: float | None = None


class Values:
    """What a pipeline's call takes, and with which values it is called.

    Attributes:
        takes: default by name of parameter; ``inspect.Parameter.empty`` where there is none.
        guidance: the parameter that a request's ``guidance_scale`` is given as; None: nothing would heed it.
    """

    def __init__(self, pipeline: Any, preset: Preset, family: Family | None = None) -> None:
        self._preset = preset
        parameters = inspect.signature(pipeline.__call__).parameters
        self.takes = {name: parameter.default for name, parameter in parameters.items()}
        self.guidance = _guidance(pipeline, self.takes)
        self._guided_above, self._is_true = 1.0, self.guidance == "true_cfg_scale"
        if family is not None:
            self.guidance, self._guided_above = family.guidance or self.guidance, family.guided_above
            self._is_true = self._is_true or family.guidance is not None
        self._is_guided_in_one = _is_guided_in_one(pipeline)

    def of(self, edit: Edit) -> Used:
        """What a run of this edit will use. Enough steps are taken that a small strength leaves at least one."""
        preset, takes = self._preset, self.takes
        steps = _first(edit.steps, preset.steps, takes.get("num_inference_steps"), 50)
        guidance = strength = true_cfg = None
        if self.guidance is not None:
            guidance = _first(edit.guidance_scale, preset.guidance_scale, takes[self.guidance])
        if "strength" in takes:
            strength = float(_first(edit.strength, preset.strength, takes["strength"], 1.0))
            steps = max(steps, math.ceil(1 / strength))
        if "true_cfg_scale" in takes and not self._is_true:
            true_cfg = _first(preset.true_cfg_scale, takes["true_cfg_scale"])
        return Used(int(steps), None if guidance is None else float(guidance), strength, true_cfg)

    def unheeded(self, edit: Edit, used: Used) -> dict[str, str]:
        """A note on a negative prompt that this pipeline has no use for; empty where there is nothing to say.

        Pipelines heed one only while they are guided without a classifier: most of them by a scale above 1 (Ho and
        Salimans, "Classifier-free diffusion guidance", 2022, with w = scale - 1). A distilled model has its guidance as
        an input, and makes no second, negative prediction.
        """
        if not (edit.negative_prompt and edit.negative_prompt.strip()):
            return {}
        scale = used.true_cfg_scale if used.true_cfg_scale is not None else used.guidance_scale
        if (
            "negative_prompt" in self.takes
            and not self._is_guided_in_one
            and scale is not None
            and scale > self._guided_above
        ):
            return {}
        return {"fallback": NO_NEGATIVE}

    def call(self, edit: Edit, used: Used) -> dict[str, Any]:
        """Arguments of a call, without pictures; those that the pipeline does not take are for the caller to leave."""
        wanted: dict[str, Any] = {
            "num_inference_steps": used.steps,
            "strength": used.strength,
            "negative_prompt": edit.negative_prompt,
            "true_cfg_scale": used.true_cfg_scale,
        }
        guides = self.guidance == "true_cfg_scale" or (used.true_cfg_scale or 0) > 1
        if guides and edit.negative_prompt is None:
            wanted["negative_prompt"] = " "  # without one these pipelines do not guide at all
        if self.guidance is not None:
            wanted[self.guidance] = used.guidance_scale
        return wanted


def _guidance(pipeline: Any, takes: dict[str, Any]) -> str | None:
    """The parameter that weighs the prompt. A network that was distilled takes ``guidance_scale`` as an input where its
    configuration says ``guidance_embeds``; where it says that it does not, only true guidance is left, if any."""
    config = getattr(getattr(pipeline, "transformer", None), "config", {})
    embeds = config.get("guidance_embeds")
    if "true_cfg_scale" in takes and (takes.get("guidance_scale") is None or embeds is False):
        return "true_cfg_scale"
    if "guidance_scale" not in takes or (embeds is False and "negative_prompt" not in takes):
        return None
    return None if getattr(pipeline.config, "is_distilled", False) else "guidance_scale"


def _is_guided_in_one(pipeline: Any) -> bool:
    """Whether a UNet has the guidance as an input, as those of Latent Consistency Models do."""
    config = getattr(getattr(pipeline, "unet", None), "config", {})
    return config.get("time_cond_proj_dim") is not None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None and value is not inspect.Parameter.empty), None)

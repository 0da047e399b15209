"""What makes a network faster, each by a setting: memory layout, attention, fused products, compiling, step caches.

Each may change pixels in their last bits, and a step cache changes more: so each stands in a frame's ``environment``.
"""

from __future__ import annotations

import inspect
import logging
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch

from services.generator.models.device import said_as
from services.generator.models.files import ModelError
from services.generator.models.loading import network_of
from shared.process.model_settings import ModelSettings, parse_step_cache

log = logging.getLogger(__name__)

_DEFAULT_ATTENTION = "native"


def refuse(settings: ModelSettings) -> None:
    """Raise ModelError where settings do not go together: fused products are made of the plain weights alone."""
    if not settings.fuse_qkv:
        return
    if settings.lora:
        raise ModelError("PARAFOVEA_FUSE_QKV leaves out what PARAFOVEA_LORA adds; take one of them alone.")
    if settings.quantize != "none" or settings.network.endswith(".gguf"):
        packed = f"PARAFOVEA_QUANTIZE={settings.quantize}" if settings.quantize != "none" else "a .gguf file"
        raise ModelError(f"PARAFOVEA_FUSE_QKV does not work with {packed}; take one of them alone.")


def tune_before_placing(pipeline: Any, settings: ModelSettings) -> dict[str, Any]:
    """Do what of the settings changes weights, while the pipeline is in the machine's memory: what keeps some of it off
    a card holds on to the weights that it finds.

    Returns:
        what was done, for a frame's environment.

    Raises:
        ModelError: this network cannot.
    """
    refuse(settings)
    _, network = network_of(pipeline)
    done: dict[str, Any] = {}
    if settings.channels_last:
        with _said("PARAFOVEA_CHANNELS_LAST"):
            _channels_last(pipeline, network)
        done["channels_last"] = True
    if settings.fuse_qkv:
        _need(network, "fuse_qkv_projections", "PARAFOVEA_FUSE_QKV")
        with _said("PARAFOVEA_FUSE_QKV"):
            network.fuse_qkv_projections()
        done["fuse_qkv"] = True
    return done


def tune(pipeline: Any, settings: ModelSettings) -> dict[str, Any]:
    """Do what else the settings ask for, once the pipeline is on its device.

    Returns:
        what was done, for a frame's environment.

    Raises:
        ModelError: this network, or this machine, cannot.
    """
    name, network = network_of(pipeline)
    done: dict[str, Any] = {}
    if _chooses_attention(network) or settings.attention:
        done["attention_backend"] = settings.attention or _DEFAULT_ATTENTION
        # Also where none is set: the choice is the whole process's, and a model before may have made another.
        _set_attention(network, done["attention_backend"])
    if settings.step_cache != "none":
        _need(network, "enable_cache", "PARAFOVEA_STEP_CACHE")
        _cache_steps(pipeline, network, settings.step_cache)
        done["step_cache"] = settings.step_cache
    if settings.compile:
        with _said("PARAFOVEA_COMPILE"):
            _compile(name, network)
        done["compile"] = True
    return done


def _said(setting: str) -> AbstractContextManager[None]:
    """Whatever fails here is said with the setting that asked for it."""
    return said_as(lambda why: f"{setting} does not work with this model: {why}. Leave it out.")


def _channels_last(pipeline: Any, network: Any) -> None:
    for part in (network, getattr(pipeline, "vae", None)):
        if isinstance(part, torch.nn.Module) and any(weights.dim() == 4 for weights in part.parameters()):
            part.to(memory_format=torch.channels_last)


def _chooses_attention(network: Any) -> bool:
    if network is None:
        return False
    return any(hasattr(getattr(part, "processor", None), "_attention_backend") for part in network.modules())


def _set_attention(network: Any, backend: str) -> None:
    from diffusers.models.attention_dispatch import AttentionBackendName

    known = sorted(one.value for one in AttentionBackendName)
    if backend not in known:
        raise ModelError(f"PARAFOVEA_ATTENTION: there is no {backend!r}; there are {', '.join(known)}.")
    if not _chooses_attention(network):
        raise ModelError(
            f"PARAFOVEA_ATTENTION: a {type(network).__name__} has no choice of attention; leave the setting empty."
        )
    with said_as(lambda why: f"PARAFOVEA_ATTENTION={backend} cannot be used here: {why}"):
        network.set_attention_backend(backend)


def _cache_steps(pipeline: Any, network: Any, asked: str) -> None:
    import diffusers

    name, threshold = parse_step_cache(asked)
    own = {} if threshold is None else {"threshold": threshold}
    with _said(f"PARAFOVEA_STEP_CACHE={asked}"):
        if name == "first_block":
            _need_blocks_alike(network)
            network.enable_cache(diffusers.FirstBlockCacheConfig(**own))
        else:
            network.enable_cache(diffusers.TaylorSeerCacheConfig())
    if "cache_context" not in inspect.getsource(type(pipeline)):
        _tell_predictions_apart(network)


def _tell_predictions_apart(network: Any) -> None:
    """Of the predictions of one step, with a prompt and without, each has a cache of its own. Some classes say which
    one they ask for; for the others the calls with the same timestep are counted.

    By torch's own hooks, since offloading takes the network's ``forward`` and puts the one that it knew back.
    """
    last: list[Any] = [None, 0]
    inside = ExitStack()
    forget = network._reset_stateful_cache

    def enter(_: Any, args: Any, kwargs: Any) -> None:
        timestep = kwargs["timestep"].flatten()[0].item()
        last[:] = [timestep, last[1] + 1 if timestep == last[0] else 0]
        inside.enter_context(network.cache_context(f"prediction {last[1]}"))

    def leave(*_: Any) -> None:
        inside.close()

    def reset(*args: Any, **kwargs: Any) -> None:
        last[:] = [None, 0]
        forget(*args, **kwargs)

    network.register_forward_pre_hook(enter, with_kwargs=True)
    network.register_forward_hook(leave, always_call=True)
    network._reset_stateful_cache = reset


def _need_blocks_alike(network: Any) -> None:
    """The cache subtracts what the first block gives from what the last one does: refused where one gives picture and
    text and the other both in one, as in FLUX.2, which fails at each step."""
    from diffusers.hooks._common import _ALL_TRANSFORMER_BLOCK_IDENTIFIERS as NAMES
    from diffusers.hooks._helpers import TransformerBlockRegistry

    lists = [part for name, part in network.named_children() if name in NAMES]
    blocks = [block for part in lists if isinstance(part, torch.nn.ModuleList) for block in part]
    gives = {TransformerBlockRegistry.get(type(block)).return_encoder_hidden_states_index is None for block in blocks}
    if len(gives) > 1:
        raise ModelError(
            f"PARAFOVEA_STEP_CACHE=first_block does not work with a {type(network).__name__}, whose last blocks give "
            "something else than its first; take taylorseer, or none."
        )


def _compile(name: str, network: Any) -> None:
    """By its repeated blocks where it names them: one is compiled, in a minute, and serves for all."""
    if network is None:
        raise ModelError("PARAFOVEA_COMPILE: this model has no network that could be compiled.")
    log.info("the %s is compiled at its first run, which takes minutes", name)
    if getattr(network, "_repeated_blocks", None):
        network.compile_repeated_blocks(dynamic=True)
    else:
        network.compile(dynamic=True)


def _need(network: Any, method: str, setting: str) -> None:
    if not hasattr(network, method):
        raise ModelError(f"{setting} does not work with a {type(network).__name__}; leave it out.")

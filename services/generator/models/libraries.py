"""How the model libraries are to behave in this process."""

from __future__ import annotations

import logging
import os


def prepare_libraries() -> None:
    """No progress bars, no advice on standard error, threads that sleep while they wait. Harmless to call again.

    To have its full effect it has to come before torch's first import. OpenMP's threads otherwise spin at the end of
    each small loop until all are done; on a machine whose cores are busy that made a run thirty times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # diffusers imports onnxruntime where it is installed
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)  # it complains of what only other machines have
    for each in (diffusers_logging, transformers_logging):
        each.set_verbosity_error()
        each.disable_progress_bar()

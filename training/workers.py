"""Training in several single-threaded processes that share one set of weights.

Two threads inside one operation wait for the slower one at the end of each, hundreds of times a step: on a machine
with other work, the whole then runs at the speed of the busiest core. Here each process works through small batches of
its own with one thread and adds its gradient to a common sum; whoever completes a batch makes the update. A gradient
may be one update old by then, which does no harm.
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

BETAS, EPSILON, DECAY = (0.9, 0.99), 1e-8, 0.01
"""AdamW's; the decay is of all weights alike."""
CHUNK = 1 << 18
"""Numbers updated at a time: what an update touches then stays in the processor's cache."""


class SharedWeights:
    """Flat tensors in shared memory: weights in both precisions, their average, the gradient's sum, AdamW's state."""

    def __init__(self, module: nn.Module, rate: float, average: float) -> None:
        flat = torch.cat([p.detach().float().reshape(-1) for p in module.parameters()])
        self.master = flat.share_memory_()
        self.average = flat.clone().share_memory_()
        self.mean, self.square, self.gradient = (torch.zeros_like(flat).share_memory_() for _ in range(3))
        self.live = flat.bfloat16().share_memory_()
        self.counts = torch.zeros(3, dtype=torch.int64).share_memory_()
        """Gradients in the sum, updates made, samples seen."""
        self.floats = torch.zeros(2, dtype=torch.float64).share_memory_()
        """Share of the run done, running mean of the loss."""
        self.rate, self.decay = rate, average

    def update(self) -> None:
        """One AdamW step with the mean of the gradients in the sum. The caller holds the lock."""
        self.gradient.div_(max(int(self.counts[0]), 1))
        norm = float(torch.linalg.vector_norm(self.gradient))
        self.counts[0] = 0
        if not math.isfinite(norm):
            self.gradient.zero_()
            return
        self.counts[1] += 1
        steps, share = int(self.counts[1]), min(float(self.floats[0]), 1.0)
        rate = self.rate * min(1.0, steps / 200) * max(0.5 * (1 + math.cos(math.pi * share)), 0.005)
        decay = min(self.decay, (1 + steps) / (10 + steps))
        clip = min(1.0, 1.0 / (norm + 1e-6))
        first, second = 1 - BETAS[0] ** steps, math.sqrt(1 - BETAS[1] ** steps)
        for start in range(0, len(self.master), CHUNK):
            part = slice(start, start + CHUNK)
            g, m, v, w = self.gradient[part], self.mean[part], self.square[part], self.master[part]
            g.mul_(clip)
            m.lerp_(g, 1 - BETAS[0])
            v.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
            w.mul_(1 - rate * DECAY).addcdiv_(m, v.sqrt().div_(second).add_(EPSILON), value=-rate / first)
            self.average[part].lerp_(w, 1 - decay)
            self.live[part].copy_(w)
            g.zero_()

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint holds."""
        return {name: value for name, value in vars(self).items() if isinstance(value, torch.Tensor)}

    def restore(self, saved: dict[str, torch.Tensor]) -> None:
        """Go on from ``tensors()`` of an earlier run."""
        for name, value in self.tensors().items():
            value.copy_(saved[name])

    def copy_into(self, module: nn.Module, flat: torch.Tensor) -> None:
        """Write one of the flat tensors into a module's parameters."""
        start = 0
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(flat[start : start + parameter.numel()].view_as(parameter))
                start += parameter.numel()


def work(
    number: int,
    weights: SharedWeights,
    lock: Any,
    running: Any,
    stopping: Any,
    each_update: int,
    setup: Callable[[int, Any], tuple[nn.Module, Callable[[], tuple[torch.Tensor, int]]]],
    given: Any,
) -> None:
    """One process's life. ``setup(number, given)`` makes its module and the function that gives a loss and its size."""
    torch.set_num_threads(1)
    module, loss_of = setup(number, given)
    parameters = list(module.parameters())
    parent = multiprocessing.parent_process()
    # A parent that was killed tells nobody to stop.
    while not stopping.is_set() and (parent is None or parent.is_alive()):
        if not running.wait(1):
            continue
        with lock:
            weights.copy_into(module, weights.live)
        loss, samples = loss_of()
        loss.backward()
        with lock:
            start = 0
            for parameter in parameters:
                if parameter.grad is not None:
                    weights.gradient[start : start + parameter.numel()] += parameter.grad.reshape(-1)
                    parameter.grad = None
                start += parameter.numel()
            weights.counts[0] += 1
            weights.counts[2] += samples
            value = float(loss.detach())
            weights.floats[1] = value if not weights.floats[1] else 0.99 * weights.floats[1] + 0.01 * value
            if int(weights.counts[0]) >= each_update:
                weights.update()


class Crew:
    """The processes: started together, held while the parent needs the processor, stopped together."""

    def __init__(
        self, weights: SharedWeights, workers: int, each_update: int, setup: Callable[..., Any], given: Any
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.lock, self.running, self.stopping = context.Lock(), context.Event(), context.Event()
        self.running.set()
        self.processes = [
            context.Process(
                target=work,
                daemon=True,
                args=(number, weights, self.lock, self.running, self.stopping, each_update, setup, given),
            )
            for number in range(workers)
        ]
        for process in self.processes:
            process.start()

    def check(self) -> None:
        """Raises ``RuntimeError`` when a process has died."""
        for process in self.processes:
            if not process.is_alive():
                raise RuntimeError(f"training process {process.pid} ended with {process.exitcode}; its error is above")

    def hold(self) -> None:
        """Let each process finish its batch and wait."""
        self.running.clear()

    def go(self) -> None:
        """Let them work again."""
        self.running.set()

    def stop(self) -> None:
        """End them."""
        self.stopping.set()
        self.running.set()
        for process in self.processes:
            process.join(60)

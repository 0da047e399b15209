"""The teacher: ISNet out of its ONNX file, run by torch in bfloat16.

One thread of torch with bfloat16 labels a crop in 1.65 s, one of onnxruntime with the same file in 3.5 s, and labelling
is most of the time that this model costs. Only what the graph of ISNet has is understood.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

SIDE = 1024
"""Pixels of the network's input, each way."""
_Step = tuple[Callable[..., torch.Tensor], list[str], str]


class Teacher:
    """ISNet of a ``.onnx`` file with plain (not quantised) weights."""

    def __init__(self, path: Path) -> None:
        import onnx

        graph = onnx.load(str(path)).graph
        self._output = graph.output[0].name
        self._steps = _steps(graph, self._output)
        self._last_use = {name: number for number, (_, names, _) in enumerate(self._steps) for name in names}

    def mask(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The mask (0 to 1) of one crop, 1024 x 1024 x 3."""
        pixels = (torch.from_numpy(crop.astype(np.float32)) - 128) / 256
        picture = pixels.permute(2, 0, 1)[None].to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            values = {"input": picture}
            for number, (run, names, target) in enumerate(self._steps):
                values[target] = run(*(values[name] for name in names))
                for name in set(names):
                    if self._last_use[name] == number:
                        del values[name]  # so that the peak stays below a gigabyte
        return np.asarray(values[self._output][0, 0].float().numpy(), np.float32)


def _steps(graph: Any, output: str) -> list[_Step]:
    """What to run, in order, for the first output; the five others are for training."""
    from onnx import numpy_helper

    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    weights |= {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in graph.node if node.op_type == "Constant"
    }
    maker = {name: node for node in graph.node for name in node.output if node.op_type != "Constant"}
    order: dict[str, Any] = {}
    waiting = [output]
    while waiting:  # depth first, as the file does not have its nodes in the order of use
        node = maker[waiting[-1]]
        missing = [name for name in _inputs(node) if name in maker and name not in order]
        if missing:
            waiting += missing
        else:
            order[waiting.pop()] = node
    return [(_operation(node, weights, maker), _inputs(node), name) for name, node in order.items()]


def _inputs(node: Any) -> list[str]:
    """The inputs that are pictures, not weights or sizes."""
    return list(node.input) if node.op_type in ("Concat", "Add") else [node.input[0]]


def _operation(node: Any, weights: dict[str, Any], maker: dict[str, Any]) -> Callable[..., torch.Tensor]:
    attributes = {one.name: one for one in node.attribute}
    match node.op_type:
        case "Conv":
            kernel, bias = (torch.from_numpy(weights[name].astype(np.float32)).bfloat16() for name in node.input[1:3])
            kernel = kernel.contiguous(memory_format=torch.channels_last)
            stride, pad, dilation = (attributes[name].ints[0] for name in ("strides", "pads", "dilations"))
            return lambda x: functional.conv2d(x, kernel, bias, stride, pad, dilation)
        case "MaxPool":
            size, stride = attributes["kernel_shape"].ints[0], attributes["strides"].ints[0]
            return lambda x: functional.max_pool2d(x, size, stride, ceil_mode=True)
        case "Resize":
            high, wide = (int(value) for value in weights[maker[node.input[3]].input[-1]].ravel()[-2:])
            return lambda x: functional.interpolate(x, size=(high, wide), mode="bilinear", align_corners=False)
        case "Concat":
            return lambda *parts: torch.cat(parts, 1)
        case "Add":
            return torch.add
        case "Relu":
            return torch.relu_  # only ever on what a convolution has just made
        case "Sigmoid":
            return torch.sigmoid
        case "Cast":
            return lambda x: x
    raise ValueError(f"the teacher's graph has {node.op_type}: take the ISNet named in README.md")

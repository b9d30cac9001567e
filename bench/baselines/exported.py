"""A network as an ONNX file, in float32 and quantised, run by onnxruntime on one thread."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization import shape_inference
from torch import Tensor, nn

FloatArray = NDArray[np.float32]


class Samples(quantization.CalibrationDataReader):
    """The images that activations' ranges are seen on, one at a time."""

    def __init__(self, images: FloatArray) -> None:
        self._left: Iterator[FloatArray] = iter(images)

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next image as a batch of one."""
        image = next(self._left, None)
        return None if image is None else {"x": image[None]}


def write(model: nn.Module, path: Path) -> Path:
    """A folded network's file; its batch stays open."""
    example = torch.zeros(2, 3, 224, 224)
    shapes = ({0: torch.export.Dim("batch")},)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            path,
            input_names=["x"],
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    return path


def quantised(path: Path, images: Tensor) -> Path:
    """The file with 8-bit activations and weights, the weights' scales per channel."""
    ready, result = path.with_suffix(".ready.onnx"), path.with_suffix(".int8.onnx")
    logging.getLogger().setLevel(logging.ERROR)
    shape_inference.quant_pre_process(path, ready, skip_symbolic_shape=True)
    quantization.quantize_static(
        ready,
        result,
        Samples(images.numpy()),
        quant_format=quantization.QuantFormat.QDQ,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
    )
    return result


def session(model: Path | bytes) -> Callable[[FloatArray], FloatArray]:
    """What computes the network of a file, or of its bytes, on a batch."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    made = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(x: FloatArray) -> FloatArray:
        (found,) = made.run(None, {"x": x})
        assert isinstance(found, np.ndarray)
        return found

    return run

"""Networks computed by oneself, in float32 and in int8, in every way that this machine offers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from baselines import exported
from networks import imagenet
from torch import Tensor, fx, nn
from torch.ao import quantization
from torch.ao.quantization import quantize_fx

# How torch multiplies bytes; each has kernels of its own.
ENGINES = ("x86", "fbgemm", "onednn")
# Enough to see ranges: time does not depend on them.
SAMPLES = 4
Run = Callable[[Tensor], object]


def floats(model: nn.Module, folder: Path, *, compiled: bool) -> dict[str, Run]:
    """Every way to compute a folded network in float32."""
    last = imagenet.folded(model).to(memory_format=torch.channels_last)
    ways: dict[str, Run] = {
        "torch": model,
        "torch, channels last": lambda x: last(x.contiguous(memory_format=torch.channels_last)),
        "torch.jit, optimised": traced(model),
        "onnxruntime": file_run(exported.write(model, folder / "float.onnx")),
    }
    if compiled:
        ways["torch.compile"] = inductor(model)
    return ways


def integers(model: nn.Module, folder: Path) -> dict[str, Run]:
    """Every way to compute a folded network in int8; `floats` has written its file."""
    samples = imagenet.images(SAMPLES, seed=1)
    ways: dict[str, Run] = {f"torch, {engine}": eight_bits(model, engine) for engine in ENGINES}
    return ways | {
        "onnxruntime": file_run(exported.quantised(folder / "float.onnx", samples)),
    }


def traced(model: nn.Module) -> Run:
    """The network frozen by TorchScript, its layers joined and its weights laid out beforehand."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        script = torch.jit.freeze(torch.jit.trace(model, imagenet.images(1)))
        made: Run = torch.jit.optimize_for_inference(script)
    return made


def inductor(model: nn.Module) -> Run:
    """The network compiled by inductor with its weights as constants."""
    from torch._inductor import config  # noqa: PLC0415 (it takes seconds to open)

    config.freezing = True
    made: Run = torch.compile(model)
    return made


def file_run(path: Path) -> Run:
    """An ONNX file's network, run by onnxruntime."""
    run = exported.session(path)
    return lambda x: run(x.numpy())


def eight_bits(model: nn.Module, engine: str) -> fx.GraphModule:
    """The network quantised by torch: unsigned activations, signed weights per channel, fused."""
    torch.backends.quantized.engine = engine
    example = (imagenet.images(1),)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        knobs = quantization.get_default_qconfig_mapping(engine)
        watched = quantize_fx.prepare_fx(imagenet.folded(model), knobs, example)
        with torch.inference_mode():
            watched(imagenet.images(SAMPLES, seed=1))
        made: fx.GraphModule = quantize_fx.convert_fx(watched)
    return made

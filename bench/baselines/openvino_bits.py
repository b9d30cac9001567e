"""OpenVINO's BinaryConvolution of one shape, in a process of its own: it may have its own Python.

    python bench/baselines/openvino_bits.py CHANNELS SIDE RUNS

Prints JSON: the least CPU seconds of a run from floats to floats, and by its own clock those of the
binarisation and of the convolution, without the changes of layout between.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import openvino

TAPS = 3
LAYER = '<layer id="{id}" name="{name}" type="{kind}" version="opset1">{data}{ports}</layer>'
EDGE = '<edge from-layer="{}" from-port="{}" to-layer="{}" to-port="{}"/>'
# Where each port's value comes from: the binarisation's five, and the convolution's two.
EDGES = (
    *((0, 0, 4, 0), (1, 0, 4, 1), (1, 0, 4, 2), (2, 0, 4, 3), (3, 0, 4, 4)),
    *((4, 5, 6, 0), (5, 0, 6, 1), (6, 2, 7, 0)),
)


def ports(inputs: list[tuple[int, ...]], result: tuple[int, ...] | None, kind: str) -> str:
    """A layer's ports, numbered one after the other."""

    def port(index: int, shape: tuple[int, ...], said: str) -> str:
        dimensions = "".join(f"<dim>{n}</dim>" for n in shape)
        return f'<port id="{index}"{said}>{dimensions}</port>'

    given = "".join(port(k, shape, "") for k, shape in enumerate(inputs))
    found = f"<input>{given}</input>" if given else ""
    if result is None:
        return found
    precision = f' precision="{kind}"'
    return found + f"<output>{port(len(inputs), result, precision)}</output>"


def network(channels: int, side: int) -> tuple[bytes, bytes]:
    """The file of a binarisation and a convolution, and its weights."""
    image, one, each = (1, channels, side, side), (1, 1, 1, 1), (1, channels, 1, 1)
    weight = (channels, channels, TAPS, TAPS)
    bits = np.random.default_rng(0).integers(0, 256, np.prod(weight) // 8, dtype=np.uint8)
    parts = [np.zeros(channels, np.float32), np.float32(-1.0), np.float32(1.0), bits]
    blobs = [part.tobytes() for part in parts]
    starts = np.cumsum([0, *(len(blob) for blob in blobs)])

    def constant(index: int, shape: tuple[int, ...], kind: str, precision: str) -> str:
        place = f'offset="{starts[index]}" size="{len(blobs[index])}"'
        shown = ",".join(map(str, shape))
        data = f'<data element_type="{kind}" shape="{shown}" {place}/>'
        names = {"id": (1, 2, 3, 5)[index], "name": f"c{index}", "kind": "Const"}
        return LAYER.format(**names, data=data, ports=ports([], shape, precision))

    shown = ",".join(map(str, image))
    window = (
        '<data strides="1,1" pads_begin="1,1" pads_end="1,1" dilations="1,1" '
        'mode="xnor-popcount" pad_value="-1.0" auto_pad="explicit"/>'
    )
    layers = [
        LAYER.format(
            id=0,
            name="x",
            kind="Parameter",
            data=f'<data shape="{shown}" element_type="f32"/>',
            ports=ports([], image, "FP32"),
        ),
        *(constant(k, shape, "f32", "FP32") for k, shape in enumerate((each, one, one))),
        constant(3, weight, "u1", "BIN"),
        LAYER.format(
            id=4,
            name="bits",
            kind="FakeQuantize",
            data='<data levels="2" auto_broadcast="numpy"/>',
            ports=ports([image, each, each, one, one], image, "FP32"),
        ),
        LAYER.format(
            id=6,
            name="products",
            kind="BinaryConvolution",
            data=window,
            ports=ports([image, weight], image, "FP32"),
        ),
        LAYER.format(id=7, name="r", kind="Result", data="", ports=ports([image], None, "")),
    ]
    edges = "".join(EDGE.format(*edge) for edge in EDGES)
    text = (
        f'<?xml version="1.0"?><net name="bits" version="11"><layers>{"".join(layers)}</layers>'
        f"<edges>{edges}</edges></net>"
    )
    return text.encode(), b"".join(blobs)


def request(channels: int, side: int, *, profiled: bool) -> openvino.InferRequest:
    """What runs the network on one core, on random floats."""
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": 1, "PERF_COUNT": profiled}
    found = core.compile_model(core.read_model(*network(channels, side)), "CPU", settings)
    made = found.create_infer_request()
    x = np.random.default_rng(1).standard_normal((1, channels, side, side)).astype(np.float32)
    made.set_input_tensor(openvino.Tensor(x))
    made.infer()
    return made


def main() -> None:
    """Measure one shape."""
    channels, side, runs = map(int, sys.argv[1:])
    plain, told = (request(channels, side, profiled=each) for each in (False, True))
    whole, parts, kernel = float("inf"), float("inf"), ""
    for _ in range(runs):
        start = time.process_time()
        plain.infer()
        whole = min(whole, time.process_time() - start)
        told.infer()
        nodes = [
            n for n in told.profiling_info if n.node_type in {"FakeQuantize", "BinaryConvolution"}
        ]
        parts = min(parts, sum(node.real_time.total_seconds() for node in nodes))
        kernel = nodes[-1].exec_type
    version = openvino.__version__
    print(json.dumps({"seconds": whole, "parts": parts, "kernel": kernel, "version": version}))


if __name__ == "__main__":
    main()

"""Products for the tests of the verifier, and what they come to in Python's integers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tacit.arithmetics.field.ops import Convolution, Dense, Product
from tacit.arithmetics.field.verify.challenge import Challenge
from tacit.ir.graph import Shape
from tacit.ir.ops import Pads

Whole = NDArray[np.object_]
Layer = tuple[Product, Shape]
INT32 = np.iinfo(np.int32)
SEED = 20261127


def weights(*shape: int) -> NDArray[np.int16]:
    """Weights of eight bits."""
    return np.random.default_rng(SEED).integers(-128, 128, shape).astype(np.int16)


def convolution(
    shape: tuple[int, ...],
    *,
    stride: tuple[int, ...] = (1, 1),
    padding: Pads = ((1, 1), (1, 1)),
    dilation: tuple[int, ...] = (1, 1),
    groups: int = 1,
) -> Convolution:
    """A convolution; the shape is that of its weights."""
    return Convolution(weights(*shape), stride, padding, dilation, groups)


ZERO = ((0, 0), (0, 0))
LAYERS: Mapping[str, Layer] = {
    "dense": (Dense(weights(10, 17)), (17,)),
    "dense over rows": (Dense(weights(5, 64)), (2, 3, 64)),
    "pointwise": (convolution((4, 64, 1, 1), padding=ZERO), (64, 5, 4)),
    "same": (convolution((8, 17, 3, 3)), (17, 6, 5)),
    "wide": (convolution((130, 2, 3, 3)), (2, 4, 7)),
    "many channels": (convolution((3, 130, 3, 3)), (130, 4, 3)),
    "one channel": (convolution((1, 1, 3, 3)), (1, 9, 8)),
    "first": (convolution((8, 3, 7, 7), stride=(2, 2), padding=((3, 3),) * 2), (3, 19, 16)),
    "strided": (convolution((4, 3, 1, 1), stride=(2, 2), padding=ZERO), (3, 7, 8)),
    "dilated": (convolution((4, 3, 3, 2), dilation=(2, 3), padding=((2, 1), (0, 3))), (3, 8, 9)),
    "both": (convolution((4, 3, 3, 3), stride=(2, 3), dilation=(3, 2)), (3, 11, 12)),
    "asymmetric": (convolution((4, 3, 3, 4), padding=((0, 2), (3, 1))), (3, 5, 6)),
    "grouped": (convolution((6, 4, 3, 3), groups=2), (8, 5, 5)),
    "depthwise": (convolution((33, 1, 3, 3), stride=(2, 1), groups=33), (33, 6, 7)),
    "larger than the image": (convolution((4, 3, 5, 5), padding=((2, 3), (4, 2))), (3, 2, 1)),
    "padding alone": (convolution((2, 3, 1, 1), stride=(2, 2)), (3, 3, 3)),
    "sequence": (
        convolution((5, 3, 4), stride=(2,), padding=((1, 3),), dilation=(3,)),
        (3, 17),
    ),
}


def inputs(challenge: Challenge, images: int = 2, seed: int = SEED) -> NDArray[np.uint8]:
    """Random bytes NHWC, the largest among them."""
    generator = np.random.default_rng(seed)
    found = generator.integers(0, 256, (images, *challenge.image)).astype(np.uint8)
    found.reshape(images, -1)[:, 0] = 255
    return found


def answers(challenge: Challenge, images: int = 2, seed: int = SEED) -> NDArray[np.int32]:
    """Random int32 NHWC, the least and the largest among them."""
    generator = np.random.default_rng(seed)
    shape = (images, *challenge.result)
    found = generator.integers(INT32.min, INT32.max, shape, np.int32, endpoint=True)
    flat = found.reshape(-1)
    flat[:1], flat[-1:] = INT32.min, INT32.max
    return found


def product_of(layer: Layer, x: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The true product NHWC, by the word's own meaning."""
    product, shape = layer
    match product:
        case Dense():
            found = product.run(x.reshape(len(x), *shape).astype(np.float64))
            return found.reshape(len(x), -1, 1, len(product.weight)).astype(np.int32)
        case Convolution():
            first = np.moveaxis(x, -1, 1).reshape(len(x), *shape)
            found = np.moveaxis(product.run(first.astype(np.float64)), 1, -1)
            wide = found[:, None] if found.ndim == 3 else found
            return np.ascontiguousarray(wide.astype(np.int32))


def left_in_integers(y: NDArray[np.int32], secrets: NDArray[np.int64], modulus: int) -> list[int]:
    """Σ alpha^h beta^w s_o y[h, w, o] of each image."""
    alpha, beta, *s = (int(each) for each in secrets)
    _, height, width, _ = y.shape
    rows: Whole = np.array([pow(alpha, h, modulus) for h in range(height)], object)
    columns: Whole = np.array([pow(beta, w, modulus) for w in range(width)], object)
    weight = rows[:, None, None] * columns[:, None] * np.array(s, object)
    return [int((image.astype(object) * weight).sum()) % modulus for image in y]


def first_axis(x: NDArray[np.generic]) -> NDArray[np.float64]:
    """Images NHWC as the graph has them: (images, C, H, W), as doubles."""
    return np.moveaxis(x, -1, 1).astype(np.float64)


def last_axis(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The graph's images as NHWC."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))

"""Networks learn with weights and activations of one bit, or of few."""

from tacit.tune.binarise.bop import Bop
from tacit.tune.binarise.flips import Signs, flip_ratio, flip_ratios, signs
from tacit.tune.binarise.functions import (
    approx_sign,
    dorefa,
    dorefa_weights,
    magnitude_aware_sign,
    ste_heaviside,
    ste_sign,
    ste_tern,
    swish_sign,
)
from tacit.tune.binarise.layers import (
    QuantConv1d,
    QuantConv2d,
    QuantLayer,
    QuantLinear,
    bit_weights,
    clip_after_steps,
    clip_latent,
    quant_layers,
)
from tacit.tune.binarise.lsq import LSQ, lsq
from tacit.tune.binarise.quantiser import Quantiser
from tacit.tune.binarise.quantisers import (
    QUANTISERS,
    ApproxSign,
    DoReFa,
    DoReFaWeights,
    MagnitudeAwareSign,
    SteHeaviside,
    SteSign,
    SteTern,
    SwishSign,
)
from tacit.tune.binarise.summary import Row, Summary, summary

__all__ = [
    "LSQ",
    "QUANTISERS",
    "ApproxSign",
    "Bop",
    "DoReFa",
    "DoReFaWeights",
    "MagnitudeAwareSign",
    "QuantConv1d",
    "QuantConv2d",
    "QuantLayer",
    "QuantLinear",
    "Quantiser",
    "Row",
    "Signs",
    "SteHeaviside",
    "SteSign",
    "SteTern",
    "Summary",
    "SwishSign",
    "approx_sign",
    "bit_weights",
    "clip_after_steps",
    "clip_latent",
    "dorefa",
    "dorefa_weights",
    "flip_ratio",
    "flip_ratios",
    "lsq",
    "magnitude_aware_sign",
    "quant_layers",
    "signs",
    "ste_heaviside",
    "ste_sign",
    "ste_tern",
    "summary",
    "swish_sign",
]

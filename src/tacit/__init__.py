"""Lowers a trained model into arithmetics that keep its inputs private."""

from tacit import approx
from tacit.arithmetics.binary import Binary
from tacit.arithmetics.ckks import CKKS
from tacit.arithmetics.field import Field
from tacit.arithmetics.integers import Integers
from tacit.errors import (
    DepthExceeded,
    EngineError,
    InsecureParameters,
    LoweringError,
    NotCalibrated,
    OutOfRange,
    ProtocolError,
    ReadError,
    TacitError,
    TypeMismatch,
    VerificationFailed,
    WidthExceeded,
)
from tacit.ir.graph import Graph
from tacit.passes import calibrate
from tacit.program import Cost, Engine, Program, compile, lower  # noqa: A004 (as everybody says)
from tacit.read import read
from tacit.serve import (
    Client,
    Server,
    load_program,
    make_keys,
    make_masks,
    pack,
    read_packed,
    write_packed,
)

__version__ = "0.1.0"

__all__ = [
    "CKKS",
    "Binary",
    "Client",
    "Cost",
    "DepthExceeded",
    "Engine",
    "EngineError",
    "Field",
    "Graph",
    "InsecureParameters",
    "Integers",
    "LoweringError",
    "NotCalibrated",
    "OutOfRange",
    "Program",
    "ProtocolError",
    "ReadError",
    "Server",
    "TacitError",
    "TypeMismatch",
    "VerificationFailed",
    "WidthExceeded",
    "approx",
    "calibrate",
    "compile",
    "load_program",
    "lower",
    "make_keys",
    "make_masks",
    "pack",
    "read",
    "read_packed",
    "write_packed",
]

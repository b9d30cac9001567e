"""What is computed on packed bits, by whatever is quickest on this host."""

import os
import platform

from tacit.arithmetics.binary.kernels.compiled import Compiled
from tacit.arithmetics.binary.kernels.forms import chosen
from tacit.arithmetics.binary.kernels.reference import Reference
from tacit.arithmetics.binary.kernels.seam import Kernels, Packed, PoolWindow
from tacit.arithmetics.binary.kernels.vectors import host_features


def found(threads: int | None = None) -> Kernels:
    """The quickest exact kernels of this host, on so many threads; unsaid, one for each core."""
    form = chosen(platform.machine().lower(), host_features())
    return Compiled(form, threads or os.cpu_count() or 1)


__all__ = ["Compiled", "Kernels", "Packed", "PoolWindow", "Reference", "found"]

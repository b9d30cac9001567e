"""The door to Pillow: one file becomes one square image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tacit.errors import ReadError

# What data sets hold; Pillow knows others too, some of which start other programs.
FORMATS = ("JPEG", "PNG", "BMP", "PPM", "WEBP", "GIF", "TIFF")


def decoded(path: Path, shorter: int, size: int) -> NDArray[np.uint8]:
    """The centre of an image whose shorter side became `shorter`: (3, size, size), uint8.

    Raises ReadError for a file that is not there or that is no whole image.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            scale = shorter / min(width, height)
            wide, high = (max(shorter, int(each * scale)) for each in (width, height))
            left, top = round((wide - size) / 2.0), round((high - size) / 2.0)
            square = (
                image.convert("RGB")
                .resize((wide, high), Image.Resampling.BILINEAR)
                .crop((left, top, left + size, top + size))
            )
    # Pillow raises all of these for damaged files, depending on the format and the place.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as wrong:
        raise ReadError(
            f"{path} cannot be decoded: {wrong}", hint=f"it may be one of {', '.join(FORMATS)}"
        ) from wrong
    return np.asarray(square, dtype=np.uint8).transpose(2, 0, 1)

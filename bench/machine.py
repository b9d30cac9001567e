"""The machine that a measurement was made on, for the results' files."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path


def description() -> dict[str, object]:
    """Processor, memory and versions; nothing that names a person or a place."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": metadata.version("numpy"),
        "tacit": metadata.version("tacit"),
    }

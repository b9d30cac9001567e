"""A training's state in one file, which is there whole or not at all; nothing in it is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from tacit.errors import ReadError
from tacit.files import new_file
from tacit.program import Json

VERSION = 1
NAME = "checkpoint.safetensors"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Tensors by group and name, and what else is known; `fingerprint` says of which training."""

    fingerprint: str
    groups: Mapping[str, Mapping[str, Tensor]]
    facts: Mapping[str, Json]

    def write(self, folder: Path) -> None:
        """Put it in the place of the one before: a kill or a full disk leaves that as it was."""
        tensors = {
            f"{group}/{name}": each.detach().cpu().contiguous().clone()
            for group, held in self.groups.items()
            for name, each in held.items()
        }
        known = {"version": VERSION, "fingerprint": self.fingerprint, "facts": dict(self.facts)}
        folder.mkdir(parents=True, exist_ok=True)
        with new_file(folder / NAME, overwrite=True) as file:
            # Written by itself, safetensors would leave a file that only its owner can read.
            file.write_bytes(save(tensors, metadata={"tacit": json.dumps(known)}))


def read(folder: Path, fingerprint: str, device: torch.device) -> Checkpoint | None:
    """The checkpoint in a folder, or None where there is none.

    Raises ReadError where it is damaged, or of another model, other data or other knobs.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            known = json.loads((file.metadata() or {}).get("tacit", "null"))
        tensors = load_file(path, device=str(device))
    except (SafetensorError, ValueError, OSError) as wrong:
        raise ReadError(
            f"{path} is no checkpoint: {wrong}", hint="delete it to begin anew"
        ) from wrong
    match known:
        case {"version": int(version), "fingerprint": str(other), "facts": dict(facts)}:
            pass
        case _:
            raise ReadError(f"{path} is no checkpoint of a tuning", hint="delete it to begin anew")
    if version != VERSION or other != fingerprint:
        raise ReadError(
            f"{path} is of another tuning: the model, the data or the knobs differ",
            hint="choose another folder, or delete it to begin anew",
        )
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        group, _, own = name.partition("/")
        groups.setdefault(group, {})[own] = tensor
    return Checkpoint(fingerprint, groups, facts)

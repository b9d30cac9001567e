from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from tacit.errors import ReadError
from tacit.ir.ops import Reshape
from tacit.read import read

Gap = Callable[..., float]
Move = Callable[[torch.Tensor], torch.Tensor]


class Moves(nn.Module):
    """A way to move entries as a model."""

    def __init__(self, write: Move) -> None:
        super().__init__()
        self.write = write

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.write(x)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.flatten(1),
        lambda x: x.flatten(1, 2),
        lambda x: x.flatten(-2),
        lambda x: x.view(x.size(0), -1),
        lambda x: x.view(-1, 2 * 4 * 6),
        lambda x: x.reshape(x.shape[0], 4, 2, 6),
        lambda x: x.reshape(-1, 8, 3, 2),
        lambda x: x.unflatten(3, (2, 3)),
        lambda x: x.unsqueeze(1).squeeze(1),
        lambda x: x[:, None, ..., None].squeeze((1, -1)),
        lambda x: x.squeeze(1),
        lambda x: x.permute(0, 2, 3, 1),
        lambda x: x.transpose(1, -1),
        lambda x: x.swapaxes(2, 3),
        lambda x: x.movedim(1, 3),
        lambda x: x.mT,
        lambda x: torch.cat([x, 2 * x], 1),
        lambda x: torch.cat([x, x, x], -1),
        lambda x: torch.cat([x, torch.ones(1, 2, 4, 1).expand(x.shape[0], -1, -1, -1)], 3),
        lambda x: torch.stack([x, -x], 1),
        lambda x: torch.stack([x, -x], -1),
        lambda x: x[:, 1],
        lambda x: x[:, :, 1:3],
        lambda x: x[:, :, :, -1],
        lambda x: x[:, :, ::2, 1::3],
        lambda x: x[..., :-2],
        lambda x: x.select(2, -1),
        lambda x: x.narrow(3, 2, 3),
        lambda x: torch.cat(x.split(4, 3)[::-1], 3),
        lambda x: torch.cat(x.split([1, 2, 1], 2)[1:], 2),
        lambda x: x.chunk(4, 3)[1],
        lambda x: x.unbind(2)[3] - x.unbind(2)[0],
        lambda x: x.tensor_split(3, 2)[0],
        lambda x: functional.pad(x, (1, 2)),
        lambda x: functional.pad(x, (1, 2, 0, 3), value=0.5),
        lambda x: functional.pad(x, (0, 0, 0, 0, 1, 1)),
        lambda x: functional.pad(x, (-1, 2)),
        nn.ZeroPad2d(2),
        lambda x: x[:, :, :1].expand(-1, 2, 3, 6),
        lambda x: x.reshape(-1, 2, 2, 2, 6).transpose(1, 2).reshape(-1, 4, 2, 6),
        lambda x: functional.pixel_shuffle(x.reshape(-1, 4, 2, 6), 2),
        lambda x: functional.pixel_unshuffle(x, 2),
        lambda x: functional.channel_shuffle(x.reshape(-1, 4, 2, 6), 2),
    ],
)
def test_moving_entries_means_what_it_means_in_torch(gap: Gap, write: Move) -> None:
    # Nothing but float32's rounding of a sum may differ.
    assert gap(Moves(write), (2, 4, 6)) <= 1e-6


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x[:],
        lambda x: x.view(-1, 4),
        lambda x: x[:, 0:4],
        lambda x: functional.pad(x, (0, 0)),
    ],
)
def test_moves_that_move_nothing_leave_no_node(write: Move) -> None:
    graph = read(Moves(write), torch.zeros(2, 4))

    assert len(graph) == 1


def test_flattening_becomes_one_reshape() -> None:
    graph = read(nn.Flatten(), torch.zeros(1, 2, 3))

    op = graph[graph.outputs[0]].op

    assert isinstance(op, Reshape)
    assert op.to == (6,)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda x: x.flatten(), "is not the batch"),
        (lambda x: x.reshape(-1, 2), "is not the batch"),
        (lambda x: x.unsqueeze(0), "is not the batch"),
        (lambda x: x.transpose(0, 1), "moves the batch"),
        (lambda x: x[0], "along the batch"),
        (lambda x: x[: x.shape[0] // 2], "batch"),
        (lambda x: torch.cat([x, x]), "along the batch"),
        (lambda x: torch.stack([x, x]), "along the batch"),
        (lambda x: x.flip(1), "flip"),
        (lambda x: x[:, torch.tensor([3, 0])], "index"),
        (lambda x: functional.pad(x, (1, 1, 1, 1)), "pads the batch"),
        (lambda x: functional.pad(x[:, None], (1, 1), mode="reflect"), "mode is 'reflect'"),
        (lambda x: x + torch.arange(x.shape[0])[:, None], "size of the batch"),
    ],
)
def test_what_mixes_rows_or_is_unknown_is_refused(write: Move, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(Moves(write), torch.zeros(2, 4))

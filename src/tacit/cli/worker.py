"""The commands of workers: run one, and make the certificates that one needs across machines."""

from __future__ import annotations

import json as text
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tacit.cli.screen import Screen
from tacit.errors import TacitError
from tacit.serve.worker.addresses import Address, UnixAddress, parse
from tacit.serve.worker.process import Place, become, load, run
from tacit.serve.worker.sandbox import Walls, obstacle, supervise
from tacit.serve.worker.service import Service

BUBBLEWRAP = "bubblewrap"
# Libraries read these once, when they are loaded.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MODE = re.compile(r"^0?[0-7]{3}$")
EXAMPLES = (
    "Examples: tacit worker my.bundle/server --listen unix:/run/tacit/worker "
    "· tacit worker my.bundle/server --listen tcp:192.0.2.1:7000 --certificates worker-1"
)

CERTIFY_EXAMPLES = (
    "Example: tacit certify certificates --workers 2 · then certificates/worker-1 goes to one "
    "worker's machine (tacit worker --certificates), certificates/verifier stays (tacit ask)."
)


@dataclass(frozen=True)
class _Wish:
    """What stands on the command line."""

    bundle: Path
    address: Address
    certificates: Path | None
    threads: int | None
    rows: int | None
    user: str | None
    mode: str
    must_encrypt: bool
    stops_with_input: bool


def worker(
    bundle: Annotated[
        Path, typer.Argument(metavar="DIR", help="A bundle, or its server's part alone.")
    ],
    listen: Annotated[str, typer.Option(help="unix:/path, or tcp:host:port (tcp:port: loopback).")],
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads to compute with [all cores].")
    ] = None,
    certificates: Annotated[
        Path | None, typer.Option(help="The worker's folder of certificates, needed over TCP.")
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="The largest batch to take.")] = None,
    user: Annotated[str | None, typer.Option(help="The user to become, if root starts it.")] = None,
    mode: Annotated[
        str, typer.Option(help="Permissions of the socket, as chmod takes them.")
    ] = "600",
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Refuse verifiers whose tensors are not encrypted.")
    ] = False,
    stop_with_input: Annotated[
        bool,
        typer.Option(
            "--stop-with-input",
            help="Stop when standard input ends, as it does when whoever started it is gone.",
        ),
    ] = False,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Do without bubblewrap where it is installed.")
    ] = False,
    inside: Annotated[str | None, typer.Option(hidden=True)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON line when ready.")] = False,
) -> None:
    """Compute the products of a program for a verifier, who checks them; until it is stopped."""
    if not MODE.match(mode):
        raise TacitError(f"--mode {mode!r} are no permissions", hint="such as 600 or 660")
    screen = Screen(json)
    wish = _Wish(
        bundle, parse(listen), certificates, threads, rows, user, mode, encrypt, stop_with_input
    )
    sandbox = _set_up(wish, screen, is_wanted=not no_sandbox) if inside is None else inside
    if user is not None:
        become(user)
    service = load(bundle, rows=rows, threads=threads, must_encrypt=encrypt)
    place = Place(wish.address, certificates, int(mode, 8))

    def announce(address: Address) -> None:
        _announce(address, service, sandbox, as_json=json)

    # The walls let no signal through: inside, the end of the input is the only word to stop.
    run(service, place, announce, stops_with_input=stop_with_input or sandbox == BUBBLEWRAP)


def certify(
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    workers: Annotated[int, typer.Option(min=1, help="How many workers.")] = 1,
    days: Annotated[int, typer.Option(min=1, help="How long the certificates hold.")] = 365,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and no progress.")
    ] = False,
) -> None:
    """Make certificates for a verifier and its workers, of an authority whose key is forgotten."""
    # The door of the library that signs.
    from tacit.serve.worker.certificates import certify as certified

    verifier, *others = certified(folder, workers=workers, days=days, overwrite=overwrite)
    Screen(json).report({"verifier": str(verifier), "workers": [str(each) for each in others]})


def _set_up(wish: _Wish, screen: Screen, *, is_wanted: bool) -> str:
    """Start again inside of a sandbox, which does not return; or say what there is instead."""
    walls = _walls(wish)
    reason = obstacle(walls) if is_wanted else "--no-sandbox was asked for"
    state = BUBBLEWRAP if reason is None else f"none: {reason}"
    if reason is not None:
        screen.note(f"This worker runs without a sandbox: {reason}.")
    if wish.threads is not None:
        os.environ.update(dict.fromkeys(THREADS, str(wish.threads)))
    again = [*_again(wish, screen), "--inside", state]
    if reason is None:
        sys.exit(supervise(walls, again, stops_with_input=wish.stops_with_input))
    if wish.threads is not None:
        # The libraries that are loaded by now have counted the cores already.
        os.execv(sys.executable, again)  # noqa: S606 (this very program)
    return state


def _again(wish: _Wish, screen: Screen) -> list[str]:
    """This command once more, whatever the folder that it is started in."""
    bundle, listen = str(wish.bundle.absolute()), str(wish.address)
    if isinstance(wish.address, UnixAddress):
        listen = f"unix:{wish.address.path.absolute()}"
    folder = None if wish.certificates is None else str(wish.certificates.absolute())
    options = {
        "--certificates": folder,
        "--threads": wish.threads,
        "--user": wish.user,
        "--rows": wish.rows,
        "--mode": wish.mode,
    }
    given = {name: str(value) for name, value in options.items() if value is not None}
    flags = {
        "--encrypt": wish.must_encrypt,
        "--stop-with-input": wish.stops_with_input,
        "--json": screen.json,
    }
    return [
        *(sys.executable, "-P", "-c", "from tacit.cli import main; main()", "worker", bundle),
        *("--listen", listen),
        *(word for pair in given.items() for word in pair),
        *(name for name, value in flags.items() if value),
    ]


def _walls(wish: _Wish) -> Walls:
    is_local = isinstance(wish.address, UnixAddress)
    writes = (wish.address.path.parent,) if isinstance(wish.address, UnixAddress) else ()
    reads = (wish.bundle,) if wish.certificates is None else (wish.bundle, wish.certificates)
    return Walls(reads, writes, has_network=not is_local, may_become=wish.user is not None)


def _announce(address: Address, service: Service, sandbox: str, *, as_json: bool) -> None:
    told = service.health
    if as_json:
        record = {
            "ready": str(address),
            "back_end": told.backend,
            "exact": told.exact,
            "threads": told.threads,
            "rows": told.rows or None,
            "sandbox": sandbox,
            "user": os.getuid(),
        }
        print(text.dumps(record), flush=True)
        return
    test = "exact" if told.exact else "no self-test"
    facts = f"{told.backend} ({test}), {told.threads} threads, sandbox {sandbox}"
    print(f"ready at {address}: {facts}", flush=True)

"""Constructors and methods of scikit-learn's classes, with the parameters that are added here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import Any

Learn = Callable[[Any, str, dict[str, Any]], Any]


def constructor(namesake: Any, added: Mapping[str, object]) -> Callable[..., None]:
    """An `__init__` with all parameters of the namesake's, and keywords that it stores itself.

    scikit-learn reads an estimator's parameters off the signature of its constructor.
    """
    theirs = inspect.signature(namesake.__init__)
    more = [Parameter(k, Parameter.KEYWORD_ONLY, default=v) for k, v in added.items()]
    known = [*theirs.parameters.values()]
    plain = [each for each in known if each.kind is not Parameter.VAR_KEYWORD]
    rest = known[len(plain) :]
    signature = theirs.replace(parameters=[*plain, *more, *rest])

    @functools.wraps(namesake.__init__)
    def made(self: Any, *args: Any, **kwargs: Any) -> None:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        for name in added:
            setattr(self, name, given.arguments.pop(name))
        namesake.__init__(*given.args, **given.kwargs)

    made.__dict__["__signature__"] = signature
    return made


def learning(namesake: Any, verb: str, learn: Learn) -> Callable[..., Any]:
    """The method `verb`, called as the namesake's; `learn` is given the call's arguments."""
    theirs = getattr(namesake, verb)
    signature = inspect.signature(theirs)

    @functools.wraps(theirs)
    def made(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        del given["self"]
        return learn(self, verb, given)

    return made

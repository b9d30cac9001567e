"""The tests see it when a part of the protection is taken away, one line at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FIELD = ROOT / "src" / "tacit" / "arithmetics" / "field"
HERE = Path(__file__).parent
MUTANT = HERE / "mutant.py"
ATTACKS = f"{HERE / 'test_attacks.py'}::test_no_attack_on_any_product_is_accepted[grouped]"
OUT_OF_RANGE = f"{HERE / 'test_attacks.py'}::test_a_number_equal_modulo_a_small_prime"
FORGERY = (
    f"{HERE / 'test_attacks.py'}::test_a_forgery_is_accepted_by_chance_and_again_by_chance_alone"
)
CLIENT = HERE / "test_client.py"
CONVERSATION = HERE / "test_conversation.py"
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Mutation:
    """One edit of one file, and the tests that must not pass with it."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        return "tacit.arithmetics.field." + self.file.removesuffix(".py").replace("/", ".")

    def run(self, folder: Path) -> int:
        """The tests' status with the edit; an edit that does not apply once is a mistake."""
        text = (FIELD / self.file).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.file} has no such line, or several: {self.old}"
        copy = folder / Path(self.file).name
        copy.write_text(text.replace(self.old, self.new), encoding="utf-8")
        command = [sys.executable, str(MUTANT), self.module, str(copy), *self.tests]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=False, stdout=subprocess.DEVNULL
        ).returncode


def client(name: str) -> tuple[str, ...]:
    return (f"{CLIENT}::{name}",)


def conversation(name: str) -> tuple[str, ...]:
    return (f"{CONVERSATION}::{name}",)


MUTATIONS = {
    "the comparison is deleted": Mutation(
        "verifier.py",
        "self.passed & (left == self.rights.pop(name)).all(axis=1)",
        "self.passed & (left == left).all(axis=1)",
        (ATTACKS,),
    ),
    "one repetition of several is enough": Mutation(
        "verifier.py",
        "(left == self.rights.pop(name)).all(axis=1)",
        "(left == self.rights.pop(name)).any(axis=1)",
        (f"{HERE / 'test_verifier.py'}::test_every_repetition_counts",),
    ),
    "what a pass finds is not compared": Mutation(
        "verifier.py",
        "        if left is not None:\n            course.judge(name, left)",
        "        if left is not None:\n            course.rights.pop(name)",
        (ATTACKS,),
    ),
    "the last product is not checked": Mutation(
        "verifier.py",
        "        course.judge(node.name, challenge.left(answer))",
        "        challenge.left(answer)",
        (ATTACKS,),
    ),
    "the range is not checked": Mutation(
        "verifier.py",
        "course.passed & challenge.is_canonical(answer)",
        "course.passed & True",
        (f"{OUT_OF_RANGE}_is_out_of_range",),
    ),
    "the challenge is all ones": Mutation(
        "verify/challenge.py",
        "drawn(2 + len(layer.weight), modulus)",
        "np.ones(2 + len(layer.weight), np.int64)",
        (ATTACKS,),
    ),
    "the challenge is a constant": Mutation(
        "verify/challenge.py",
        "drawn(2 + len(layer.weight), modulus)",
        "np.arange(7, 9 + len(layer.weight), dtype=np.int64) * 48271 % modulus",
        (FORGERY,),
    ),
    "the challenge is zeros and ones": Mutation(
        "verify/challenge.py",
        "drawn(2 + len(layer.weight), modulus)",
        "drawn(2 + len(layer.weight), modulus) & 1",
        (ATTACKS,),
    ),
    "verdicts are ignored": Mutation(
        "client.py",
        "return judged.results if judged.passed.all() else None",
        "return judged.results",
        client("test_of_a_false_answer_nothing_is_returned"),
    ),
    "one true row is enough": Mutation(
        "client.py",
        "return judged.results if judged.passed.all() else None",
        "return judged.results if judged.passed.any() else None",
        client("test_of_a_false_answer_nothing_is_returned"),
    ),
    "private verdicts are ignored": Mutation(
        "client.py",
        "if not found.passed.all():",
        "if False:",
        conversation("test_a_false_private_answer_is_known_at_the_end_alone"),
    ),
    "challenges outlive their answer": Mutation(
        "client.py",
        "            challenges.destroy()",
        "            pass",
        client("test_the_challenges_of_an_answer_are_destroyed_whatever_it_is"),
    ),
    "challenges outlive their conversation": Mutation(
        "conversation.py",
        "        self._challenges.destroy()",
        "        pass",
        conversation("test_the_end_of_a_conversation_destroys_what_it_hid_with"),
    ),
    "challenges are used over again": Mutation(
        "checker.py",
        "return self._ready.pop()",
        "return self._ready[-1]",
        client("test_challenges_that_were_made_ahead_are_used_once"),
    ),
    "anybody's request is opened": Mutation(
        "client.py",
        "not hmac.compare_digest(self._tag(request[0]), request[1])",
        "False",
        client("test_an_answer_is_opened_with_what_was_asked_alone"),
    ),
    "every query has the same masks": Mutation(
        "masks.py",
        "index = next(self._indices)",
        "index = 0",
        conversation("test_no_question_is_masked_as_another_is"),
    ),
    "every layer has the same masks": Mutation(
        "blind/masks.py",
        'return index.to_bytes(8, "big") + layer.to_bytes(4, "big") + bytes(4)',
        'return index.to_bytes(8, "big") + bytes(8)',
        conversation("test_every_round_has_masks_of_its_own"),
    ),
    "a mask is given out again": Mutation(
        "blind/query.py",
        "layer = left.pop(number, None)",
        "layer = left.get(number, None)",
        (f"{HERE / 'test_masks.py'}::test_a_mask_is_given_out_once",),
    ),
    "nothing is masked": Mutation(
        "conversation.py",
        "blinded(image, masks)",
        "blinded(image, masks * 0)",
        conversation("test_no_question_is_masked_as_another_is"),
    ),
}
QUICK = "the comparison is deleted"
slowly = [pytest.param(name, marks=() if name == QUICK else pytest.mark.slow) for name in MUTATIONS]


@pytest.mark.parametrize("name", slowly)
def test_tests_fail_without(name: str, tmp_path: Path) -> None:
    assert MUTATIONS[name].run(tmp_path) == FAILED


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted({each.file for each in MUTATIONS.values()}))
def test_the_same_tests_pass_with_an_honest_copy(file: str, tmp_path: Path) -> None:
    tests = {test: None for each in MUTATIONS.values() if each.file == file for test in each.tests}
    honest = Mutation(file, "from __future__", "from __future__", tuple(tests))

    assert honest.run(tmp_path) == PASSED

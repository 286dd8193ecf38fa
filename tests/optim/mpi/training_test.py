"""Trains on several ranks: with equal bits on any number of them, and with ranks that fail.

usage: training_test.py MPIRUN TRAINING [CHAR_RNN]
"""

import inspect
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

MPIRUN, TRAINING = sys.argv[1], os.path.abspath(sys.argv[2])
SECONDS = 60  # in which a run ends, on a busy machine; one that waits for a rank would never


class Wrong(Exception):
    """What a test found."""


def require(holds, text):
    if not holds:
        raise Wrong(text)


class Run:
    """A finished run, of one program on all ranks, or of one for each."""

    def __init__(self, ranks, *arguments, programs=None):
        each = [["-n", str(ranks), TRAINING]] if programs is None else [["-n", "1", program] for program in programs]
        command = [MPIRUN]
        for i, program in enumerate(each):
            command += ([":"] if i > 0 else []) + program + [str(argument) for argument in arguments]
        begin = time.monotonic()
        try:
            done = subprocess.run(command, timeout=SECONDS, capture_output=True, check=False)
        except subprocess.TimeoutExpired as error:
            raise Wrong(f"{' '.join(command)}: no end within {SECONDS} s") from error
        self.seconds = time.monotonic() - begin
        self.command = " ".join(command)
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.err = done.stderr.decode(errors="replace")

    def ends_well(self):
        require(self.code == 0, f"{self.command}: exit code {self.code}\n{self.out}{self.err}")
        return self.out

    def fails(self, text=""):
        require(self.code != 0, f"{self.command}: exit code 0\n{self.out}{self.err}")
        require("weights" not in self.out, f"{self.command}: ends as if nothing had been: {self.out}")
        require(text in self.err, f"{self.command}: no '{text}' in: {self.err}")


def test_bits_are_equal_after_200_steps_on_any_number_of_ranks():
    one = Run(1, "tagger", 200).ends_well()
    require("weights" in one, f"no weights in: {one}")
    require(Run(1, "tagger", 199).ends_well() != one, "another step makes no difference")
    for ranks in (2, 3, 4, 8):
        there = Run(ranks, "tagger", 200).ends_well()
        require(there == one, f"on {ranks} ranks {there} and on one {one}")


def test_the_cell_of_an_example_has_equal_bits():
    one = Run(1, "cell", 60).ends_well()
    require(Run(2, "cell", 60).ends_well() == one, "other bits on two ranks")


def test_a_checkpoint_goes_on_with_another_number_of_ranks():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "run.safetensors"
        at_once = Run(1, "tagger", 90).ends_well()
        for ranks, steps in ((2, 30), (4, 61), (1, 90)):
            last = Run(ranks, "tagger", steps, file).ends_well()
        require(last == at_once, f"in three parts {last} and at once {at_once}")


def test_a_rank_that_throws_ends_all_with_its_message():
    for ranks in (2, 4):
        Run(ranks, "throw", 10**6).fails("training: the rows of this rank are gone")


def test_a_rank_that_is_killed_ends_all():
    for ranks in (2, 4):
        Run(ranks, "kill", 10**6).fails()


def test_a_rank_that_ends_early_is_told():
    Run(2, "leave", 10**6).fails("rank 0 asks for a gradient of 24 rows after 5 steps, and rank 1 has ended")


def test_another_build_is_told_at_the_start():
    with tempfile.TemporaryDirectory() as folder:
        other = shutil.copy(TRAINING, folder)
        require(Run(0, "tagger", 3, programs=[TRAINING, other]).ends_well(), "a copy is another program")
        with open(other, "ab") as file:
            file.write(b"\0")
        Run(0, "tagger", 3, programs=[TRAINING, other]).fails("Ranks: rank 1 runs another program than rank 0")


def main():
    failed = 0
    for name, test in inspect.getmembers(sys.modules[__name__], inspect.isfunction):
        if not name.startswith("test_"):
            continue
        begin = time.monotonic()
        try:
            test()
            print(f"{name}: right, {time.monotonic() - begin:.1f} s", flush=True)
        except Wrong as wrong:
            failed += 1
            print(f"{name}: WRONG\n    {wrong}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

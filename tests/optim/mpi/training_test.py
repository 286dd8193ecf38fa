"""Trains on several ranks: with equal bits on any number of them, and with ranks that fail.

usage: training_test.py MPIRUN TRAINING [CHAR_RNN TEXT]
"""

import inspect
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

MPIRUN, TRAINING = sys.argv[1], os.path.abspath(sys.argv[2])
CHAR_RNN, TEXT = sys.argv[3:5] if len(sys.argv) > 3 else (None, None)
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


def char_rnn(ranks, folder, *flags):
    """Trains, and returns what the checkpoint has of the training itself."""
    file = pathlib.Path(folder) / "run.safetensors"
    given = ["--steps", "8", "--hidden", "8", "--sample", "20", "--output", folder, "--checkpoint", file, *flags]
    launcher = [MPIRUN, "-n", str(ranks)] if ranks > 0 else []
    done = subprocess.run([*launcher, CHAR_RNN, TEXT, *map(str, given)], timeout=SECONDS, capture_output=True, check=False)
    out = done.stdout.decode(errors="replace")
    require(done.returncode == 0, f"char_rnn {flags} on {ranks} ranks: exit code {done.returncode}\n{out}{done.stderr}")
    require(out.count("Held-out loss") == 1, f"char_rnn on {ranks} ranks: not one of them prints, but {out}")
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    arrays = {}
    for name, array in json.loads(data[8 : 8 + size]).items():
        if name.startswith(("model/", "adam/", "state/", "place/")) or name == "shown/recent_bits":
            begin, end = array["data_offsets"]
            arrays[name] = data[8 + size + begin : 8 + size + end]
    require(len(arrays) > 20, f"the checkpoint has {sorted(arrays)}")
    return arrays


def differences(one, other):
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)]


def test_char_rnn_learns_on_ranks_what_it_learns_on_one():
    if CHAR_RNN is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        alone = char_rnn(0, folder, "--shards", 8, "--batch", 12, "--epochs", 1)
        require(char_rnn(0, folder, "--batch", 12, "--epochs", 1) != alone, "whole batches give the same bits")
        for ranks in (1, 2):
            there = char_rnn(ranks, folder, "--batch", 12, "--epochs", 1)
            require(not differences(there, alone), f"on {ranks} ranks others: {differences(there, alone)}")
        longer = char_rnn(0, folder, "--shards", 8, "--batch", 12, "--epochs", 2)
        char_rnn(2, folder, "--batch", 12, "--epochs", 2, "--minutes", 0.01)
        resumed = char_rnn(3, folder, "--resume", pathlib.Path(folder) / "run.safetensors")
        require(not differences(resumed, longer), f"resumed on 3 ranks others: {differences(resumed, longer)}")


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

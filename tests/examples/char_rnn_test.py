"""Starts char_rnn in the ways in which users start it, good and bad, and looks at exit codes, messages and files.

usage: char_rnn_test.py PROGRAM TEXT [NAME...]     TEXT is any text of some 20,000 characters; NAMEs pick tests
"""

import csv
import inspect
import json
import os
import pathlib
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.path.abspath(sys.argv[1])
TEXT = os.path.abspath(sys.argv[2])
QUICK = ["--steps", "4", "--batch", "4", "--hidden", "8", "--epochs", "1", "--sample", "20"]
LONG = ["--steps", "16", "--hidden", "32", "--epochs", "100000"]
DONE, FAILED, MISUSED = 0, 1, 2
IS_ROOT = os.geteuid() == 0


class Wrong(Exception):
    """What a test found."""


def require(holds, text):
    if not holds:
        raise Wrong(text)


class Run:
    """A finished run, in a folder of its own unless `folder` names another."""

    def __init__(self, *arguments, text=TEXT, folder=None, sizes=QUICK, timeout=120, environment=None, before=None, **streams):
        own = folder is None
        folder = folder or tempfile.mkdtemp()
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        given = {**{k: v for k, v in os.environ.items() if not k.startswith("CHAR_RNN")}, **(environment or {})}
        command = [PROGRAM, *([text] if text is not None else []), *sizes, *map(str, arguments)]
        try:
            done = subprocess.run(command, cwd=folder, timeout=timeout, env=given, preexec_fn=before, check=False, **streams)
        except subprocess.TimeoutExpired as error:
            raise Wrong(f"{' '.join(command)}: no end within {timeout} s") from error
        finally:
            if own:
                shutil.rmtree(folder, ignore_errors=True)
        self.command = " ".join(command)
        self.code = done.returncode
        self.out = (done.stdout or b"").decode(errors="replace")
        self.err = (done.stderr or b"").decode(errors="replace")

    def ends(self, code, *words):
        require(self.code == code, f"{self.command}: exit code {self.code}, not {code}\n{self.out[-500:]}{self.err}")
        for word in words:
            require(word in self.err, f"{self.command}: no '{word}' in: {self.err}")
        return self

    def refused(self, *words):
        """Before anything was trained, in one line."""
        self.ends(MISUSED, *words)
        require("Training" not in self.out, f"{self.command}: trained first")
        require(self.err.startswith("char_rnn: ") and self.err.count("\n") == 1, f"{self.command}: {self.err}")
        return self

    def shows_results(self):
        require("model  " in self.out, f"{self.command}: no losses in {self.out[-500:]}")
        require("The model goes on" in self.out, f"{self.command}: no sample in {self.out[-500:]}")
        return self


def folder():
    return pathlib.Path(tempfile.mkdtemp())


def files_of(place):
    return sorted(path.name for path in pathlib.Path(place).iterdir())


def require_curve(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    require(rows[0][0] == "step" and len(rows) > 1 and all(len(row) == 4 for row in rows), f"{path}: {rows}")


def wait_for(process, word):
    """Reads until a line has the word, and goes on reading in another thread."""
    seen = []
    for line in process.stdout:
        seen.append(line)
        if word in line:
            break
    else:
        raise Wrong(f"no '{word}' in {''.join(seen)}")
    rest = threading.Thread(target=lambda: seen.extend(process.stdout))
    rest.start()
    return seen, rest


# What goes well


def test_names_its_files_and_leaves_no_others():
    place = folder()
    run = Run("--study", "page.html", folder=place).ends(DONE).shows_results()
    require(files_of(place) == ["char_rnn_loss.csv", "page.html"], f"{files_of(place)}")
    require("Loss curve: ./char_rnn_loss.csv" in run.out and "page.html" in run.out, run.out)
    require("Spectra of the 3 Jacobians" in run.out, "does not say what takes long")
    require_curve(place / "char_rnn_loss.csv")
    require("<html" in (place / "page.html").read_text(encoding="utf-8"), "no page")
    mask = os.umask(0)
    os.umask(mask)
    for name in files_of(place):
        mode = stat.S_IMODE((place / name).stat().st_mode)
        require(mode == 0o666 & ~mask, f"the mode of {name} is {mode:o}")


def test_output_from_the_environment():
    place = folder()
    Run(folder=place, environment={"CHAR_RNN_OUTPUT": "made/here", "CHAR_RNN_STUDY": ""}).ends(DONE)
    require(files_of(place) == ["made"], f"{files_of(place)}")
    require_curve(place / "made" / "here" / "char_rnn_loss.csv")


def test_replaces_what_an_earlier_run_wrote():
    place = folder()
    for _ in range(2):
        Run("--study", "page.html", folder=place).ends(DONE)
    require(files_of(place) == ["char_rnn_loss.csv", "page.html"], f"{files_of(place)}")


def test_help():
    run = Run("--help", sizes=[], text=None).ends(DONE)
    for word in ("Exit codes", "--output", "--study", "Ctrl-C"):
        require(word in run.out, f"no '{word}' in the help")
    require(run.err == "", run.err)


def test_runs_with_one_output_do_not_disturb_each_other():
    place = folder()
    runs = [
        subprocess.Popen([PROGRAM, TEXT, *QUICK, "--seed", str(i), "--output", place, "--study", place / "p.html"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for i in range(6)
    ]
    for run in runs:
        _, errors = run.communicate(timeout=300)
        require(run.returncode == DONE and errors == b"", f"{run.returncode}: {errors}")
    require(files_of(place) == ["char_rnn_loss.csv", "p.html"], f"{files_of(place)}")
    require_curve(place / "char_rnn_loss.csv")


# Numbers


def test_numbers_are_decimal():
    for text, shown in (("010", "10 units"), ("0012", "12 units"), ("09", "9 units")):
        run = Run("--hidden", text, sizes=[x for x in QUICK if x not in ("--hidden", "8")]).ends(DONE)
        require(shown in run.out, f"--hidden {text}: {run.out[:3000]}")


def test_no_numbers():
    bad = ["0x10", "0b1", "+5", "-5", " 5", "5 ", "", "1e3", "5.0", "5,0", "1_000", "nan", "inf", "five", "٥",
           "99999999999999999999999", "18446744073709551616", "-1"]
    for flag in ("--hidden", "--steps", "--batch", "--epochs", "--seed", "--sample"):
        for text in bad:
            Run(f"{flag}={text}", sizes=[]).refused(flag)
    for flag in ("--hidden", "--steps", "--batch"):
        Run(f"{flag}=0", sizes=[]).refused(flag)
    for flag in ("--learning-rate", "--temperature", "--minutes"):
        for text in ["0", "-1", "nan", "inf", "-inf", "infinity", "1e400", "1e-400", "0x1p3", "0x1", "+1", " 1", "1 ", "1,5", "",
                     "x", "1e6", "1e", "1.5.2"]:
            Run(f"{flag}={text}", sizes=[]).refused(flag)


def test_numbers_that_are():
    for arguments in (["--seed", "18446744073709551615"], ["--learning-rate", "1e-3"], ["--temperature", ".5"],
                      ["--temperature", "1e-300"], ["--minutes", "1e-300"], ["--learning-rate", "1e-30"]):
        Run(*arguments).ends(DONE).shows_results()


def test_bad_flags():
    Run("--nothing", sizes=[]).refused("--nothing")
    Run("--hidden", sizes=[]).refused("--hidden")
    Run("--hidden", "8", "--hidden", "9", sizes=[]).refused("--hidden")
    Run("--cell", "sru").refused("--cell", "elman")
    Run("another.txt").refused("another.txt")
    Run(text=None).refused("FILE")


# Texts


def test_texts_that_are_none():
    place = folder()
    (place / "empty").touch()
    (place / "latin").write_bytes(b"caf\xe9 " * 1000)
    (place / "short").write_text("short", encoding="utf-8")
    (place / "loop").symlink_to("loop")
    (place / "dangling").symlink_to("nowhere")
    (place / "huge").touch()
    os.truncate(place / "huge", 1 << 40)
    for text, word in (("missing", "no such file"), ("empty", "empty"), ("latin", "UTF-8"), ("short", "longer text"),
                       (".", "folder"), ("loop", "symbolic links"), ("dangling", "no such file"), ("huge", "head -c"),
                       ("x" * 300, "name too long"), ("y/" * 3000, "name too long"), ("short/x", ""), ("", "FILE")):
        run = Run(text=text, folder=place).refused()
        require(word.lower() in run.err.lower(), f"{text[:20]}: {run.err}")
    require("char_rnn_loss.csv" not in files_of(place), "wrote before it read")
    if not IS_ROOT:
        (place / "short").chmod(0)
        Run(text="short", folder=place).refused("permission")


def test_texts_without_end():
    for device in ("/dev/zero", "/dev/urandom", "/dev/full", "/dev/null"):
        Run(text=device, timeout=20).refused("device")
    place = folder()
    os.mkfifo(place / "pipe")
    started = time.monotonic()
    Run(text="pipe", folder=place, timeout=20).refused("nothing came through this pipe")
    require(time.monotonic() - started < 15, "waits long for a pipe that nobody writes to")
    with subprocess.Popen(["sh", "-c", f"exec yes > {place}/pipe"], stderr=subprocess.DEVNULL) as writer:
        Run(text="pipe", folder=place, timeout=60).refused("no end", "head -c")
        writer.terminate()


def test_a_pipe_with_a_text():
    with open(TEXT, "rb") as file:
        read, write = os.pipe()
        feed = threading.Thread(target=lambda: (os.write(write, file.read(20000)), os.close(write)))
        feed.start()
        Run(text=f"/dev/fd/{read}", pass_fds=[read]).ends(DONE).shows_results()
        feed.join()
        os.close(read)


# Places to write to


def test_outputs_that_cannot_be():
    place = folder()
    (place / "file").touch()
    (place / "loop").symlink_to("loop")
    (place / "dangling").symlink_to("nowhere/at/all")
    (place / "folder").mkdir()
    (place / "taken" / "char_rnn_loss.csv").mkdir(parents=True)
    for output in ("file", "file/x", "loop", "dangling", "/dev/null", "/dev/full", "/proc", "/proc/x", "x" * 300, "y/" * 3000,
                   "", "taken"):
        Run("--output", output, folder=place).refused("--output")
    for study in ("folder", "missing/page.html", "file/page.html", "loop", "dangling", "/dev/null", "/dev/full", "/dev/stdout",
                  "/proc/page.html", "x" * 300 + ".html", "folder/", "loop/page.html", "", "char_rnn_loss.csv",
                  "./folder/../char_rnn_loss.csv"):
        Run("--study", study, folder=place).refused("--study")
    Run(folder=place, environment={"CHAR_RNN_STUDY": "missing/page.html"}).refused("--study")
    require(files_of(place / "folder") == [], f"{files_of(place / 'folder')}")
    if not IS_ROOT:
        (place / "folder").chmod(0o500)
        Run("--output", "folder", folder=place).refused("--output")
        Run("--study", "folder/page.html", folder=place).refused("--study")


def test_the_longest_name():
    place = folder()
    name = "x" * 250 + ".html"
    Run("--study", name, folder=place).ends(DONE)
    require(files_of(place) == ["char_rnn_loss.csv", name], f"{files_of(place)}")


def test_never_replaces_the_input():
    place = folder()
    shutil.copy(TEXT, place / "char_rnn_loss.csv")
    os.link(place / "char_rnn_loss.csv", place / "same.txt")
    before = (place / "char_rnn_loss.csv").read_bytes()
    Run(text="char_rnn_loss.csv", folder=place).refused("--output")
    Run("--output", ".", text="same.txt", folder=place).refused("--output")
    Run("--output", "out", "--study", "same.txt", text="same.txt", folder=place).refused("--study")
    Run("--output", "out", "--study", "char_rnn_loss.csv", text="same.txt", folder=place).refused("--study")
    require((place / "char_rnn_loss.csv").read_bytes() == before, "the input was replaced")


def test_never_replaces_what_a_link_points_to():
    place = folder()
    (place / "precious").write_text("precious", encoding="utf-8")
    for link in ("char_rnn_loss.csv", "page.html"):
        (place / link).symlink_to("precious")
    Run(folder=place).refused("--output", "link")
    Run("--output", "out", "--study", "page.html", folder=place).refused("--study", "link")
    # Where earlier versions wrote first.
    for beside in ("char_rnn_loss.csv.part", "page.html.partial"):
        (place / "out" / beside).symlink_to(place / "precious")
    Run("--output", "out", "--study", "out/page.html", folder=place).ends(DONE)
    require((place / "precious").read_text(encoding="utf-8") == "precious", "written through a link")
    require((place / "page.html").is_symlink(), "a link was replaced")
    (place / "linked").symlink_to("out")
    Run("--output", "linked", folder=place).ends(DONE)


def test_a_limit_on_files():
    def limit(size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    place = folder()
    Run(folder=place, before=limit(0)).refused("--output", "large")
    Run("--study", "page.html", folder=place, before=limit(100_000)).refused("--study", "large")
    require(files_of(place) == [], f"{files_of(place)}")


def small_disk(place, options):
    """Whether a small disk could be mounted there."""
    place.mkdir()
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_a_full_disk():
    place = folder() / "disk"
    if not small_disk(place, "size=64k"):
        return
    try:
        Run("--study", place / "page.html").refused("--study", "No space")
        with open(place / "filler", "wb") as filler:
            filler.write(b"x" * 65536)
        Run("--output", place).refused("--output", "No space")
        (place / "filler").unlink()
        process = subprocess.Popen([PROGRAM, TEXT, *LONG, "--sample", "20", "--minutes", "0.15", "--output", place], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen, rest = wait_for(process, "Training")
        time.sleep(1)
        with open(place / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        code = process.wait(120)
        rest.join()
        out, err = "".join(seen), process.stderr.read()
        require(code == FAILED and "No space" in err, f"{code}: {err}")
        require("model  " in out and "The model goes on" in out, f"training was lost: {out}")
        require(files_of(place) == ["char_rnn_loss.csv", "filler"], f"{files_of(place)}")
    finally:
        subprocess.run(["umount", place], check=True)


def test_no_inodes():
    place = folder() / "disk"
    if not small_disk(place, "nr_inodes=2"):
        return
    try:
        (place / "last").touch()
        Run("--output", place).refused("--output", "No space")
        Run("--study", place / "page.html").refused("--study", "No space")
    finally:
        subprocess.run(["umount", place], check=True)


# Standard streams


def closed(*descriptors):
    return lambda: [os.close(descriptor) for descriptor in descriptors]


def test_closed_streams():
    place = folder()
    Run(folder=place, before=closed(1), stdout=None).ends(FAILED, "standard output is closed")
    Run("--help", sizes=[], text=None, before=closed(1), stdout=None).ends(FAILED)
    require(files_of(place) == [], f"{files_of(place)}")
    Run(folder=place, before=closed(2), stderr=None).ends(DONE).shows_results()
    Run(folder=place, before=closed(0)).ends(DONE).shows_results()
    Run("--hidden", "x", sizes=[], before=closed(2), stderr=None).ends(MISUSED)
    Run(text="missing", before=closed(0, 2), stderr=None).ends(MISUSED)
    Run(before=closed(0, 1, 2), stdout=None, stderr=None).ends(FAILED)
    require_curve(place / "char_rnn_loss.csv")
    require((place / "char_rnn_loss.csv").read_text(encoding="utf-8").startswith("step,"), "a stream went into the file")


def test_full_streams():
    place = folder()
    with open("/dev/full", "wb") as full:
        Run(folder=place, stdout=full).ends(FAILED, "standard output", "No space")
        require(files_of(place) == [], f"trained for nobody: {files_of(place)}")
        Run("--help", sizes=[], text=None, stdout=full).ends(FAILED)
        Run(stderr=full).ends(DONE).shows_results()
        Run("--hidden", "x", sizes=[], stderr=full).ends(MISUSED)


def test_a_reader_that_leaves():
    process = subprocess.Popen([PROGRAM, TEXT, *QUICK, "--output", folder()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()
    require(process.wait(120) != DONE, "exit code 0 though nobody read the results")


# Memory and failures


def test_little_memory():
    def limit(kilobytes):
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))

    Run(before=limit(150_000)).ends(DONE).shows_results()
    run = Run("--study", "page.html", before=limit(150_000)).shows_results()
    require(run.code in (DONE, FAILED), f"{run.code}: {run.err}")
    for kilobytes in (60_000, 80_000, 100_000, 150_000, 200_000, 300_000):
        run = Run(before=limit(kilobytes), sizes=["--epochs", "1", "--minutes", "0.02"])
        require(run.code in (DONE, FAILED, 127), f"{kilobytes}: {run.code} {run.err}")
        require(run.code != FAILED or "not enough memory" in run.err, f"{kilobytes}: {run.err}")


def test_divergence():
    run = Run("--learning-rate", "10", "--cell", "relu", "--steps", "64", sizes=["--epochs", "20", "--minutes", "0.3"])
    require(run.code in (DONE, FAILED), f"{run.code}")
    run.shows_results()
    require(run.code == DONE or "diverged" in run.err, run.err)


# Ctrl-C


def interrupted(sample):
    place = folder()
    process = subprocess.Popen([PROGRAM, TEXT, *LONG, "--sample", sample, "--output", place], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen, rest = wait_for(process, "Training")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    return place, process, seen, rest


def test_ctrl_c():
    place, process, seen, rest = interrupted("20")
    code = process.wait(60)
    rest.join()
    out = "".join(seen)
    require(code == DONE, f"{code}: {process.stderr.read()}")
    require("model  " in out and "The model goes on" in out and "Stopped by Ctrl-C" in out, out)
    require_curve(place / "char_rnn_loss.csv")


def test_ctrl_c_twice():
    # Writing so much takes long.
    _, process, _, rest = interrupted("1000000")
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    code = process.wait(10)
    rest.join()
    require(code == -signal.SIGINT, f"exit code {code}")


# Checkpoints


def rows_of(place):
    with open(place / "char_rnn_loss.csv", newline="", encoding="utf-8") as file:
        return [(row["step"], row["training_bits_per_character"], row["held_out_bits_per_character"])
                for row in csv.DictReader(file)]


def sample_of(run):
    """What a run writes in the end, and its losses."""
    return run.out[run.out.index("Held-out loss"):].split("Loss curve")[0]


def arrays_of(path):
    """The arrays of a safetensors file, as bytes, and its texts; those aside that depend on the time."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + size])
    texts = header.pop("__metadata__")
    arrays = {name: content[8 + size:][slice(*entry["data_offsets"])] for name, entry in header.items()}
    for name in ("seconds", "training_seconds", "curve", "bits_since_point", "steps_since_point"):
        arrays.pop("shown/" + name)
    return arrays, texts


# A run whose end and whose curve are decided by the number of steps alone.
WHOLE = ["--steps", "8", "--batch", "8", "--hidden", "16", "--epochs", "12", "--sample", "60"]
UNHURRIED = ["--minutes", "1000"]


def test_a_resumed_run_is_the_one_that_was_not_stopped():
    for cell in ("elman", "lstm"):
        sizes = [*WHOLE, "--cell", cell]
        whole, part = folder(), folder()
        expected = Run("--checkpoint", "run", folder=whole, sizes=[*sizes, *UNHURRIED]).ends(DONE).shows_results()
        Run("--checkpoint", "run", folder=part, sizes=[*sizes, "--minutes", "1e-9"]).ends(DONE)
        for _ in range(3):
            before = (part / "run").read_bytes()
            run = Run("--resume", "run", "--minutes", "0.0005", folder=part, sizes=[]).ends(DONE)
            require("Stopped by --minutes" in run.out, run.out)
            require((part / "run").read_bytes() != before, "the run did not go on")
        run = Run("--resume", "run", "--sample", "60", *UNHURRIED, folder=part, sizes=[]).ends(DONE)
        require(sample_of(run) == sample_of(expected), f"{sample_of(run)}\n is not\n{sample_of(expected)}")
        require(arrays_of(part / "run") == arrays_of(whole / "run"), "other weights")
        require(rows_of(part)[-1][::2] == rows_of(whole)[-1][::2], f"{rows_of(part)} is not {rows_of(whole)}")
        # One that has ended gives its results again.
        again = Run("--resume", "run", "--sample", "60", folder=part, sizes=[]).ends(DONE)
        require(sample_of(again) == sample_of(expected), sample_of(again))
        require(rows_of(part)[-1][::2] == rows_of(whole)[-1][::2], f"the curve is gone: {rows_of(part)}")


def test_killed_and_resumed():
    whole, part = folder(), folder()
    sizes = [*WHOLE, *UNHURRIED]
    expected = Run("--checkpoint", "run", folder=whole, sizes=sizes).ends(DONE)
    command = [PROGRAM, TEXT, *sizes, "--checkpoint", part / "run", "--save-every", "0.0005", "--output", part]
    for attempt in range(4):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _, rest = wait_for(process, "Training")
        deadline = time.monotonic() + 30
        while not (part / "run").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05 * attempt)
        process.kill()
        process.wait(60)
        rest.join()
        require((part / "run").exists(), "nothing was saved")
        command = [PROGRAM, TEXT, "--resume", part / "run", "--save-every", "0.0005", "--output", part, *UNHURRIED]
    run = Run("--resume", "run", "--sample", "60", *UNHURRIED, folder=part, sizes=[]).ends(DONE)
    require(sample_of(run) == sample_of(expected), f"{sample_of(run)}\n is not\n{sample_of(expected)}")
    require(arrays_of(part / "run") == arrays_of(whole / "run"), "other weights")
    require(rows_of(part) == rows_of(whole), f"{rows_of(part)} is not {rows_of(whole)}")
    # Who is killed cannot tidy up: a file beside the curve may be left.
    left = [name for name in files_of(part) if not (name.startswith(".") and name.endswith(".part"))]
    require(left == ["char_rnn_loss.csv", "run"], f"{files_of(part)}")


def test_ctrl_c_saves():
    place = folder()
    process = subprocess.Popen([PROGRAM, TEXT, *LONG, "--sample", "20", "--output", place], text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "CHAR_RNN_CHECKPOINT": str(place / "run")})
    _, rest = wait_for(process, "Training")
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    require(process.wait(60) == DONE, "no good end")
    rest.join()
    require(files_of(place) == ["char_rnn_loss.csv", "run"], f"{files_of(place)}")
    run = Run("--resume", "run", "--minutes", "0.001", folder=place, sizes=[]).ends(DONE)
    require("32 units" in run.out, run.out)


def test_a_place_for_the_checkpoint():
    place = folder()
    (place / "folder").mkdir()
    (place / "link").symlink_to("precious")
    for name in ("folder", "missing/run", "link", "/dev/null", "/dev/full", "/proc/run", "x" * 300, "", "char_rnn_loss.csv"):
        Run("--checkpoint", name, folder=place).refused("--checkpoint")
    Run("--checkpoint", "page.html", "--study", "page.html", folder=place).refused("--checkpoint", "study page")
    Run(folder=place, environment={"CHAR_RNN_CHECKPOINT": "missing/run"}).refused("--checkpoint")
    shutil.copy(TEXT, place / "text")
    Run("--checkpoint", "text", text="text", folder=place).refused("--checkpoint", "what is read")
    # Known before, as the sizes of what is to be written are.
    Run("--checkpoint", "run", sizes=["--hidden", "256"], folder=place,
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))).refused("--checkpoint", "large")
    require(files_of(place) == ["folder", "link", "text"], f"{files_of(place)}")


def test_what_cannot_be_resumed():
    place = folder()
    Run("--checkpoint", "run", folder=place).ends(DONE)
    shutil.copy(TEXT, place / "changed")
    text = (place / "changed").read_text(encoding="utf-8")
    (place / "changed").write_text(text + "ж😀ж", encoding="utf-8")
    (place / "longer").write_text(text + "e", encoding="utf-8")
    (place / "other").write_text(text.replace("e", "a", 1), encoding="utf-8")
    content = (place / "run").read_bytes()
    (place / "half").write_bytes(content[:len(content) // 2])
    (place / "none").write_text("none", encoding="utf-8")
    (place / "version").write_bytes(content.replace(b'"version":"1"', b'"version":"7"'))
    for name, word in (("missing", "No such file"), ("half", ""), ("none", ""), ("version", "version '7'"), (".", ""), ("", "")):
        Run("--resume", name, folder=place, sizes=[]).refused("--resume", word)
        Run("--sample-from", name, folder=place, sizes=[]).refused("--sample-from", word)
    for flags in (["--hidden", "9"], ["--cell", "lstm"], ["--steps", "5"], ["--batch", "5"], ["--seed", "2"],
                  ["--learning-rate", "0.1"]):
        Run("--resume", "run", *flags, folder=place, sizes=[]).refused("--resume", flags[0])
    Run("--resume", "run", "--hidden", "8", folder=place, sizes=[]).ends(DONE)
    Run("--resume", "run", text="changed", folder=place, sizes=[]).refused("changed: ", "U+0436, U+1F600")
    Run("--resume", "run", text="longer", folder=place, sizes=[]).refused("another text")
    Run("--resume", "run", text="other", folder=place, sizes=[]).refused("another text")
    Run("--resume", "run", "--sample-from", "run", folder=place, sizes=[]).refused("--resume")
    Run("--resume", "run", "--prime", "ж", folder=place, sizes=[]).refused("--prime", "U+0436")
    require((place / "run").read_bytes()[:8] == content[:8], "the checkpoint is gone")


def test_more_epochs():
    place = folder()
    first = Run("--checkpoint", "run", folder=place).ends(DONE)
    more = Run("--resume", "run", "--checkpoint", "more", "--epochs", "2", folder=place, sizes=[]).ends(DONE)
    steps = [int(run.out.split(" steps in")[0].split("\n")[-1].replace(",", "")) for run in (first, more)]
    require(steps[1] == 2 * steps[0], f"{steps}")
    require(files_of(place) == ["char_rnn_loss.csv", "more", "run"], f"{files_of(place)}")


def test_only_writes():
    place = folder()
    Run("--checkpoint", "run", folder=place).ends(DONE)
    (place / "char_rnn_loss.csv").unlink()

    def written(*flags):
        run = Run("--sample-from", "run", *flags, text=None, sizes=[], folder=place).ends(DONE)
        require(run.err == "", run.err)
        return run.out

    require(len(written("--sample", "50")) == 51, "not 50 characters")
    require(written("--sample", "50") == written("--sample", "50"), "another text")
    require(written("--sample", "50") != written("--sample", "50", "--seed", "2"), "the seed has no part in it")
    primed = written("--prime", "The library", "--sample", "30")
    require(primed.startswith("The library") and len(primed) == 42, primed)
    require(files_of(place) == ["run"], f"{files_of(place)}")
    Run("--sample-from", "run", "--prime", "Sébж", folder=place, sizes=[]).refused("--prime", "U+0436")
    Run("--sample-from", "run", "--prime", "", folder=place, sizes=[]).refused("--prime")
    Run("--sample-from", "run", "--prime", os.fsdecode(b"a\xff"), folder=place, sizes=[]).refused("--prime", "UTF-8")
    run = Run("--prime", "The ", folder=place).ends(DONE).shows_results()
    require("\nThe " in run.out and "the text of --prime" in run.out, run.out)


def test_a_checkpoint_and_a_full_disk():
    place = folder() / "disk"
    if not small_disk(place, "size=200k"):
        return
    try:
        Run("--checkpoint", place / "run", sizes=["--hidden", "256"]).refused("--checkpoint", "No space")
        out = folder()
        Run("--checkpoint", place / "run", folder=out).ends(DONE)
        saved = (place / "run").read_bytes()
        process = subprocess.Popen([PROGRAM, TEXT, "--resume", place / "run", "--save-every", "0.001", "--sample", "20",
                                    "--epochs", "100000", "--minutes", "0.05", "--output", out], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen, rest = wait_for(process, "Training")
        with open(place / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        code = process.wait(120)
        rest.join()
        out, err = "".join(seen), process.stderr.read()
        require(code == FAILED and "--checkpoint" in err and "No space" in err, f"{code}: {err}")
        require("model  " in out and "The model goes on" in out, f"training was lost: {out}")
        require(len((place / "run").read_bytes()) >= len(saved) - 2000, "the old checkpoint is gone")
        require(files_of(place) == ["filler", "run"], f"{files_of(place)}")
    finally:
        subprocess.run(["umount", place], check=True)


def main():
    wrong = 0
    for name, test in list(globals().items()):
        if not (name.startswith("test_") and inspect.isfunction(test)):
            continue
        if len(sys.argv) > 3 and name not in sys.argv[3:]:
            continue
        started = time.monotonic()
        try:
            test()
            print(f"passed {name} ({time.monotonic() - started:.1f} s)", flush=True)
        except Wrong as error:
            wrong += 1
            print(f"FAILED {name}: {error}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

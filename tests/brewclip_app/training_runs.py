"""Runs for the tests of the Train panel: folders as the trainer leaves them, and a process that is none of torch's."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import LOG, RunFolder

SMALL = TrainingOptions(steps=40)


def make_run(runs: Path, name: str, end: str = "finished", message: str = "", steps: int = 40, done: int = 40,
             usable: bool = True, top: float = 50.0, **recipe: object) -> Path:
    """A run's folder with a log: a "step" and a "dev" event every ten steps. `end` "": no end was written; without a
    step nothing was.
    """
    path = runs / name
    training = replace(SMALL, steps=steps)
    RunFolder(path).create(Recipe(Path("/data/set"), training=recipe.pop("training", training), **recipe))
    now = time.time() - 100
    events = [{"event": "begin", "step": 0, "device": "cpu", "pairs": 64, "parameters": 1000, "steps": steps}]
    for step in range(10, done + 1, 10):
        recall = {"R@1": top * step / 80, "R@5": top * step / 60, "R@10": top * step / 40}
        events += [
            {"event": "step", "step": step, "loss": 3 / step, "inner": 2 / step, "outer": 1 / step, "rate": 1e-4,
             "pairs_per_second": 64.0, "temperature": 0.07},
            {"event": "dev", "step": step, "best": True, "score": top * step / 40, "speech_to_image": recall,
             "image_to_speech": recall, "acoustic_weight": 1.0}]
    if end:
        events.append({"event": "end", "why": end, "message": message})
    if not done and not end:
        return path
    lines = [json.dumps({**event, "time": now + number}) + "\n" for number, event in enumerate(events)]
    (path / LOG).write_text("".join(lines), encoding="utf-8")
    if usable:
        (path / "best").mkdir()
    return path


TRAINER = """
import json, os, signal, sys, time
from pathlib import Path
from core.errors import TrainingError
from core.training.run_folder import RunFolder

path = Path(sys.argv[sys.argv.index("--out") + 1])
folder, orders = RunFolder(path), path / "orders"
asked = []
if "--estimate" in sys.argv:
    answer = Path(__file__).with_name("estimate")
    while not answer.exists():
        time.sleep(0.02)
    print(answer.read_text(), flush=True)
    sys.exit(0 if answer.read_text().startswith("{") else 1)
if not (path / "deaf").exists():
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))


def train():
    begun = max([e.get("step", 0) for e in folder.events()] or [0])
    folder.log("begin", step=begun, device="cpu", pairs=64, parameters=1000, steps=40)
    step = begun
    while True:
        order = orders.read_text().strip() if orders.exists() else ""
        if order == "memory":
            print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", file=sys.stderr, flush=True)
            os._exit(1)
        if order == "crash":
            raise RuntimeError("the cat stepped on it")
        if order == "abort":
            os.abort()
        if asked:
            folder.log("end", why="stopped", message="It was stopped and can go on.")
            return 130
        if step >= 40 or order == "finish":
            folder.log("end", why="finished", step=step, message="")
            return 0
        if step < 20 or order == "run":
            step += 10
            folder.log("step", step=step, loss=1.0 / step, inner=0.5, outer=0.5, rate=1e-4, pairs_per_second=64.0)
        time.sleep(0.02)


try:
    with folder.hold():
        code = train()
except TrainingError as error:
    print(f"brewclip: {error}", file=sys.stderr)
    code = 2
sys.exit(code)
"""


LITTLE_TRAINER = """
import importlib.util, os, sys
from pathlib import Path
import torch
from core.training import run as job
from core.training.run_folder import RunFolder

spec = importlib.util.spec_from_file_location("little", LITTLE)
little = sys.modules["little"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(little)
torch.set_num_threads(1)
explorer = little.LittleExplorer(Path(os.environ["BREWCLIP_HOME"]))
job.train(explorer.workspace, RunFolder(Path(sys.argv[sys.argv.index("--out") + 1])))
"""


def little_trainer(folder: Path) -> tuple[str, ...]:
    """What stands in place of COMMAND and trains in earnest, on the little models of tests/core/training/little.py."""
    little = Path(__file__).parents[1] / "core" / "training" / "little.py"
    script = folder / "little_trainer.py"
    script.write_text(LITTLE_TRAINER.replace("LITTLE)", f"{str(little)!r})"), encoding="utf-8")
    return (sys.executable, str(script))


def trainer(folder: Path) -> tuple[str, ...]:
    """What stands in place of COMMAND: it takes the arguments of `brewclip train`, waits at step 20, and does what the
    file `orders` in the run's folder says. With `--estimate` it prints the file `estimate` beside it, as soon as there
    is one; other text than JSON is the output of a process that failed.
    """
    script = folder / "trainer.py"
    script.write_text(TRAINER, encoding="utf-8")
    return (sys.executable, str(script))


def order(run: Path, what: str) -> None:
    """Tell the stand-in what to do next."""
    (run / "orders").write_text(what, encoding="utf-8")

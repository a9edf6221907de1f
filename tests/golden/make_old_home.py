"""Make the old home of tests/golden: run in a checkout of commit 4cb259c, with Whisper base fetched.

    python -P make_old_home.py FOLDER       (PYTHONPATH: that checkout)

FOLDER gets `home/` (what BREWCLIP_HOME held) and `data/` (the pictures, recordings and datasets that it names).
Pictures are drawn and voices are the demo's own synthetic ones, so all of it may lie in the repository.
"""

import csv
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

root = Path(sys.argv[1]).absolute()
home, data = root / "home", root / "data"
pairs, acted = data / "pairs", data / "acted"
os.environ["BREWCLIP_HOME"] = str(home)
os.environ["CUDA_VISIBLE_DEVICES"] = ""


def brewclip(*arguments: str) -> None:
    """One command of the program, as a user gives it."""
    print("brewclip", *arguments, flush=True)
    subprocess.run([sys.executable, "-P", "-m", "core.cli", *arguments], check=True, cwd=root)


def make_data() -> None:
    """A folder with a list of pairs, and recordings named as RAVDESS'."""
    import soundfile

    from core import audio, demo_pictures

    (pairs / "images").mkdir(parents=True)
    (pairs / "audio").mkdir()
    for name, drawing in demo_pictures.DRAWN[:7]:
        drawing().convert("RGB").resize((96, 72)).quantize(64).save(pairs / "images" / Path(name).with_suffix(".png"))
    pictures = sorted(path.name for path in (pairs / "images").iterdir())
    demo = Path(str(files("resources") / "demo"))
    voices = sorted(demo.glob("*.flac"))
    captions = {"cat": "A cat with green eyes looks at the camera.",
                "coffee": "A cup of coffee with a spoon beside it.",
                "motorcycle": "A motorcycle parked in a garage.", "flower": "A red flower with green leaves.",
                "photographer": "A man takes a photograph with a camera.", "gato": "Un gato con ojos verdes.",
                "balloon": "A hot air balloon in the blue sky."}
    splits = ("train", "train", "train", "val", "val", "test", "test")
    with (pairs / "pairs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("image", "recording", "caption", "speaker", "split"))
        for number, (picture, voice, split) in enumerate(zip(pictures, voices, splits, strict=False)):
            shutil.copyfile(voice, pairs / "audio" / voice.name)
            rows.writerow((picture, voice.name, captions[voice.stem], f"speaker {number % 2 + 1}", split))
    for actor in (1, 2, 3):
        folder = acted / f"Actor_{actor:02d}"
        folder.mkdir(parents=True)
        for place, emotion in enumerate((1, 3, 4, 5)):
            heard = audio.read(voices[(actor + place) % len(voices)])
            samples = heard.samples[: 12000 + 400 * actor]
            soundfile.write(folder / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav", samples, audio.RATE)


def make_home() -> None:
    """The commands that fill the home."""
    cat, flower = str(pairs / "audio" / "cat.flac"), str(pairs / "audio" / "flower.flac")
    brewclip("settings", "set", "appearance.theme", "dark")
    brewclip("weights", "fetch", "whisper-base")
    brewclip("index", str(pairs / "images"), "--gallery", "drawn")
    brewclip("search", "--gallery", "drawn", "--text", "a lighthouse by the sea")
    brewclip("search", "--gallery", "drawn", "--speech", cat)
    brewclip("search", "--gallery", "drawn", "--speech", flower, "--minus-text", "a house")
    brewclip("transcribe", cat, flower)
    brewclip("import", str(pairs), "--gallery", "captions")
    brewclip("train", str(pairs), "--variant", "prompted", "--steps", "2", "--batch", "2", "--evaluate-every", "1",
             "--out", str(home / "runs" / "prompted"), "--prompts", "2")
    brewclip("evaluate", str(pairs), "--variant", "zero-shot")
    brewclip("evaluate", str(pairs), "--checkpoint", str(home / "runs" / "prompted"))
    brewclip("diagnose", "--evaluation", "1", "--at", "1")
    brewclip("emotion", str(acted), "--protocol", "speakers", "--feature", "layers", "--seeds", "1")


def use_window() -> None:
    """What only the window writes: the history, tags, takes in every state, labels, the place in a queue."""
    from core import audio, settings
    from core.annotation.takes import Annotator
    from core.explorer import Explorer
    from core.home import find_home
    from core.store.records import AnnotatingRecord

    explorer = Explorer(find_home(), settings.load(find_home().settings))
    store = explorer.store
    gallery = explorer.gallery("drawn")
    images = gallery.images()
    gallery.add_tag([images[0].id, images[1].id], "favourite")
    gallery.remove_tag([images[1].id], "favourite")
    spoken = audio.read(pairs / "audio" / "cat.flac")
    recording = home / "recordings" / f"{spoken.digest}.flac"
    recording.parent.mkdir(exist_ok=True)
    audio.write_flac(spoken, recording)
    store.add_query("drawn", "a lighthouse by the sea", "text", None,
                    '[{"kind": "text", "text": "a lighthouse by the sea", "path": "", "image_id": null, '
                    '"edited": false, "weight": 1.0, "main": true}]')
    store.add_query("drawn", "A cat with green eyes looks at the camera.", "speech", recording, "[]")
    speaker = store.add_speaker("Ana", "en", "Agreed to publication.")
    annotator = Annotator(explorer)
    takes = [annotator.record(images[place].id, speaker.id, audio.read(pairs / "audio" / name))
             for place, name in enumerate(("balloon.flac", "coffee.flac", "flower.flac", "motorcycle.flac"))]
    annotator.confirm(takes[0], "A hot air balloon in the blue sky.")
    annotator.judge([annotator.confirm(takes[1], "A cup of coffee with a spoon beside it.")], "accepted")
    annotator.judge([annotator.confirm(takes[2], "A red flower with green leaves.")], "rejected")
    store.keep_annotating(gallery.id, AnnotatingRecord("", images[3].id, speaker.id))
    store.label_failure(1, "speech_to_image", "pair 0", "speech", "The voice is fast.")
    (pairs / "images" / "broken.png").write_bytes((pairs / "images" / images[0].path.name).read_bytes()[:300])
    brewclip("index", str(pairs / "images"), "--gallery", "drawn")


if __name__ == "__main__":
    if root.exists() and any(root.iterdir()):
        sys.exit(f"{root} is not empty.")
    make_data()
    make_home()
    use_window()

"""A dialogue of ten turns, spoken by espeak-ng into the window's microphone: a query and nine refinements of it.

    python -m tests.benchmarks.refinement_dialogue [--voice en-us] [--shots FOLDER]

Needs PulseAudio with a sink whose monitor is the default source, and espeak-ng. Printed is per turn: what was said and
transcribed, the chips that stand there then, and whether the hits are those of a search with these terms.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from core.cli.output import table
from core.settings import Settings
from tests.benchmarks.common import own_home, test_split
from tests.benchmarks.driven_window import DrivenWindow
from tests.benchmarks.spoken_window import GALLERY, TOP, opened

TURNS = ("A dog is running.", "Only the ones at the beach.", "Without people.", "More like the second one.",
         "With a ball.", "No cars, please.", "Less like number three.", "Except for the red ones.",
         "Remove the first picture.", "And not at night.")


def say(text: str, voice: str, folder: Path) -> Path:
    """A recording of a sentence."""
    path = folder / "said.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), text], check=True)
    return path


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--voice", default="en-us")
    options.add_argument("--shots", type=Path)
    chosen = options.parse_args()
    rows = []
    with own_home() as home, tempfile.TemporaryDirectory() as sounds:
        settings = Settings({"search.keep_history": False})
        explorer = opened(home, settings, [image.path for image in test_split().images if image.path])
        with DrivenWindow(explorer, GALLERY) as window:
            heard: list[str] = []
            transcribe = explorer.transcribe_query
            explorer.transcribe_query = lambda *given: (  # type: ignore[method-assign]
                made := transcribe(*given), heard.append(made.text))[0]
            for number, sentence in enumerate(TURNS, 1):
                recording = say(sentence, chosen.voice, Path(sounds))
                window.press(refine=number > 1)
                window.play(recording)
                window.release()
                window.until(lambda number=number: len(heard) == number)
                window.until_answered()
                if chosen.shots:
                    window.window.grab().save(str(chosen.shots / f"turn-{number:02}.png"))
                answer = window.panel.controller.state.answer
                assert answer is not None
                again = explorer.search(GALLERY, answer.query.terms(), TOP)
                same = [hit.image.id for hit in answer.hits] == [hit.image.id for hit in again.hits]
                chips = window.panel.results.chips.chips
                rows.append((sentence, heard[-1], " | ".join(chip.face.words for chip in chips[-2:]), str(len(chips)),
                             "yes" if same else "no"))
            print(table(rows, ("said", "transcribed", "last chips", "chips", "hits right"), right=(3,)))
            while len(window.panel.controller.state.query.terms()) > 1:
                left = len(window.panel.controller.state.query.terms()) - 1
                window.panel.controller.change_term(left, lambda term: None)
                window.until_answered()
            print(f"all refinements taken away: {window.panel.controller.state.query.text!r}")


if __name__ == "__main__":
    main()

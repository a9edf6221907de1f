"""Python interface of BrewCLIP Explorer: galleries and searches, datasets, evaluation, explanations, training.

```python
from core import api

with api.open_home() as explorer:
    explorer.index([Path("~/Pictures")], "holidays")
    for hit in api.search(explorer, "holidays", text="a red boat").hits[:5]:
        print(hit.rank, hit.score, hit.strength.level, hit.image.path)
```

Names of `__all__` are the public interface; anything else may change in any release. Errors are `BrewclipError`, with a
sentence for people and a `kind` for programs. Long work takes `report`, which is called with a `Progress` and may raise
`JobCancelled`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core import audio, datasets, images, settings
from core.audio import Waveform
from core.datasets.records import Dataset
from core.errors import BrewclipError, QueryError
from core.explorer import Explorer, SearchResult
from core.home import Home, find_home
from core.progress import JobCancelled, Progress, Report, silent
from core.search.terms import QueryTerm

if TYPE_CHECKING:  # torch takes seconds to import
    from core.evaluation.failures import DiagnosisRecord
    from core.evaluation.records import EvaluationRecord
    from core.explain.inspection import Explanation
    from core.training.recipe import Recipe
    from core.training.trainer import TrainingResult

__all__ = ["BrewclipError", "Dataset", "Explorer", "JobCancelled", "Progress", "QueryTerm", "SearchResult", "diagnose",
           "evaluate", "explain", "load_dataset", "open_home", "search", "train", "transcribe"]


@contextmanager
def open_home(folder: Path | None = None, **changes: settings.Value) -> Iterator[Explorer]:
    """Open a home: its settings, store and models; closed when the block ends.

    Args:
        folder: Folder of the home, made at first use. None: `BREWCLIP_HOME`, else the user's own.
        changes: Settings for this session, with `__` for the dot: `vision__backbone="ViT-L-14/openai"`.

    Raises:
        SettingsError: A setting that does not exist, or a value that it cannot have.
        StoreError: At first use of the store: it is damaged, of a later release, or cannot be read.
    """
    home = find_home() if folder is None else Home(folder.expanduser().absolute())
    chosen = settings.load(home.settings)
    for key, value in changes.items():
        chosen = chosen.with_value(key.replace("__", "."), value)
    explorer = Explorer(home, chosen)
    try:
        yield explorer
    finally:
        explorer.close()


def search(explorer: Explorer, gallery: str, *, text: str = "", speech: Path | Waveform | None = None,
           image: Path | None = None, minus: str = "", top: int = 20, report: Report = silent) -> SearchResult:
    """Search a gallery with words, a recording, a picture, or a sum of them.

    Args:
        explorer: An open home.
        gallery: Name or address of the gallery.
        text: A typed description.
        speech: A recording, or its samples (16 kHz, mono, float32).
        image: A picture that the hits are to be like.
        minus: A description that the hits are not to be like.
        top: Number of hits, from 1.
        report: Receives the progress.

    Returns:
        Hits by rank with score (a cosine, -1 to 1), shares and strength; the transcript; times in milliseconds.

    Raises:
        QueryError: Nothing was asked for, no such gallery, or none of its pictures is indexed with this model.
        WeightsError: A model is not on this computer.
    """
    terms = [QueryTerm("text", text)] if text else []
    if speech is not None:
        terms.append(QueryTerm("speech", waveform=speech) if isinstance(speech, Waveform)
                     else QueryTerm("speech", path=speech))
    terms += [QueryTerm("image", path=image)] if image is not None else []
    terms += [QueryTerm("text", minus, weight=-1.0)] if minus else []
    if not terms:
        raise QueryError("There is nothing to search for: give text, speech or an image.", "empty")
    return explorer.search(gallery, terms, top, report=report)


def transcribe(explorer: Explorer, recordings: Sequence[Path], report: Report = silent) -> list[str]:
    """Transcribe recordings of any format, as the settings say.

    Returns:
        The words of each, "" where nothing was heard.

    Raises:
        AudioError: A file that is no usable recording.
        WeightsError: The recogniser is not on this computer.
    """
    waveforms = [audio.read(path) for path in recordings]
    return [utterance.transcript.text for utterance in explorer.transcribe(waveforms, report)]


def load_dataset(folder: Path, kind: str = "", report: Report = silent) -> Dataset:
    """Load a dataset of pictures and spoken descriptions; its layout is recognised.

    Args:
        folder: Folder of the dataset.
        kind: Layout, where the folder could be of several, such as "flickr8k".
        report: Receives the progress.

    Raises:
        DatasetError: The folder is not there, is no dataset, or could be of several kinds.
    """
    return datasets.load(folder, kind, report)


def evaluate(explorer: Explorer, folder: Path, split: str = "test", checkpoint: Path | None = None,
             report: Report = silent) -> "EvaluationRecord":
    """Measure recall in both directions and word error rate on a split, and store the evaluation.

    Args:
        explorer: An open home.
        folder: Folder of the dataset.
        split: Name of the split.
        checkpoint: Folder of a run; None: the backbone of the settings alone.
        report: Receives the progress.

    Returns:
        The stored evaluation; `id` is what `diagnose` takes, `metrics(direction)` has recall with 95 % intervals.

    Raises:
        DatasetError: No such dataset or split.
        EvaluationError: Nothing that can be evaluated.
    """
    from core.evaluation.evaluate import evaluate as run
    from core.evaluation.records import DataChoice, Request
    from core.models.spec import ModelSpec

    request = Request((ModelSpec(checkpoint=checkpoint),), (DataChoice(folder.absolute(), split),))
    return run(explorer.workspace, request, report)[0]


def diagnose(explorer: Explorer, evaluation: int, at: int = 10, report: Report = silent) -> "DiagnosisRecord":
    """Explain the misses of an evaluation: rank each again with one thing changed.

    Args:
        explorer: An open home.
        evaluation: Id of a stored evaluation.
        at: A query misses when its right item is beyond the first `at`.
        report: Receives the progress.

    Raises:
        EvaluationError: No such evaluation, or its data has changed since.
    """
    from core.evaluation.diagnosis import diagnose as run

    return run(explorer.workspace, evaluation, at, report)


def explain(explorer: Explorer, picture: Path, *, text: str = "", speech: Path | None = None,
            report: Report = silent) -> "Explanation":
    """Explain why a picture matches a query: shares of the score, and relevance over picture, words and voice.

    Returns:
        The explanation; `shares` are those of words and voice, `maps("fused", method("gradient"))` the relevance maps.

    Raises:
        QueryError: Neither text nor speech, or both.
        ImageError: A file that is no usable picture.
    """
    if bool(text.strip()) == (speech is not None):
        raise QueryError("Give either text or speech to explain.", "empty")
    from core.explain import inspection
    from core.explain.observation import typed

    model = inspection.load_model(explorer.models, explorer.settings, report=report)
    utterance = typed(text) if speech is None else inspection.transcribe(
        explorer.recogniser(report), model, explorer.query_options(), audio.read(speech), report)
    rgb = images.read(picture, explorer.settings["images.max_megapixels"]).rgb
    return inspection.explain(model, rgb, utterance)


def train(explorer: Explorer, recipe: "Recipe", run: Path, report: Report = silent) -> "TrainingResult":
    """Train a variant of BrewCLIP, or continue a run that was stopped with the same recipe.

    Args:
        explorer: An open home.
        recipe: Dataset and options, `core.training.recipe.Recipe`.
        run: Folder of the run; `run / "best"` holds the best model.
        report: Receives the progress; `JobCancelled` from it leaves a run to go on with.

    Raises:
        TrainingError: The run cannot begin or go on.
        DatasetError: No such dataset.
    """
    from core.training import run as job
    from core.training.run_folder import RECIPE, RunFolder

    folder = RunFolder(run)
    if not (run / RECIPE).exists():
        job.begin(folder, recipe)
    return job.train(explorer.workspace, folder, report, recipe)

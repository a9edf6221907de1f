"""One experiment: recordings, a protocol, features; accuracy of each feature, and its confounds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.emotion import protocols, scores
from core.emotion.cross_validation import CrossValidation, Probed
from core.emotion.dataset import ProbeDataset, load
from core.emotion.features import MODES, USUAL, Feature, feature
from core.emotion.finetune import TUNED
from core.emotion.results import Acting, Options, Result
from core.errors import DatasetError
from core.localisation import _
from core.progress import Report, silent, steps
from core.workspace import Workspace


def run(workspace: Workspace, options: Options, report: Report = silent) -> Result:
    """Do the experiment. Features and every fold that was fine-tuned are kept whenever it stops: the same experiment
    goes on from there.

    DatasetError: as `recordings.load`, protocol, classes, feature, no_feature, too_few, all_alike; WeightsError,
    ModelError, StoreError.
    """
    chosen, protocol = wanted(options), protocols.protocol(options.protocol)
    if options.mode not in MODES:
        raise DatasetError(_("There is no mode {mode!r}; choose linear or fine-tuned.").format(mode=options.mode),
                           "mode")
    needs = frozenset(one.needs for one in chosen) | ({"voice"} if options.mode == "fine-tuned" else set())
    preparing, probing = steps(report, 30, 1 if options.mode == "linear" else 100)
    dataset = load(workspace, options.folder, options.classes, needs, options.checkpoint, preparing,
                   options.follow_links)
    dataset = dataset.by_speaker() if options.speaker_statistics else dataset
    validation = CrossValidation(workspace, options, dataset, probing)
    possible = validation.possible(chosen)
    validation.plan(possible, protocol)
    with _one_thread(options.mode == "linear"):
        probed = validation.probe_all(possible, protocol)
    return _result(options, dataset, validation, probed)


@contextmanager
def _one_thread(wanted: bool) -> Iterator[None]:
    """Thousands of small products: threads that wait for each other take three times as long as one alone."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1 if wanted else None):
        yield


def wanted(options: Options) -> tuple[Feature, ...]:
    """The features of the options. DatasetError ("feature")."""
    usual = USUAL if options.mode == "linear" else TUNED
    keys = tuple(dict.fromkeys(options.features or usual))
    wrong = [key for key in keys if options.mode == "fine-tuned" and key not in TUNED]
    if wrong:
        raise DatasetError(_("{wrong} cannot be fine-tuned; choose among {tuned}.").format(wrong=wrong[0],
                                                                                           tuned=", ".join(TUNED)),
                           "feature")
    return tuple(feature(key) for key in keys)


def _result(options: Options, dataset: ProbeDataset, validation: CrossValidation, probed: Mapping[str, Probed]
            ) -> Result:
    acted = dataset.recordings
    folds = next(iter(probed.values())).folds
    tested = sorted({place for fold in folds for place in fold.test})
    trained = {place for fold in folds for place in fold.train}
    learned_from = folds[0].train if len(folds) == 1 or options.mode == "fine-tuned" else range(len(acted.labels))
    return Result(
        options, acted.classes, len(trained), len(tested), scores.majority([acted.labels[place] for place in tested]),
        round(100 / len(acted.classes), 2), protocols.protocol(options.protocol).leaks,
        dataset.branches.title if dataset.branches else "", (*acted.notes, *validation.notes),
        tuple(sorted({acted.utterances[place].actor for place in learned_from})),
        tuple(each.score for each in probed.values()), tuple(_actings(dataset)),
        {key: each.answers for key, each in probed.items()})


def _actings(dataset: ProbeDataset) -> list[Acting]:
    return [Acting(utterance.recording or Path(), utterance.actor, utterance.sex, utterance.emotion,
                   utterance.intensity, utterance.caption, label)
            for utterance, label in zip(dataset.recordings.utterances, dataset.recordings.labels, strict=True)]

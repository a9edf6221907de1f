"""Table of protocols: training and test recordings. Command line, panel and documents iterate over it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.datasets.ravdess import ActedUtterance
from core.errors import DatasetError
from core.localisation import _

FIRST_TEST_ACTOR = 19  # of the authors' split
# Held-out actors of each fold, as in Luna-Jimenez et al. 2022.
HELD_OUT = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))
RANDOM_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Places of recordings in the list that was split: what is learned from, what is tested."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True)
class Protocol:
    """One way to split recordings. `leaks` says, where it does, what the test has in common with the training."""

    key: str
    title: str
    about: str
    group: Callable[[ActedUtterance], str]  # what is held out together; "" is never tested
    leaks: str = ""


def _fold_of(utterance: ActedUtterance) -> str:
    return next((_("actors {map}").format(map=", ".join(map(str, actors))) for actors in HELD_OUT
                 if utterance.actor in actors), "")


PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("paper", _("Paper's protocol: actors 1–18 / 19–24"),
             _("Learns from actors 1 to 18, is tested on 19 to 24."),
             lambda one: _("actors {first_test_actor} to 24").format(first_test_actor=FIRST_TEST_ACTOR)
             if one.actor >= FIRST_TEST_ACTOR else ""),
    Protocol("folds", _("Five folds by speaker"),
             _("Each fold holds out four or five actors (Luna-Jimenez et al. 2022)."),
             _fold_of),
    Protocol("speakers", _("One speaker left out"),
             _("Each actor in turn is tested by what was learned from all others."),
             lambda one: _("actor {actor}").format(actor=one.actor)),
    Protocol("statement", _("One statement left out"),
             _("Learns from one of the two sentences, is tested on the other, and the reverse."),
             lambda one: _("statement {statement}").format(statement=one.statement),
             _("the same speakers are in training and test")),
    Protocol("random", _("Random split"), _("Five random parts, each tested by what was learned from the others."),
             lambda one: "", _("the same speakers, sentences and often the same take twice are in training and test")),
)
BY_KEY = {each.key: each for each in PROTOCOLS}


def protocol(key: str) -> Protocol:
    """The protocol of that name; DatasetError ("protocol")."""
    if key not in BY_KEY:
        raise DatasetError(_("There is no protocol {key!r}; choose one of {by_key}.").format(key=key,
                                                                                             by_key=", ".join(BY_KEY)),
                           "protocol")
    return BY_KEY[key]


def folds(chosen: Protocol, utterances: Sequence[ActedUtterance], labels: Sequence[int], seed: int = 0
          ) -> tuple[Fold, ...]:
    """The folds of n recordings with class numbers `labels` (n,); those without recordings on a side are left out.

    DatasetError ("too_few") when there is nothing to learn from or to test.
    """
    groups = _random_groups(labels, seed) if chosen.key == "random" else list(map(chosen.group, utterances))
    places: dict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        places[group].append(place)
    candidates = [Fold(group, tuple(place for place, other in enumerate(groups) if other != group), tuple(test))
                  for group, test in sorted(places.items(), key=lambda item: item[1][0]) if group]
    usable = [fold for fold in candidates if len({labels[place] for place in fold.train}) > 1]
    if not usable:
        raise DatasetError(_("{title} cannot be done with these recordings: {lacking}. Choose another protocol, or "
                             "add the missing actors.").format(title=chosen.title,
                                                               lacking=_lacking(chosen, utterances)),
                           "too_few")
    return tuple(usable)


def _lacking(chosen: Protocol, utterances: Sequence[ActedUtterance]) -> str:
    actors = sorted({utterance.actor for utterance in utterances})
    if chosen.key == "paper" and actors[0] < FIRST_TEST_ACTOR <= actors[-1]:
        return _("actors 1 to {first_test_actor} have one emotion alone, of which nothing can be learned").format(
            first_test_actor=FIRST_TEST_ACTOR - 1)
    there = ", ".join(map(str, actors)) or "none"
    if chosen.key == "paper":
        side = (_("19 to 24 to test") if all(actor < FIRST_TEST_ACTOR for actor in actors)
                else _("1 to 18 to learn from"))
        return _("it needs actors of {side}, and there are actors {there}").format(side=side, there=there)
    return _("nothing is left to learn from in which there are two emotions (actors there: {there})").format(
        there=there)


def _random_groups(labels: Sequence[int], seed: int) -> list[str]:
    """A part's name for each recording; every class is spread evenly over the parts."""
    import numpy as np

    draw, groups = np.random.default_rng(seed), [""] * len(labels)
    for label in sorted(set(labels)):
        members = draw.permutation([place for place, other in enumerate(labels) if other == label])
        for number, place in enumerate(members):
            groups[place] = _("part {number}").format(number=number % RANDOM_FOLDS + 1)
    return groups

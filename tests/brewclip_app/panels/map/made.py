"""Points of a made map: three clusters of four pictures, each with two utterances."""

from pathlib import Path

import numpy as np

from core.mapping.groups import group
from core.mapping.points import MapItem, MapPoints
from core.store.records import ImageRecord

PICTURES = 12


def made_points(gallery: str = "") -> MapPoints:
    draw = np.random.default_rng(3)
    cluster = np.repeat(np.arange(3), 4)
    pictures = 3 * np.eye(8)[cluster] + 0.2 * draw.standard_normal((PICTURES, 8))
    spoken = np.repeat(pictures, 2, axis=0) + 0.1 * draw.standard_normal((2 * PICTURES, 8))
    spoken[:, 5] += 2
    vectors = np.concatenate([pictures, spoken]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    items = [MapItem(f"picture {number}.jpg", ImageRecord(number, Path(f"/nowhere/picture {number}.jpg"), 0, 0, 0, 0.0,
                                                          None, (), "")) for number in range(PICTURES)]
    items += [MapItem(f"utterance {number}", None, Path(f"/nowhere/{number}.wav"), f"caption {number}", "heard",
                      f"s{number % 2}") for number in range(2 * PICTURES)]
    names = [f"cluster {number}" for number in (*cluster, *np.repeat(cluster, 2))]
    kinds = ["Picture"] * PICTURES + ["Utterance"] * 2 * PICTURES
    groupings = (group("modality", "Modality", kinds, ("Picture", "Utterance")), group("folder", "Cluster", names))
    assert all(groupings)
    return MapPoints("made", vectors, np.arange(3 * PICTURES) >= PICTURES,
                     np.concatenate([np.full(PICTURES, -1), np.repeat(np.arange(PICTURES), 2)]), tuple(items),
                     groupings, 3 * PICTURES, gallery)

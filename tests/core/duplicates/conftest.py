"""A gallery of pictures on disk with vectors that a test chooses."""

from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.store.file_stamps import stamp_of
from core.store.records import DecodedImageFacts, IndexedFile
from core.store.store import Store
from tests.core.duplicates.test_pixels import scene

FINGERPRINT = Fingerprint.of({"backbone": "drawn"})
AXES = 16


class DrawnGallery:
    """Scenes by number: files of one scene have nearly the same vector."""

    def __init__(self, gallery, folder):
        self.gallery, self.folder = gallery, folder
        gallery.add_folder(folder)

    def add(self, name, number, change=lambda image: image, like=None, **options):
        """A file of a scene; `like`: the scene that its vector is of."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        image = change(scene(number))
        image.save(path, **options)
        self.record(path, number if like is None else like, image.size)
        return path

    def copy(self, path, name, number):
        """Another file with the same bytes."""
        target = self.folder / name
        target.write_bytes(path.read_bytes())
        with Image.open(path) as image:
            self.record(target, number, image.size)
        return target

    def record(self, path, number, size):
        vector = np.full(AXES, 0.05, np.float32)
        vector[number % AXES] = 1
        vector[(number + 1) % AXES] += len(path.name) / 400  # files of a scene differ a little
        self.gallery.record(FINGERPRINT, [IndexedFile(
            str(path), stamp_of(str(path)), sha256(path.read_bytes()).digest(), DecodedImageFacts(*size, None),
            vector / np.linalg.norm(vector))])

    def names(self, duplicates):
        """File names of the groups, each group best first."""
        return [[image.path.name for image in group.images] for group in duplicates.groups]


@pytest.fixture
def drawn(home, tmp_path):
    store = Store.open(home.store)
    folder = tmp_path / "pictures"
    folder.mkdir()
    yield DrawnGallery(open_gallery(store, "drawn", create=True), folder)
    store.close()

"""The base of what a gallery in the SQLite store is composed of."""

from core.galleries.gallery import Gallery
from core.store.database import Database
from core.store.records import GalleryRecord


class SqliteGalleryPart(Gallery):
    """Methods of one gallery; `SqliteGallery` has all of them."""

    def __init__(self, database: Database, info: GalleryRecord) -> None:
        self.database = database
        self.info = info

"""Open a gallery: in the store of this computer by its name, or in tables at an address.

An address ends in `.lance` or begins with a scheme: `folder.lance`, `s3://bucket/path`.
"""

from core.galleries.gallery import Gallery
from core.galleries.sqlite.gallery import SqliteGallery
from core.store.addresses import is_address
from core.store.records import GalleryRecord
from core.store.store import Store


def open_gallery(store: Store, gallery: str | GalleryRecord, create: bool = False) -> Gallery:
    """Open a gallery by its name, its address or its record; `create`: made there if there is none.

    StoreError: `no_gallery`, and what opening an address may raise. A connection to an address stays open until the
    store is closed.
    """
    name = gallery if isinstance(gallery, str) else gallery.name
    if not is_address(name):
        if isinstance(gallery, str):
            gallery = store.ensure_gallery(name) if create else store.gallery(name)
        return SqliteGallery(store.database, gallery)
    from core.galleries.lance.connection import normal
    from core.galleries.lance.gallery import LanceGallery

    address = normal(name)
    if address in store.opened:
        opened: LanceGallery = store.opened[address].reopened()
    else:
        opened = store.opened[address] = LanceGallery.open(address, create)
    return opened

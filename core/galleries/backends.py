"""Open a gallery by its name, address or record: the table of the kinds of galleries.

A name is a gallery of the store of this computer. An address ends in `.lance` or begins with a scheme: `folder.lance`,
`s3://bucket/path`. Another vector store is one row: `catalog_gallery` gives the function that opens its galleries.
"""

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import StoreError
from core.galleries.catalog_gallery import CatalogGallery
from core.galleries.gallery import Gallery
from core.galleries.sqlite.gallery import SqliteGallery
from core.galleries.vector_store import VectorStore
from core.localisation import _
from core.store.addresses import is_address
from core.store.records import GalleryRecord
from core.store.store import Store


@dataclass(frozen=True)
class GalleryBackend:
    """A kind of gallery: which names and addresses are its own, and how one is opened, or made where there is none."""

    title: str
    handles: Callable[[str], bool]
    open: Callable[[Store, str, bool], Gallery]


def catalog_gallery(open_vectors: Callable[[Store, str], VectorStore]) -> Callable[[Store, str, bool], Gallery]:
    """Opens galleries with images in the SQLite catalog, under their address, and vectors in the store given for it."""
    def opened(store: Store, address: str, create: bool) -> Gallery:
        info = store.catalogued(address, create)
        return CatalogGallery(store.database, info, open_vectors(store, address))

    return opened


def _open_lance(store: Store, address: str, create: bool) -> Gallery:
    """A connection stays open until the store is closed."""
    from core.galleries.lance.connection import normalized_address
    from core.galleries.lance.gallery import LanceGallery

    address = normalized_address(address)
    if address in store.opened:
        opened: LanceGallery = store.opened[address].reopened()
    else:
        opened = store.opened[address] = LanceGallery.open(address, create)
    return opened


BACKENDS: tuple[GalleryBackend, ...] = (  # the first that handles a name opens it
    GalleryBackend("SQLite", lambda name: not is_address(name), lambda store, name, create: SqliteGallery(
        store.database, store.ensure_gallery(name) if create else store.gallery(name))),
    GalleryBackend("LanceDB", is_address, _open_lance),
)


def open_gallery(store: Store, gallery: str | GalleryRecord, create: bool = False) -> Gallery:
    """Open a gallery by its name, its address or its record; `create`: made there if there is none.

    StoreError: `no_gallery`, and what opening an address may raise.
    """
    name = gallery if isinstance(gallery, str) else gallery.name
    if isinstance(gallery, GalleryRecord) and not is_address(name):
        return SqliteGallery(store.database, gallery)  # by its id: it may have another name by now
    backend = next((backend for backend in BACKENDS if backend.handles(name)), None)
    if backend is None:
        raise StoreError(_("There is no way to open {name}.").format(name=name), "scheme")
    return backend.open(store, name, create)

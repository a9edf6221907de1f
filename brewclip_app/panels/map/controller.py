"""Controller of the Map panel: sources, points, projections, selection and queries. No widgets."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject

from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import MapQuery
from brewclip_app.panels.map.state import SHOWN, MapSource, MapState, PlacedQuery
from core.errors import BrewclipError
from core.progress import JobCancelled, Progress, Report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from brewclip_app.context import Context
    from brewclip_app.jobs import Job
    from core.audio import Waveform
    from core.explorer import Explorer
    from core.mapping.points import MapPoints
    from core.mapping.projection import Projection
    from core.store.records import ImageRecord

T = TypeVar("T")
KEY = "map:build"  # of the jobs that make a map; a newer one replaces them
HITS = 8  # pictures that a query has lines to
NO_UMAP = _("UMAP is not installed: this is PCA, the first view. `{}` brings UMAP.")


class MapController(Controller[MapState]):
    """Holds the state; methods change it at once or start a coroutine, the latest winning."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(MapState(), parent)
        self._context, self._jobs = context, context.jobs
        self._wanted = ""  # key of the source to choose once the sources are read
        self._pending: MapQuery | None = None  # to be placed once the map is there

    # ---- what the map is of

    def read_sources(self) -> None:
        """Read galleries and evaluated splits; the first time, build the map of the chosen one."""
        self._start(self._read_sources())

    def want(self, key: str, method: str = "", centred: bool = False, grouping: str = "") -> None:
        """Choices of the saved state, for when the sources are read."""
        self._wanted = key
        self._set(method=method or self.state.method, centred=centred, grouping=grouping)

    def choose(self, source: MapSource) -> None:
        """Choose another source and build its map."""
        self._wanted = source.key
        self._set(source=source)
        self.build()

    def add_folder(self, folder: Path) -> None:
        """Offer the splits of a dataset's folder, and show the first of them that is for tests."""
        self._start(self._add_folder(folder))

    def build(self) -> None:
        """Read the points of the source again and project them."""
        self._start(self._build())

    @property
    def job(self) -> "Job | None":
        """The running job of the map."""
        return self._jobs.of_key(KEY)

    def stop(self) -> None:
        """Stop what is being computed; the view that is there stays."""
        if self.job is not None:
            self.job.cancel()
            self._set(progress=self.job.snapshot() if self.job else None)

    # ---- how it is shown

    def set_method(self, method: str) -> None:
        """Project by another method."""
        if method != self.state.method:
            self._set(method=method)
            self._start(self._project())

    def set_centred(self, centred: bool) -> None:
        """Subtract each modality's mean first, or not."""
        if centred != self.state.centred:
            self._set(centred=centred)
            self._start(self._project())

    def show_modality(self, shown: str) -> None:
        """Show all points, or those of one modality."""
        if shown in SHOWN:
            self._set(shown=shown)

    def group_by(self, key: str) -> None:
        """Colour by a grouping; all its groups are shown."""
        self._set(grouping=key, hidden=frozenset())

    def show_group(self, number: int, shown: bool) -> None:
        """Show or hide a group."""
        self._set(hidden=self.state.hidden - {number} if shown else self.state.hidden | {number})

    def select(self, outline: "NDArray[np.floating] | None", add: bool = False) -> None:
        """Select the shown points within an outline (m, 2) of positions; None: none."""
        from core.mapping.projection import inside

        state = self.state
        if outline is None or state.projection is None:
            self._set(selected=())
            return
        rows = (inside(state.projection.positions, outline) & state.visible).nonzero()[0].tolist()
        self._set(selected=tuple(sorted({*rows, *(state.selected if add else ())})))

    def select_all(self) -> None:
        """Select all that is shown."""
        if self.state.points is not None:
            self._set(selected=tuple(self.state.visible.nonzero()[0].tolist()))

    # ---- queries

    def ask(self, text: str) -> None:
        """Place a typed query on the map; "" takes it away."""
        if text.strip():
            self._start(self._ask(text.strip()))
        else:
            self._set(query=None)

    def show_query(self, query: MapQuery) -> None:
        """Place a query of the Search panel, on the map of its gallery."""
        source = MapSource(query.gallery, query.gallery)
        self._pending = query
        if self.state.source is None or self.state.source.key != source.key:
            self.choose(source)
        elif self.state.projection is not None:
            self._start(self._place_pending())

    # ---- utterances

    async def read_recording(self, path: Path) -> "Waveform | None":
        """The recording of an utterance; None, with a notice, where it cannot be read."""
        def read(report: Report) -> "Waveform":
            from core import audio

            return audio.read(path)

        try:
            return await self._jobs.run(_("Reading the recording"), read, key="map:voice", quiet=True)
        except JobCancelled:
            pass
        except Exception as error:
            self._set(notice=localised(error))
        return None

    def gallery(self) -> str:
        """Name of the gallery of the map; "" of a dataset's."""
        return self.state.points.gallery if self.state.points is not None else ""

    def selected_images(self) -> "list[ImageRecord]":
        """The selected pictures."""
        points = self.state.points
        items = [points.items[row] for row in self.state.selected] if points is not None else []
        return [item.image for item in items if item.image is not None]

    # ---- coroutines

    async def _read_sources(self) -> None:
        explorer, added = self._context.explorer, self.state.folders
        read = await self._attempt(_("Reading the galleries"), lambda report: read_sources(explorer), "map:sources")
        if read is None:
            return
        sources = {source.key: source for source in (*read, *(one for some in added.values() for one in some))}
        self._set(sources=tuple(sources.values()))
        if self.state.source is not None and self.state.source.key in sources:
            return
        wanted = (sources.get(self._wanted) or sources.get(_("gallery {gallery}").format(gallery=self._context.gallery))
                  or next(iter(sources.values()), None))
        if wanted is None:
            self._set(source=None, points=None, projection=None)
        else:
            self.choose(wanted)

    async def _add_folder(self, folder: Path) -> None:
        splits = await self._attempt(_("Reading the dataset"), lambda report: read_splits(folder, report), "map:folder")
        if splits:
            others = [source for source in self.state.sources or () if source.folder != folder]
            self._set(folders={**self.state.folders, folder: splits}, sources=(*others, *splits))
            self.choose(next((source for source in splits if source.split == "test"), splits[0]))

    async def _build(self) -> None:
        source, explorer = self.state.source, self._context.explorer
        if source is None:
            return
        self._set(points=None, projection=None, selected=(), query=None, hidden=frozenset(), problem="", kind="",
                  notice="")
        points = await self._run(_("Reading {title} for the map").format(title=source.title),
                                 lambda report: read_points(explorer, source, report))
        if points is not None:
            keys = [one.key for one in points.groupings]
            grouping = self.state.grouping if self.state.grouping in keys else next(iter(keys), "")
            self._set(points=points, grouping=grouping)
            await self._project()

    async def _project(self) -> None:
        """Show PCA's view at once, then UMAP's where that is chosen."""
        from core.mapping import projection

        points, method, centred = self.state.points, self.state.method, self.state.centred
        if points is None:
            return
        folder = self._context.home.caches
        first = await self._run(_("Projecting"), lambda report: projection.pca(points, centred))
        if first is None:
            return
        await self._show(points, first)
        if method == "umap" and not projection.has_umap():
            self._set(notice=NO_UMAP.format(projection.INSTALL))
        elif method == "umap":
            layout = await self._run(_("Computing the map (UMAP)"),
                                     lambda report: projection.umap(points, centred, folder, report))
            if layout is not None:
                await self._show(points, layout)

    async def _show(self, points: "MapPoints", projected: "Projection") -> None:
        """Show another projection, with the query on it."""
        if points is not self.state.points:
            return
        query = self.state.query
        self._set(projection=projected, query=None)
        if query is not None:
            await self._place(query.label, query.vector)
        await self._place_pending()

    async def _place_pending(self) -> None:
        query, self._pending = self._pending, None
        if query is not None:
            await self._place(query.label, query.vector)

    async def _ask(self, text: str) -> None:
        explorer = self._context.explorer

        def embed(report: Report) -> "NDArray[np.float32]":
            from core.search.queries import unit

            return unit(explorer.model(report).encode_texts([text]).vectors[0])

        vector = await self._attempt(_("Placing the query"), embed, "map:query")
        if vector is not None:
            await self._place(text, vector)

    async def _place(self, label: str, vector: "NDArray[np.float32]") -> None:
        points, projected = self.state.points, self.state.projection
        if points is None or projected is None:
            return

        def place(report: Report) -> PlacedQuery:
            from core.mapping import projection

            return PlacedQuery(label, vector, projection.place_query(points, projected, vector),
                               projection.hits_of(points, vector, HITS))

        placed = await self._attempt(_("Placing the query"), place, "map:place")
        if placed is not None and projected is self.state.projection:
            self._set(query=placed)

    async def _run(self, name: str, work: Callable[[Report], T]) -> T | None:
        """Await a job of the map, whose progress is shown; None where it failed (`problem`) or was stopped."""
        def report(progress: Progress) -> None:
            self._set(progress=self.job.snapshot() if self.job is not None else None)

        try:
            return await self._jobs.run(name, work, key=KEY, on_progress=report)
        except JobCancelled:
            return None
        except BrewclipError as error:
            if self.state.projection is None:
                self._set(problem=localised(error), kind=error.kind)
            else:
                self._set(notice=localised(error))
            return None
        finally:
            self._set(progress=self.job.snapshot() if self.job is not None else None)

    async def _attempt(self, name: str, work: Callable[[Report], T], key: str) -> T | None:
        """Await a short job; None where it failed, which the notice says, or was stopped."""
        try:
            return await self._jobs.run(name, work, key=key, quiet=True)
        except JobCancelled:
            pass
        except BrewclipError as error:
            self._set(notice=localised(error))
        return None

    def to_json(self) -> Mapping[str, Any]:
        """The choices, for the saved state."""
        state = self.state
        return {"source": state.source.key if state.source else self._wanted, "method": state.method,
                "centred": state.centred, "grouping": state.grouping, "folders": [str(path) for path in state.folders]}


def read_sources(explorer: "Explorer") -> tuple[MapSource, ...]:
    """Galleries of this computer and those at addresses, and the splits of datasets that were evaluated."""
    from core.evaluation import archive

    galleries = [*(record.name for record in explorer.store.galleries()), *explorer.addresses()]
    setups = [record.setup for record in archive.evaluations(explorer.store)]
    splits = [MapSource(f"{setup.folder.name} {setup.split}", "", setup.folder, setup.split, setup.kind,
                        setup.follow_links) for setup in setups if setup.folder.is_dir()]
    return (*(MapSource(name, name) for name in galleries), *dict.fromkeys(splits))


def read_splits(folder: Path, report: Report) -> tuple[MapSource, ...]:
    """The splits of a dataset's folder. DatasetError."""
    from core import datasets

    dataset = datasets.load(folder, report=report)
    return tuple(MapSource(f"{folder.name} {split}", "", folder, split, dataset.kind) for split in dataset.splits)


def read_points(explorer: "Explorer", source: MapSource, report: Report) -> "MapPoints":
    """The points of a source under the present model."""
    if source.folder is None:
        from core.mapping.points import of_gallery

        return of_gallery(explorer.gallery(source.gallery), explorer.fingerprint(), report)
    from core.evaluation.records import DataChoice
    from core.mapping.split_points import of_split

    return of_split(explorer.workspace, DataChoice(source.folder, source.split, source.kind, source.follow_links),
                    report)

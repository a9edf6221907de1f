"""A context over a store with one gallery, whose map is of made points."""

from types import SimpleNamespace

import pytest

from brewclip_app import tasks
from brewclip_app.context import Context
from brewclip_app.panels.map import controller as map_controller
from core.mapping import projection
from core.store.store import Store
from tests.brewclip_app.panels.map.made import made_points


@pytest.fixture
def context(home, qapp, monkeypatch):
    """Without UMAP; the model gives every text the vector of picture 1."""
    store = Store.open(home.store)
    store.create_gallery("Holiday")
    model = SimpleNamespace(encode_texts=lambda texts: SimpleNamespace(vectors=made_points().vectors[1:2]))
    made = Context(home, SimpleNamespace(store=store, close=store.close, use_settings=lambda settings: None,
                                         addresses=lambda: (), model=lambda report: model))
    monkeypatch.setattr(map_controller, "read_points", lambda explorer, source, report: made_points(source.gallery))
    monkeypatch.setattr(projection, "has_umap", lambda: False)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def settle(context, qtbot):
    """Wait until nothing runs."""
    return lambda: qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=20_000)

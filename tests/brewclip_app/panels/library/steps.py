"""Steps of tests of the Library screen."""

from contextlib import contextmanager

from brewclip_app import tasks

WAIT = 20_000


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


@contextmanager
def indexed(context, qtbot):
    """Wait for the result of indexing that begins in the block."""
    before = context.indexing.state.results
    yield
    qtbot.waitUntil(lambda: context.indexing.state.results is not before, timeout=WAIT)


def index(context, qtbot, folder, gallery="Holiday"):
    with indexed(context, qtbot):
        context.indexing.start(gallery, folder)
    settle(context, qtbot)

"""Steps of tests of the Library screen."""

from brewclip_app import tasks

WAIT = 20_000


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def index(context, qtbot, folder, gallery="Holiday"):
    with qtbot.waitSignal(context.indexing.finished, timeout=WAIT):
        context.indexing.start(gallery, folder)
    settle(context, qtbot)

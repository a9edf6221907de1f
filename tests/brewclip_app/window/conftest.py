"""Fixtures of the main window: it has two panels and no models."""

import pytest

from brewclip_app.context import Context
from brewclip_app.main_window import MainWindow
from tests.brewclip_app.window.panels import TWO, Explorer


@pytest.fixture
def context(home, qtbot):
    made = Context(home, Explorer())
    yield made
    assert made.jobs.shutdown(20)


@pytest.fixture
def window(context, qtbot):
    made = MainWindow(context, TWO)
    qtbot.addWidget(made, before_close_func=lambda widget: context.jobs.shutdown(10))
    made.show()
    return made

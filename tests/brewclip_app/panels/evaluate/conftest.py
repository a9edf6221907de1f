"""The Evaluate panel on a real store, without models."""


import pytest

from brewclip_app import tasks
from brewclip_app.panels.evaluate.panel import EvaluatePanel
from core.evaluation import evaluate
from core.evaluation.evaluate import Plan
from core.features.noise import Condition

WAIT = 20_000


@pytest.fixture
def context(store_context, monkeypatch):
    monkeypatch.setattr(evaluate, "plan", lambda workspace, request, report: Plan(len(request), 20, 3_000_000))
    return store_context


@pytest.fixture
def panel(context, qtbot):
    made = open_panel(context, qtbot)
    yield made
    made.closing()


@pytest.fixture
def three(context, make_evaluation):
    """Clean, under noise, and another model."""
    store = context.explorer.store
    return [make_evaluation(store), make_evaluation(store, Condition("white", 5.0), seed=1),
            make_evaluation(store, seed=2, variant="zero-shot", checkpoint=None,
                            model="Mini, zero-shot")]


@pytest.fixture
def filled(three, context, qtbot):
    made = open_panel(context, qtbot)
    yield made
    made.closing()


def open_panel(context, qtbot):
    made = EvaluatePanel(context)
    qtbot.addWidget(made)
    made.resize(1150, 720)
    made.show()
    made.activated()
    settle(context, qtbot)
    return made


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and not tasks._running, timeout=WAIT)

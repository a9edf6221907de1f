"""The base class of controllers."""

from dataclasses import dataclass

import shiboken6

from brewclip_app import tasks
from brewclip_app.controller import Controller
from core.progress import JobCancelled


@dataclass(frozen=True)
class Counted:
    count: int = 0


class Counter(Controller[Counted]):
    """Counts to one when its gate opens, then raises what it was given."""

    def count(self, error=None):
        self.gate = tasks.loop().create_future()
        self._start(self._count(error), "Nothing was lost.")

    async def _count(self, error):
        await self.gate
        self._set(count=self.state.count + 1)
        if error is not None:
            raise error


def test_a_change_emits_the_new_state(qtbot):
    counter, states = Counter(Counted()), []
    counter.changed.connect(states.append)
    counter.count()
    counter.gate.set_result(None)
    qtbot.waitUntil(lambda: states == [Counted(1)])
    assert counter.state is states[0]


def test_an_error_is_emitted_and_a_stopped_job_is_none(qtbot):
    counter, error = Counter(Counted()), ValueError("no")
    with qtbot.waitSignal(counter.failed) as failed:
        counter.count(error)
        counter.gate.set_result(None)
    assert failed.args == [error, "Nothing was lost."]
    with qtbot.assertNotEmitted(counter.failed):
        counter.count(JobCancelled())
        counter.gate.set_result(None)
        qtbot.waitUntil(tasks.is_idle)


def test_a_coroutine_outlives_the_controller_without_an_error(qtbot):
    for error in (None, ValueError("no")):
        counter = Counter(Counted())
        counter.count(error)
        shiboken6.delete(counter)
        counter.gate.set_result(None)
        qtbot.waitUntil(tasks.is_idle)  # an error here would fail the test in the fixture `coroutines`
        assert counter.state == Counted(1)

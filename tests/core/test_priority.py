"""What somebody waits for overtakes work in the background."""

import threading

from core.priority import PriorityLock, background, is_background

WAIT = 20


def test_what_is_waited_for_overtakes_the_background_at_its_next_recording():
    lock, order, began, asked = PriorityLock(), [], threading.Event(), threading.Event()

    def batch():
        with background(), lock:
            for number in range(3):
                order.append(number)
                if number == 0:
                    began.set()
                    assert asked.wait(WAIT)
                    while not lock._waiting:
                        pass
                lock.give_way()

    def query():
        assert began.wait(WAIT)
        asked.set()
        with lock:
            order.append("query")

    threads = [threading.Thread(target=each) for each in (batch, query)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(WAIT)
    assert order == [0, "query", 1, 2]


def test_who_is_not_in_the_background_keeps_the_lock_and_the_mark_ends_with_its_block():
    lock, entered = PriorityLock(), threading.Event()

    def other():
        with lock:
            entered.set()

    with lock:
        waiting = threading.Thread(target=other)
        waiting.start()
        lock.give_way()
        assert not entered.is_set()
    waiting.join(WAIT)
    assert entered.is_set()
    with background():
        with background():
            pass
        assert is_background()
    assert not is_background()


def test_the_background_waits_for_those_in_front_of_it():
    lock, order = PriorityLock(), []

    def behind():
        with background(), lock:
            order.append("background")

    def before():
        with lock:
            order.append("query")

    lock.__enter__()
    threads = [threading.Thread(target=each) for each in (behind, before)]
    for each in threads:
        each.start()
    while not lock._waiting:
        pass
    lock.__exit__()
    for each in threads:
        each.join(WAIT)
    assert order == ["query", "background"]

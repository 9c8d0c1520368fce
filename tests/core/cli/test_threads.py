"""The threads that answer: the last idle one first, nobody waits while one is idle."""

from __future__ import annotations

import threading

import pytest

from core.cli.threads import WarmPool

PATIENCE = 10


@pytest.fixture
def pool():
    made = WarmPool(3)
    yield made
    made.shutdown()


def test_one_request_after_the_other_meets_the_same_thread(pool):
    """Also where the next comes from the callback of the one before, as in gunicorn."""
    seen = [pool.submit(threading.get_ident).result(PATIENCE) for _ in range(20)]
    done, idents = threading.Event(), []

    def again(future):
        idents.append(future.result())
        if len(idents) < 20:
            pool.submit(threading.get_ident).add_done_callback(again)
        else:
            done.set()

    pool.submit(threading.get_ident).add_done_callback(again)

    assert done.wait(PATIENCE)
    assert len({*seen, *idents}) == 1


def test_as_many_work_at_once_as_there_are_threads(pool):
    """A slow one stops nobody."""
    together = threading.Barrier(3)
    waits = [pool.submit(together.wait, PATIENCE) for _ in range(3)]

    assert sorted(one.result(PATIENCE) for one in waits) == [0, 1, 2]


def test_what_finds_no_thread_is_done_by_the_first_that_is_free(pool):
    """In the order in which it came, whoever else is still slow."""
    gate = threading.Event()
    slow = [pool.submit(gate.wait, PATIENCE) for _ in range(2)]
    seen = []
    quick = [pool.submit(seen.append, number) for number in range(10)]
    for one in quick:
        one.result(PATIENCE)
    assert seen == list(range(10))
    gate.set()

    assert all(one.result(PATIENCE) for one in slow)


def test_more_work_than_threads_is_all_done(pool):
    """Nothing is lost or done twice."""
    results = [pool.submit(lambda n: n * n, number) for number in range(500)]

    assert [one.result(PATIENCE) for one in results] == [n * n for n in range(500)]


def test_an_error_reaches_whoever_waits_for_it_and_the_thread_lives_on(pool):
    """As with any executor."""
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result(PATIENCE)

    assert pool.submit(lambda: 7).result(PATIENCE) == 7


@pytest.mark.parametrize("busy", [False, True])
def test_after_its_end_it_takes_no_work(busy):
    """So that a worker that stops starts nothing new, not even behind what still runs."""
    pool, gate = WarmPool(1), threading.Event()
    slow = pool.submit(gate.wait, PATIENCE) if busy else None
    waits = pool.submit(print) if busy else None
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(RuntimeError):
        pool.submit(print)
    gate.set()

    assert slow is None or slow.result(PATIENCE)
    assert waits is None or waits.cancelled()

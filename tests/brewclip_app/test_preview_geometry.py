"""Geometry of the preview: zoom within bounds, rotation, and the part of the picture that is seen."""

from dataclasses import replace

import pytest

from brewclip_app.widgets.preview.geometry import LARGEST, MOST_ENLARGED, ViewGeometry

WIDE = ViewGeometry((4000, 2000), (1000, 800))


def test_the_whole_picture_is_seen_and_centred():
    assert WIDE.scale == WIDE.fit == 0.25 and not WIDE.movable
    assert WIDE.place == (0, 150, 1000, 500)
    assert ViewGeometry((10, 10), (1000, 800)).scale == MOST_ENLARGED, "a tiny picture does not fill the screen"


def test_a_rotated_picture_fits_with_its_sides_changed():
    turned = WIDE.zoomed(2).rotated(90)
    assert turned.zoom is None and turned.turned == (2000, 4000)
    assert turned.scale == 0.2 and turned.place == (300, 0, 400, 800)
    assert turned.rotated(-90) == WIDE and WIDE.rotated(270).rotated(180).rotation == 90


def test_zoom_stays_within_its_bounds():
    assert WIDE.zoomed(1000).scale == LARGEST
    assert WIDE.zoomed(0.001) == WIDE.fitted()
    small = ViewGeometry((400, 400), (1000, 800))
    assert small.scale == 2 and small.zoomed(0.1).scale == 1, "an enlarged picture goes down to its own size"
    large = ViewGeometry((20, 20), (8000, 8000))
    assert large.bounds == (1, LARGEST)


def test_steps_stop_at_actual_size_and_the_whole_picture():
    seen = [WIDE]
    for _ in range(12):
        seen.append(seen[-1].stepped(1))
    scales = [view.scale for view in seen]
    assert 1.0 in scales and scales == sorted(scales)
    for _ in range(30):
        seen.append(seen[-1].stepped(-1))
    assert seen[-1].zoom is None and 1.0 in [view.scale for view in seen[13:]]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("at", [(300.0, 200.0), (700.0, 650.0)])
def test_the_point_under_the_mouse_stays_where_it_is(rotation, at):
    view = replace(WIDE, rotation=rotation).zoomed(1.5)

    def under(geometry):
        left, top, width, height = geometry.place
        return (at[0] - left) / width, (at[1] - top) / height

    assert under(view.zoomed(3, at)) == pytest.approx(under(view))


def test_a_picture_is_moved_no_further_than_its_edges():
    view = WIDE.zoomed(1.0)
    assert view.movable
    left, top, width, height = view.panned(1e6, -1e6).place
    assert left == pytest.approx(0) and top + height == pytest.approx(800)
    left, top, width, height = view.panned(-1e6, 1e6).place
    assert left + width == pytest.approx(1000) and top == pytest.approx(0)
    there = view.panned(37, 11)
    assert there.place[:2] == pytest.approx((view.place[0] + 37, view.place[1] + 11))
    assert WIDE.panned(50, 50).place == pytest.approx(WIDE.place), "what is seen whole stays"


def test_another_size_of_the_view_keeps_the_zoom_and_the_edges():
    corner = WIDE.zoomed(1.0).panned(1e6, 1e6)
    wider = replace(corner, view=(3000, 1500))
    assert wider.scale == 1 and wider.place[0] == pytest.approx(0) and wider.place[1] == pytest.approx(0)
    assert replace(WIDE, view=(2000, 2000)).scale == 0.5


def test_nothing_is_divided_by_zero_without_a_picture():
    empty = ViewGeometry()
    assert empty.stepped(1).zoomed(2).panned(3, 3).rotated(90).place[2:] == (0, 0)

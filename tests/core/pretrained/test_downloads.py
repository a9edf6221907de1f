"""Downloads from a host on this machine that does everything a host may do wrong."""

import contextlib
import errno
import hashlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import WeightsError
from core.pretrained import downloads
from core.pretrained.downloads import Patience, download
from core.progress import JobCancelled, Progress, WorkStep

BODY = bytes(range(256)) * 4000  # 1 MB: more than the network's buffers between the two
SHA256 = hashlib.sha256(BODY).hexdigest()
QUICK = Patience(connect_s=5, stall_s=0.3, tries=3)
Behaviour = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the test says; `server.seen` holds the ranges that were asked for."""

    server: "Host"

    def do_GET(self) -> None:
        self.server.seen.append(self.headers.get("Range", ""))
        behaviours = self.server.behaviours
        with contextlib.suppress(ConnectionError):
            (behaviours.pop(0) if len(behaviours) > 1 else behaviours[0])(self)

    def start(self) -> int:
        """The first byte that was asked for."""
        return int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))

    def begin(self, status: int, length: int | None, content_range: str = "") -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Host(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviours: list[Behaviour] = []
        self.seen: list[str] = []
        self.release = threading.Event()  # lets go of those who hang

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.pt"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Host()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def whole(handler: Handler, body: bytes = BODY) -> None:
    handler.begin(200, len(body))
    handler.wfile.write(body)


def ranged(handler: Handler) -> None:
    start = handler.start()
    if start >= len(BODY):
        handler.begin(416, 0, f"bytes */{len(BODY)}")
    elif start:
        handler.begin(206, len(BODY) - start, f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        handler.wfile.write(BODY[start:])
    else:
        whole(handler)


def breaks_off(handler: Handler) -> None:
    start = handler.start()
    handler.begin(206 if start else 200, len(BODY) - start, f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
    handler.wfile.write(BODY[start : start + 300_000])


def breaks_off_knowing_no_parts(handler: Handler) -> None:
    handler.begin(200, len(BODY))
    handler.wfile.write(BODY[:300_000])


def stalls(handler: Handler) -> None:
    handler.begin(200, len(BODY))
    handler.wfile.write(BODY[:200_000])
    handler.wfile.flush()
    handler.server.release.wait(20)


def trickles(handler: Handler) -> None:
    handler.begin(200, len(BODY))
    for number in range(200):
        handler.wfile.write(BODY[number : number + 1])
        if handler.server.release.wait(0.05):
            break


def answers_never(handler: Handler) -> None:
    handler.server.release.wait(20)


def failure(url: str, target: Path, sha256: str = SHA256, patience: Patience = QUICK) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        download(url, target, sha256, patience=patience)
    assert not target.exists()
    return caught.value


def test_a_file_comes_whole_and_its_bytes_are_counted(host: Host, tmp_path: Path) -> None:
    host.behaviours = [whole]
    said: list[Progress] = []
    target = tmp_path / "new" / "model.pt"
    download(host.url, target, SHA256, said.append, "Model")
    assert target.read_bytes() == BODY
    assert said[-1] == Progress(WorkStep.DOWNLOADING, len(BODY), len(BODY), "Model")
    assert [progress.done for progress in said] == sorted(progress.done for progress in said)
    assert [path.name for path in target.parent.iterdir()] == ["model.pt"]


def test_without_a_length_the_total_is_unknown_and_the_file_still_whole(host: Host, tmp_path: Path) -> None:
    def no_length(handler: Handler) -> None:
        handler.begin(200, None)
        handler.wfile.write(BODY)

    host.behaviours = [no_length]
    totals: set[int] = set()
    download(host.url, tmp_path / "a", SHA256, lambda progress: totals.add(progress.total))
    assert (tmp_path / "a").read_bytes() == BODY
    assert totals == {0}


def test_a_broken_transfer_goes_on_from_where_it_stopped(host: Host, tmp_path: Path) -> None:
    host.behaviours = [breaks_off, ranged]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY
    assert host.seen == ["", "bytes=300000-"]


def test_it_starts_anew_at_a_host_that_knows_no_parts(host: Host, tmp_path: Path) -> None:
    host.behaviours = [breaks_off_knowing_no_parts, whole]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY


def test_without_a_known_hash_nothing_is_pieced_together(host: Host, tmp_path: Path) -> None:
    host.behaviours = [breaks_off, ranged]
    download(host.url, tmp_path / "a", patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY
    assert host.seen == ["", ""]


def test_what_came_is_kept_for_the_next_time(host: Host, tmp_path: Path) -> None:
    host.behaviours = [breaks_off_knowing_no_parts]
    error = failure(host.url, tmp_path / "a")
    assert error.kind == "broken_off"
    assert "127.0.0.1 broke off after 300000 of 1024000 bytes" in str(error)
    assert "0.3 MB that came are kept" in str(error)
    host.behaviours = [ranged]
    host.seen.clear()
    download(host.url, tmp_path / "a", SHA256)
    assert host.seen == ["bytes=300000-"]
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_part_of_another_file_is_found_out_and_thrown_away(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 500_000)
    host.behaviours = [ranged]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY
    assert host.seen == ["bytes=500000-", ""]


@pytest.mark.parametrize(("size", "ranges"), [(len(BODY), ["bytes=1024000-"]), (len(BODY) + 5, ["bytes=1024005-", ""])])
def test_a_part_as_long_as_the_whole_or_longer(host: Host, tmp_path: Path, size: int, ranges: list[str]) -> None:
    (tmp_path / "a.part").write_bytes((BODY + BODY)[:size])
    host.behaviours = [ranged]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY
    assert host.seen == ranges


def test_another_part_than_asked_is_not_appended(host: Host, tmp_path: Path) -> None:
    def wrong_part(handler: Handler) -> None:
        handler.begin(206, len(BODY) - 7, f"bytes 7-{len(BODY) - 1}/{len(BODY)}")
        handler.wfile.write(BODY[7:])

    (tmp_path / "a.part").write_bytes(BODY[:1000])
    host.behaviours = [wrong_part, ranged]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("behaviour", [stalls, trickles])
def test_a_host_that_falls_silent_is_left(host: Host, tmp_path: Path, behaviour: Behaviour) -> None:
    host.behaviours = [behaviour]
    error = failure(host.url, tmp_path / "a", patience=Patience(connect_s=5, stall_s=0.3, slowest=5000, tries=1))
    assert error.kind == "stalled"
    assert "127.0.0.1 sent next to nothing" in str(error)


def test_a_stall_is_tried_again(host: Host, tmp_path: Path) -> None:
    host.behaviours = [stalls, ranged]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)
    assert (tmp_path / "a").read_bytes() == BODY
    assert host.seen == ["", "bytes=200000-"]


def test_a_length_that_promises_too_much(host: Host, tmp_path: Path) -> None:
    def too_long(handler: Handler) -> None:
        handler.begin(200, len(BODY) + 1000)
        handler.wfile.write(BODY)

    host.behaviours = [too_long]
    download(host.url, tmp_path / "a", SHA256, patience=QUICK)  # whole by its hash, whatever the host promised
    assert (tmp_path / "a").read_bytes() == BODY
    assert failure(host.url, tmp_path / "b", "").kind == "broken_off"  # without a hash nobody knows


def test_a_length_that_promises_too_little(host: Host, tmp_path: Path) -> None:
    def too_short(handler: Handler) -> None:
        handler.begin(200, len(BODY) - 1000)
        handler.wfile.write(BODY)

    host.behaviours = [too_short]
    error = failure(host.url, tmp_path / "a")
    assert error.kind == "wrong_bytes"
    assert not (tmp_path / "a.part").exists()


def test_wrong_bytes_are_thrown_away_and_never_tried_again(host: Host, tmp_path: Path) -> None:
    host.behaviours = [lambda handler: whole(handler, b"<html>log in to this network</html>")]
    error = failure(host.url, tmp_path / "a")
    assert error.kind == "wrong_bytes"
    assert "127.0.0.1 sent other bytes than expected" in str(error)
    assert not list(tmp_path.iterdir())
    assert len(host.seen) == 1


def test_an_old_file_stays_when_the_new_one_does_not_come(host: Host, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    host.behaviours = [lambda handler: whole(handler, b"wrong")]
    with pytest.raises(WeightsError):
        download(host.url, tmp_path / "a", SHA256)
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize(("status", "phrase"), [(403, "Forbidden"), (404, "Not Found"), (500, "Internal Server Error")])
def test_a_refusal_is_told_with_host_and_status(host: Host, tmp_path: Path, status: int, phrase: str) -> None:
    host.behaviours = [lambda handler: handler.begin(status, 0)]
    error = failure(host.url, tmp_path / "a")
    assert (error.kind, str(error)) == ("refused", f"127.0.0.1 answered {status} ({phrase}).")
    assert len(host.seen) == 1


def test_a_closed_port_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/a", tmp_path / "a")
    assert error.kind == "unreachable"
    assert "refused the connection" in str(error)


def test_a_name_that_nobody_knows_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure("http://models.invalid/a", tmp_path / "a")
    assert error.kind == "unreachable"
    assert "models.invalid could not be reached: its name could not be looked up" in str(error)


def test_a_host_that_never_answers_is_unreachable(host: Host, tmp_path: Path) -> None:
    host.behaviours = [answers_never]
    error = failure(host.url, tmp_path / "a", patience=Patience(connect_s=0.2))
    assert error.kind == "unreachable"
    assert "no answer in time" in str(error)


def test_only_the_web_is_fetched_from(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    assert failure((tmp_path / "secret").as_uri(), tmp_path / "a").kind == "refused"


class Stop:
    """A report that stops the work once so many bytes came."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, progress: Progress) -> None:
        if progress.done >= self.at:
            raise JobCancelled


@pytest.mark.parametrize(("behaviour", "at"), [(ranged, 1), (stalls, 200_000), (answers_never, 0)])
def test_it_can_be_stopped_at_any_moment(host: Host, tmp_path: Path, behaviour: Behaviour, at: int) -> None:
    host.behaviours = [behaviour]
    with pytest.raises(JobCancelled):
        download(host.url, tmp_path / "a", SHA256, Stop(at), patience=Patience(connect_s=60, stall_s=60))
    assert not (tmp_path / "a").exists()
    host.behaviours = [ranged]
    download(host.url, tmp_path / "a", SHA256)
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_disk_that_fills_up(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    host.behaviours = [whole]
    monkeypatch.setattr(downloads.os, "fsync", fails)
    error = failure(host.url, tmp_path / "a")
    assert error.kind == "disk_full"
    assert str(tmp_path) in str(error)


def test_a_disk_without_room_is_told_before_the_bytes_come(host: Host, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    host.behaviours = [whole]
    usage = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage)
    error = failure(host.url, tmp_path / "a")
    assert error.kind == "disk_full"
    assert "18 MB are needed, 1 MB are free" in str(error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("code", "kind"), [(errno.EACCES, "not_writable"), (errno.EROFS, "not_writable"),
                                            (errno.ENOSPC, "disk_full"), (errno.EIO, "disk")])
def test_what_the_disk_refuses_is_told_in_words(code: int, kind: str) -> None:
    error = downloads.disk_error(OSError(code, "reason"), Path("/there"))
    assert error.kind == kind
    assert "/there" in str(error)


def test_reach_is_content_with_any_answer(host: Host) -> None:
    host.behaviours = [lambda handler: handler.begin(404, 0)]
    downloads.reach(host.url)
    host.behaviours = [answers_never]
    with pytest.raises(WeightsError, match="could not be reached"):
        downloads.reach(host.url, patience=Patience(connect_s=0.2))

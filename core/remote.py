"""Files at an address: object storage (`s3://bucket/key`) and `file:///folder`, beside plain paths.

Where the storage is and who asks come from the environment alone: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and if need
be AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL (a storage other than Amazon's). They are never stored, and no
error contains the answer of a storage, which may name a key.

An address goes through `pathlib` unharmed but for one slash: `s3:/bucket/key` is the same address. That is the form
in which a gallery keeps the paths of its pictures. Arrow is imported when an address is used.

Kinds of StoreError: no_extra, scheme, no_credentials, no_rights, not_there, unreachable.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from core.errors import StoreError
from core.localisation import _

SCHEMES = ("s3", "file", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "http", "https")  # what people write
READ = ("s3", "file")
PATTERN = re.compile(rf"({'|'.join(SCHEMES)}):(/+)(.*)", re.DOTALL)
NAMED_SECRET = re.compile(r"[?&#;](x-amz-|awsaccesskeyid|signature|expires|token|sig|secret|password|key|credential)"
                          r"[^/]*=.*", re.IGNORECASE | re.DOTALL)
CONNECT_S, ANSWER_S, ATTEMPTS = 5.0, 30.0, 3
DENIED = ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_SIGNATURE", "FORBIDDEN",
          "INVALID_CLIENT_TOKEN_ID", "EXPIRED_TOKEN", "HTTP status 403")
ABSENT = ("NO_SUCH_BUCKET", "NO_SUCH_KEY", "RESOURCE_NOT_FOUND", "HTTP status 404")
ELSEWHERE = ("PERMANENT_REDIRECT", "HTTP status 301", "AUTHORIZATION_HEADER_MALFORMED")


class RemoteFile(NamedTuple):
    """A file in a listing: address, size in bytes, modification time in nanoseconds since 1970."""

    address: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class _RemotePath:
    """A resolved address: an Arrow file system, and the path in it."""

    scheme: str
    files: Any  # pyarrow.fs.FileSystem
    path: str

    def address(self, path: str) -> str:
        return f"s3://{path}" if self.scheme == "s3" else path


def is_address(place: str | Path) -> bool:
    """Whether it names a file or folder by an address (`s3://...`, `file:///...`) rather than by a plain path."""
    return PATTERN.match(str(place)) is not None


def is_remote(place: str | Path) -> bool:
    """Whether it is an address that is not a folder of this computer."""
    return is_address(place) and local(place) is None


def local(place: str | Path) -> Path | None:
    """The path on this computer of a plain path or a `file:///` address; None for other addresses."""
    found = PATTERN.match(str(place))
    if found is None:
        return Path(place)
    return Path("/" + found[3]) if found[1] == "file" else None


def shown(place: str | Path) -> str:
    """The address as people write it, with both slashes and without keys; a plain path as it is."""
    found = PATTERN.match(str(place))
    if found is None:
        return str(place)
    return f"file:///{found[3]}" if found[1] == "file" else f"{found[1]}://{_masked(found[1], found[3])}"


def check_secrets(place: str | Path, whole: bool = True) -> None:
    """StoreError when an address contains keys, with which it would be stored and shown.

    `whole`: any `?...` or `#...` is one, as in an address that is typed; else those that are named as keys are, since
    the names of files may hold such characters.
    """
    found = PATTERN.match(str(place))
    if found is None or found[1] == "file":
        return
    if _masked(found[1], found[3]) != found[3] or (whole and re.search(r"[?#]", found[3])):
        plainly = re.split(r"[?#]", shown(place))[0]
        raise StoreError(_("An address must not contain keys: {plainly} is read with those of the environment "
                           "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). Nothing of it was stored.").format(
                               plainly=plainly), "scheme")


def _masked(scheme: str, rest: str) -> str:
    """An address without its keys: those before an `@` of the bucket, or in parameters at its end."""
    bucket = rest.partition("/")[0]
    if "@" in bucket or (":" in bucket and scheme in ("s3", "gs", "gcs")):
        rest = rest.rpartition("@")[2] if "@" in rest else rest.partition(":")[0]
    return NAMED_SECRET.sub("", rest)


def stored(place: str | Path) -> str:
    """The address as a gallery stores it: `str(Path(address))`."""
    return str(Path(place))


def stamp(place: str | Path) -> RemoteFile | None:
    """Size and time of the file there; None when there is none, or when it is a folder."""
    where = _place(place)
    from pyarrow.fs import FileType

    with _store_errors(place):
        info = where.files.get_file_info(where.path)
    return _file(where, info) if info.type == FileType.File else None


def list_files(place: str | Path, skipped: dict[str, str] | None = None) -> Iterator[RemoteFile]:
    """The files of a folder at any depth, a folder at a time; `not_there` when there is no such folder.

    Object storage has no folders: there it is all keys with that prefix, and one without any is not there. Keys with
    an empty part (`a//b.jpg`) cannot be read through Arrow: `skipped` gets their place and the reason.
    """
    where = _place(place)
    from pyarrow.fs import FileSelector, FileType

    waiting = [where.path.rstrip("/")]
    listed = set(waiting)
    while waiting:
        folder = waiting.pop()
        with _store_errors(place):
            entries = where.files.get_file_info(FileSelector(folder, allow_not_found=False))
        inner = {entry.path.rstrip("/") for entry in entries if entry.type == FileType.Directory}
        if folder in inner and skipped is not None:  # `a//b` lists `a` in itself
            skipped[f"{stored(where.address(folder))}/(empty)"] = "keys with // are not read"
        waiting += sorted(inner - listed, reverse=True)
        listed |= inner
        yield from sorted(_file(where, entry) for entry in entries if entry.type == FileType.File)


@contextmanager
def open_input(place: str | Path) -> Iterator[BinaryIO]:
    """The file there, to be read from any place in it."""
    where = _place(place)
    with _store_errors(place):
        file = where.files.open_input_file(where.path)
    with file, _store_errors(place):
        yield cast(BinaryIO, file)


def read(place: str | Path) -> bytes:
    """All bytes of the file there."""
    with open_input(place) as file:
        return file.read()


def _file(where: _RemotePath, info: Any) -> RemoteFile:
    return RemoteFile(where.address(info.path), info.size, info.mtime_ns)


def _place(place: str | Path) -> _RemotePath:
    text = shown(place)
    found = PATTERN.match(text)
    fs = _arrow()
    if found is None or found[1] == "file":
        return _RemotePath("file", fs.LocalFileSystem(), os.path.abspath(str(local(text))))  # noqa: PTH100  (keeps links)
    if found[1] not in READ:
        raise StoreError(_("{text} cannot be reached: addresses that begin with s3:// or file:// are "
                           "read here.").format(text=text),
                         "scheme")
    if not found[3].strip("/"):
        raise StoreError(_("{text} names no bucket; write s3://bucket/folder.").format(text=text), "not_there")
    return _RemotePath("s3", _s3(*_credentials(text)), found[3].strip("/"))


def _arrow() -> Any:
    try:
        from pyarrow import fs
    except ImportError as error:
        raise StoreError(_("Addresses need Arrow, which is not installed. `pip install .[scale]` brings it."),
                         "no_extra") from error
    return fs


def _credentials(address: str) -> tuple[str, str, str, str, str]:
    key, secret = (os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    if not key or not secret:  # else the library would look for a server of Amazon's that gives keys
        raise StoreError(_("{address} needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
                           "AWS_ENDPOINT_URL if the storage is not Amazon's.").format(address=address),
                         "no_credentials")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return key, secret, os.environ.get("AWS_SESSION_TOKEN", ""), region, os.environ.get("AWS_ENDPOINT_URL", "")


@lru_cache(maxsize=4)
def _s3(key: str, secret: str, token: str, region: str, endpoint: str) -> Any:
    fs = _arrow()
    extra = {"endpoint_override": endpoint} if endpoint else {}
    return fs.S3FileSystem(access_key=key, secret_key=secret, session_token=token or None, region=region,
                           connect_timeout=CONNECT_S, request_timeout=ANSWER_S,
                           retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS), **extra)


@contextmanager
def _store_errors(place: str | Path) -> Iterator[None]:
    """Translate errors of the storage to StoreError, `from None`: their own text may contain a key."""
    try:
        yield
    except (OSError, ValueError) as error:
        text, message = shown(place), str(error)
        if isinstance(error, FileNotFoundError | NotADirectoryError) or any(word in message for word in ABSENT):
            raise StoreError(_("There is nothing at {text}.").format(text=text), "not_there") from None
        if isinstance(error, PermissionError) or any(word in message for word in DENIED):
            raise StoreError(_("{text} may not be read with the keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: "
                               "they are wrong, or give no right to it.").format(text=text), "no_rights") from None
        if any(word in message for word in ELSEWHERE):
            raise StoreError(_("{text} lies in another region; name it in AWS_REGION.").format(text=text),
                             "unreachable") from None
        raise StoreError(_("{text} cannot be reached now: the storage does not answer as it should. Look at the "
                           "network and at AWS_ENDPOINT_URL, then do the same again.").format(text=text),
                         "unreachable") from None

"""Second attempts at a picture's file whose metadata or trailer is damaged while its pixels are whole.

Decoders refuse a picture for a text, an ICC profile or an EXIF block with a wrong checksum or an absurd size, and for
a missing end marker. `attempts` rewrites such a file so that it holds the pixels and little else.

A file whose end is missing is completed in several ways, with bytes that would decode to something else. When all of
them give the same pixels, no pixel depended on what is missing; when they do not, part of the picture is lost.
"""

import re
import struct
import zlib
from collections.abc import Iterator

Attempt = tuple[bytes, ...]
"""Contents that must all decode to the same pixels; the first is the picture."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
EOI = b"\xff\xd9"
ENDS = (b"", b"\xff\x00" * 2048, bytes((90, 165, 60, 7)) * 1024)  # after which a JPEG's EOI is put
FILLS = (b"\0", b"\xff", b"\x5a")
FILLED = 1 << 16  # bytes: as much as a metadata block at the end is long, as a rule
JPEG_MARKER = re.compile(rb"\xff[\xc0-\xc4\xdb\xdd\xda\xe0-\xef\xfe]")
PNG_KEPT = (b"IHDR", b"PLTE", b"IDAT")
WEBP_KEPT = (b"ALPH", b"VP8 ", b"VP8L", b"ANIM", b"ANMF")
TIFF_PIXELS = frozenset((254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 284, 292, 293, 317, 320,
                         322, 323, 324, 325, 338, 339, 340, 341, 347, 529, 530, 531, 532))  # tags that decoding needs
TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes of a value by type


def attempts(content: bytes) -> Iterator[Attempt]:
    """Repaired versions to try of an image file that could not be decoded, in this order."""
    if content.startswith(PNG):
        for extra in ((b"tRNS", b"eXIf"), (b"tRNS",), ()):
            yield (_png(content, extra),)
    elif content.startswith(JPEG):
        for with_exif in (True, False):
            yield from _jpeg(content, with_exif)
    elif content[8:12] == b"WEBP":
        for with_exif in (True, False):
            yield (_webp(content, with_exif),)
    else:
        if content[:4] in (b"II*\0", b"MM\0*") and len(content) >= 8:
            yield tuple(_tiff(content, fill) for fill in FILLS)
        yield tuple(content + fill * FILLED for fill in FILLS)


def _png(content: bytes, extra: tuple[bytes, ...]) -> bytes:
    """The chunks that hold pixels, those of `extra` if their checksum is right, and an end."""
    parts = [PNG]
    at = len(PNG)
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        data = content[at + 8:at + 8 + length]
        cut = len(data) < length
        if kind == b"IEND":
            break
        if cut and kind != b"IDAT":  # a length that was damaged: go on at the pixels
            at = content.find(b"IDAT", at + 8) - 4
            if at < 0:
                break
            continue
        checksum = content[at + 8 + length:at + 12 + length]
        right = struct.pack(">I", zlib.crc32(kind + data))
        if kind in PNG_KEPT:
            parts.append(struct.pack(">I", len(data)) + kind + data + (right if cut or len(checksum) < 4 else checksum))
        elif kind in extra and checksum == right:
            parts.append(struct.pack(">I", length) + kind + data + right)
        at += 12 + length
    return b"".join(parts) + struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))


def _jpeg(content: bytes, with_exif: bool) -> Iterator[Attempt]:
    """Without application segments, save those that say what the colours and which way up the picture is."""
    parts = [JPEG]
    at = 2
    while (found := JPEG_MARKER.search(content, at)) is not None:
        at, marker = found.start(), content[found.start() + 1]
        if marker == 0xDA:
            break
        length = int.from_bytes(content[at + 2:at + 4], "big")
        segment = content[at:at + 2 + length]
        about = marker >= 0xE0  # a comment, or an application's
        if about and content[at + 2 + length:at + 3 + length] != b"\xff":  # a length that was damaged
            at += 4
            continue
        if not about or marker in (0xE0, 0xEE) or (with_exif and segment[4:10] == b"Exif\0\0"):
            parts.append(segment)
        at += 2 + max(2, length)
    else:
        return
    scans = content[at:]
    head = b"".join(parts)
    if EOI in scans:
        yield (head + scans,)
    elif _all_scans(head, scans):
        yield tuple(head + scans.removesuffix(b"\xff") + end + EOI for end in ENDS)


def _all_scans(head: bytes, scans: bytes) -> bool:
    """Whether a progressive JPEG has the last bit of every coefficient; True for other JPEGs."""
    frame = re.search(rb"\xff\xc2..", head, re.DOTALL)
    if frame is None:
        return True
    missing = {component: set(range(64)) for component in head[frame.start() + 10:][:3 * head[frame.start() + 9]:3]}
    for scan in re.finditer(rb"\xff\xda", scans):
        start = scan.start() + 4
        if start >= len(scans):
            return False
        components = scans[start + 1:][:2 * scans[start]:2]
        span = scans[start + 1 + 2 * scans[start]:][:3]
        if len(span) == 3 and span[2] & 15 == 0:
            for component in components:
                missing.get(component, set()).difference_update(range(span[0], span[1] + 1))
    return not any(missing.values())


def _webp(content: bytes, with_exif: bool) -> bytes:
    """The whole chunks that hold pixels, with sizes that are right."""
    parts = []
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        data = content[at + 8:at + 8 + length]
        if len(data) == length:
            if kind == b"VP8X" and data:
                data = bytes((data[0] & (0b00011010 if with_exif else 0b00010010),)) + data[1:]
            if kind in (*WEBP_KEPT, b"VP8X") or (with_exif and kind == b"EXIF"):
                parts.append(struct.pack("<4sI", kind, length) + data + b"\0" * (length % 2))
        at += 8 + length + length % 2
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff(content: bytes, fill: bytes) -> bytes:
    """File with a directory behind the filled-up end, of the tags that decoding needs and whose values are there."""
    order = "<" if content.startswith(b"II") else ">"
    start: int = struct.unpack_from(f"{order}I", content, 4)[0]
    if start + 2 > len(content):
        return content
    count: int = struct.unpack_from(f"{order}H", content, start)[0]
    entries = [content[at:at + 12] for at in range(start + 2, min(start + 2 + 12 * count, len(content) - 11), 12)]
    parts = []
    for entry in entries:
        tag, kind, values, place = struct.unpack(f"{order}HHII", entry)
        length = TIFF_SIZES.get(kind, 1) * values
        if tag in TIFF_PIXELS and (length <= 4 or place + length <= len(content)):
            parts.append(entry)
    body = content + fill * (FILLED + len(content) % 2)
    directory = struct.pack(f"{order}H", len(parts)) + b"".join(parts) + b"\0\0\0\0"
    return body[:4] + struct.pack(f"{order}I", len(body)) + body[8:] + directory

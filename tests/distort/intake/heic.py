"""A HEIC file given an `nclx` colour box that its writer had left out: boxes of ISO/IEC 14496-12 and 23008-12."""

from __future__ import annotations

import struct

COLR = b"colrnclx"


def with_nclx(data: bytes, primaries: int, transfer: int) -> bytes:
    """The file with one more property (limited range) of its only picture.

    Sizes of the boxes around it and the pixels' place are made right.

    Expected: `meta` before the pixels, `iloc` of version 0 with 4-byte offsets, `ipma` of one picture with 1-byte entries.
    """
    box = struct.pack(">I", 19) + COLR + struct.pack(">3HB", primaries, transfer, 6, 0)
    out = bytearray(data)
    meta, iloc, iprp, ipco, ipma = (data.index(kind) - 4 for kind in (b"meta", b"iloc", b"iprp", b"ipco", b"ipma"))
    sizes = {place: int.from_bytes(data[place : place + 4], "big") for place in (meta, iloc, iprp, ipco, ipma)}
    assert data[iloc + 8] == 0
    assert data[iloc + 12] == 0x44
    assert data[ipma + 12 : ipma + 16] == b"\0\0\0\1"
    for number in range(int.from_bytes(data[iloc + 14 : iloc + 16], "big")):
        place = iloc + 16 + number * (6 + 8 + (data[iloc + 13] >> 4)) + 6 + (data[iloc + 13] >> 4)
        out[place : place + 4] = (int.from_bytes(data[place : place + 4], "big") + 20).to_bytes(4, "big")
    properties, place = 0, ipco + 8
    while place < ipco + sizes[ipco]:
        properties, place = properties + 1, place + int.from_bytes(data[place : place + 4], "big")
    for grown, by in ((meta, 20), (iprp, 20), (ipco, 19), (ipma, 1)):
        out[grown : grown + 4] = (sizes[grown] + by).to_bytes(4, "big")
    out[ipma + 18] += 1
    end = ipma + sizes[ipma]
    out[end:end] = bytes([properties + 1])
    inside = ipco + sizes[ipco]
    out[inside:inside] = box
    return bytes(out)

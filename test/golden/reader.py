#!/usr/bin/env python3
"""An independent reader of repository format 1, made from docs/FORMAT.md alone.

    reader.py REPOSITORY

prints what every snapshot holds as JSON, in the shape of expected.json, and fails at the first byte that is not as the
page says. Needs nothing but Python and the `zstd` program. Slow: BLAKE3 in Python does about half a megabyte a second.
"""
import base64
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zlib

# --- BLAKE3, unkeyed, 32 bytes (BLAKE3 paper, section 2) ---

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
QUARTERS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15), (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
MASK = 0xFFFFFFFF


def compress(chaining, words, counter, length, flags):
    v = list(chaining) + list(IV[:4]) + [counter & MASK, counter >> 32, length, flags]
    for round_number in range(7):
        for index, (a, b, c, d) in enumerate(QUARTERS):
            va = (v[a] + v[b] + words[2 * index]) & MASK
            vd = v[d] ^ va
            vd = ((vd >> 16) | (vd << 16)) & MASK
            vc = (v[c] + vd) & MASK
            vb = v[b] ^ vc
            vb = ((vb >> 12) | (vb << 20)) & MASK
            va = (va + vb + words[2 * index + 1]) & MASK
            vd ^= va
            vd = ((vd >> 8) | (vd << 24)) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, ((vb >> 7) | (vb << 25)) & MASK, vc, vd
        words = [words[i] for i in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunk_output(data, counter, flags):
    blocks = [data[at : at + 64] for at in range(0, len(data), 64)] or [b""]
    chaining = IV
    for index, block in enumerate(blocks):
        own = (CHUNK_START if index == 0 else 0) | (CHUNK_END | flags if index == len(blocks) - 1 else 0)
        chaining = compress(chaining, struct.unpack("<16I", block.ljust(64, b"\0")), counter, len(block), own)
    return chaining


def subtree(data, counter, flags):
    if len(data) <= 1024:
        return chunk_output(data, counter, flags)
    left = 1024
    while left * 2 < len(data):
        left *= 2
    words = subtree(data[:left], counter, 0) + subtree(data[left:], counter + left // 1024, 0)
    return compress(IV, words, 0, 64, PARENT | flags)


def blake3(data):
    return struct.pack("<8I", *subtree(data, 0, ROOT))


# --- records ---


class Damage(Exception):
    pass


def want(condition, what):
    if not condition:
        raise Damage(what)


class Record:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, count):
        want(self.at + count <= len(self.data), "a record ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self):
        return self.bytes(1)[0]

    def varint(self):
        value = 0
        for count in range(8):
            byte = self.u8()
            value |= (byte & 0x7F) << (7 * count)
            if byte < 0x80:
                want(value < 1 << 53 and (byte != 0 or count == 0), "a varint is not canonical")
                return value
        raise Damage("a varint is too long")

    def signed(self):
        value = self.varint()
        return value >> 1 if value % 2 == 0 else -((value + 1) >> 1)

    def text(self):
        return self.bytes(self.varint())

    def id(self):
        return self.bytes(32)

    def end(self):
        want(self.at == len(self.data), "a record has bytes left over")


def unzstd(data, length):
    raw = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    want(len(raw) == length, "a payload has another length than it says")
    return raw


def decode(codec, payload, length):
    want(codec in (0, 1), "an unknown codec")
    want(codec == 1 or len(payload) == length, "a payload has another length than it says")
    return unzstd(payload, length) if codec == 1 else payload


def read_frame(frame):
    magic, body_length, checksum = struct.unpack_from("<4sII", frame)
    want(magic == b"XFRM" and body_length == len(frame) - 12, "no frame")
    want(checksum == zlib.crc32(frame[12:], zlib.crc32(frame[4:8])), "the checksum of a frame")
    codec, kind, zero, length, count = struct.unpack_from("<BBHII", frame, 12)
    want(zero == 0, "unknown fields of a frame")
    record = Record(decode(codec, frame[24:], length))
    lengths = [record.varint() for _ in range(count)]
    blobs = [record.bytes(each) for each in lengths]
    record.end()
    return kind, blobs


# --- repository ---


class Repository:
    def __init__(self, root):
        self.root = root
        self.places, self.frames, self.verified = {}, {}, {}
        self.check_parameters()
        for folder in sorted(os.listdir(os.path.join(root, "packs"))):
            for name in sorted(os.listdir(os.path.join(root, "packs", folder))):
                if re.fullmatch(r"[0-9a-f]{32}\.pack", name):
                    want(name.startswith(folder), "a pack in the wrong folder")
                    self.read_pack(os.path.join(root, "packs", folder, name), bytes.fromhex(name[:32]))

    def check_parameters(self):
        with open(os.path.join(self.root, "exuvia-repository.json"), "rb") as file:
            text = file.read()
        members = json.loads(text)
        want(members["format"] == "exuvia repository" and members["version"] == 1, "another format")
        want(members["requiredFeatures"] == [], "unknown features")
        want(text == (json.dumps(members, indent=2, ensure_ascii=False).replace("[\n  ]", "[]") + "\n").encode(), "parameters are not canonical")
        names = ["format", "version", "id", "created", "requiredFeatures", "hash", "chunker", "compression", "keySlots", "checksum"]
        want(list(members) == names, "members of the parameters")
        checksum = members.pop("checksum")
        compact = json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()
        want(blake3(compact).hex() == checksum, "the checksum of the parameters")

    def read_pack(self, path, pack_id):
        with open(path, "rb") as file:
            pack = file.read()
        magic, version, sealing, zeros, own_id = struct.unpack_from("<8sHB5s16s", pack)
        want(magic == b"EXUVIAPK" and version == 1 and sealing == 0 and zeros == bytes(5), "the header of a pack")
        want(own_id == pack_id, "the id of a pack")
        offset, length, blob_count, zero, checksum, end = struct.unpack("<IIII8s8s", pack[-32:])
        want(end == b"EXUVIAPE" and zero == 0 and offset + length + 32 == len(pack), "the trailer of a pack")
        want(blake3(pack[:32] + pack[offset : offset + length] + pack[-32:-16])[:8] == checksum, "the checksum of a pack")
        kind, blobs = read_frame(pack[offset : offset + length])
        want(kind == 2 and len(blobs) == 1, "the directory of a pack")
        record, at, total = Record(blobs[0]), 32, 0
        for _ in range(record.varint()):
            frame_length, kind, count = record.varint(), record.u8(), record.varint()
            lengths = [record.varint() for _ in range(count)]
            for position, blob_length in enumerate(lengths):
                self.places.setdefault(record.id(), (path, at, frame_length, kind, position, blob_length))
            at, total = at + frame_length, total + count
        record.end()
        want(at == offset and total == blob_count, "the sums of a directory")

    def blob(self, blob_id, kind):
        if blob_id in self.verified:
            return self.verified[blob_id]
        want(blob_id in self.places, f"no pack holds {blob_id.hex()}")
        path, offset, length, stored_kind, position, blob_length = self.places[blob_id]
        want(stored_kind == kind, "a blob of another kind")
        if (path, offset) not in self.frames:
            with open(path, "rb") as file:
                file.seek(offset)
                self.frames[path, offset] = read_frame(file.read(length))
        blob = self.frames[path, offset][1][position]
        want(len(blob) == blob_length and blake3(blob) == blob_id, "a blob is not what its id says")
        self.verified[blob_id] = blob
        return blob

    def tree(self, blob_id):
        return self.blob(blob_id, 1)


# --- maps, lists, pages ---


def key_hash(level, key):
    h = ((0x811C9DC5 ^ level) * 0x01000193) & MASK
    for byte in key:
        h = ((h ^ byte) * 0x01000193) & MASK
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & MASK
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & MASK
    return h ^ (h >> 16)


def map_entries(repository, root):
    """Entries in order; every node but the last of its level must end where the rule says, and not before."""
    levels = {}

    def walk(blob_id, level):
        record = Record(repository.tree(blob_id))
        want(record.u8() == 0x4D, "a map node")
        own = record.u8()
        want(level is None or own == level, "the level of a map node")
        count, key, size, entries = record.varint(), b"", 0, 0
        want(1 <= count <= 512, "the number of entries of a map node")
        want(levels.get(own) is not False, "a map node ends too early")
        for index in range(count):
            shared = record.varint()
            want(shared <= len(key), "the shared part of a key")
            fresh = key[:shared] + record.bytes(record.varint())
            want(index == 0 or fresh > key, "the order of keys")
            key = fresh
            if own == 0:
                value = record.text()
                size, entries = size + len(key) + len(value), entries + 1
                yield key, value
            else:
                child, promised, found = record.id(), record.varint(), 0
                size += len(key) + 36
                for entry in walk(child, own - 1):
                    found, last = found + 1, entry[0]
                    yield entry
                want(found == promised and last == key, "what an inner node says of a child")
            ends = key_hash(own, key) & 31 == 0 or index + 1 == 512 or size >= 65536
            want(not ends or index + 1 == count, "a map node goes on after its end")
            levels[own] = ends
        record.end()

    before = None
    for key, value in walk(root, None):
        want(before is None or key > before, "the order of keys")
        before = key
        yield key, value


def list_chunks(repository, root, size, level=None):
    record = Record(repository.tree(root))
    want(record.u8() == 0x4C, "a list node")
    own, total = record.u8(), 0
    want(level is None or own == level, "the level of a list node")
    for _ in range(record.varint()):
        if own == 0:
            length, blob_id = read_chunk(record)
            yield length, blob_id
        else:
            length = record.varint()
            yield from list_chunks(repository, record.id(), length, own - 1)
        total += length
    record.end()
    want(total == size, "the length of a list")


def read_chunk(record):
    head = record.varint()
    want(head >= 2, "a chunk of no bytes")
    return (head >> 1, None) if head % 2 else (head >> 1, record.id())


def page_chunks(repository, unit, base, layers, size):
    count = -(-size // unit)
    ids = [None] * count
    segments = repository.tree(base)
    flat = b"".join(repository.tree(segments[at : at + 32]) for at in range(0, len(segments), 32))
    for index in range(min(count, len(flat) // 32)):
        ids[index] = flat[index * 32 : index * 32 + 32]
    for layer in layers:
        record, at = Record(repository.tree(layer)), -1
        want(record.u8() == 0x50, "a layer")
        for _ in range(record.varint()):
            distance = record.varint()
            want(distance > 0, "the order of a layer")
            at += distance
            blob_id = record.id()
            if at < count:
                ids[at] = blob_id
        record.end()
    want(None not in ids, "a unit that nothing names")
    return [(min(unit, size - index * unit), blob_id) for index, blob_id in enumerate(ids)]


# --- trees and snapshots ---


def read_content(repository, record, size):
    kind, whole = record.u8(), None
    if kind == 0:
        return record.bytes(size)
    if kind == 1:
        chunks = [(size, record.id())]
    elif kind == 2:
        chunks = [read_chunk(record) for _ in range(record.varint())]
        whole = record.id()
    elif kind == 3:
        want(record.u8() in (0, 1, 2), "a profile")
        chunks = list(list_chunks(repository, record.id(), size))
        whole = record.id()
    else:
        want(kind == 4, "an unknown kind of content")
        unit, base = record.varint(), record.id()
        layers = [record.id() for _ in range(record.varint())]
        chunks = page_chunks(repository, unit, base, layers, size)
        whole = record.id()
    want(sum(length for length, _ in chunks) == size, "the length of a file")
    content = bytearray()
    for length, blob_id in chunks:
        piece = bytes(length) if blob_id is None else repository.blob(blob_id, 0)
        want(len(piece) == length, "the length of a chunk")
        content += piece
    # Whole files are hashed where that takes a moment; the blobs of all of them are.
    want(whole is None or size > 200_000 or blake3(bytes(content)) == whole, "the hash of a file")
    return bytes(content)


def read_node(repository, key, value):
    record = Record(value)
    kind, flags, mode = record.u8(), record.u8(), record.varint()
    want(mode <= 0o7777 and kind in (1, 2, 3) and flags & ~7 == 0 and (kind == 1 or flags == 0), "a node")
    record.varint(), record.varint()
    seconds, nanoseconds = record.signed(), record.varint()
    path = base64.b64encode(key.replace(b"\0", b"/")).decode()
    entry = {"path": path, "mode": mode, "mtimeNs": str(seconds * 10**9 + nanoseconds), "type": ("file", "directory", "symlink")[kind - 1]}
    if kind == 3:
        entry["linkTarget"] = base64.b64encode(record.text()).decode()
    if kind == 1:
        entry["size"] = record.varint()
        entry["sha256"] = hashlib.sha256(read_content(repository, record, entry["size"])).hexdigest()
        if flags & 4:
            entry["hardLink"] = base64.b64encode(record.text().replace(b"\0", b"/")).decode()
    record.end()
    return entry


def read_snapshot(repository, name):
    with open(os.path.join(repository.root, "snapshots", name), "rb") as file:
        data = file.read()
    magic, version, sealing, codec, length, raw_length = struct.unpack_from("<8sHBBII", data)
    want(magic == b"EXUVIASN" and version == 1 and sealing == 0 and length == len(data) - 52, "a snapshot")
    want(blake3(data[:-32]) == data[-32:], "the checksum of a snapshot")
    record = json.loads(decode(codec, data[20:-32], raw_length))
    want(name == re.sub(r"[-:.]", "", record["time"]) + "-" + data[-32:].hex(), "the name of a snapshot")
    root = bytes.fromhex(record["sources"][0]["root"])
    entries = [read_node(repository, key, value) for key, value in map_entries(repository, root)]
    want(len(entries) == record["sources"][0]["entries"], "the number of entries")
    return {**{name: record[name] for name in ("sequence", "time", "tags", "message")}, "entries": entries}


def main():
    repository = Repository(sys.argv[1])
    names = os.listdir(os.path.join(repository.root, "snapshots"))
    snapshots = sorted((read_snapshot(repository, name) for name in names), key=lambda one: one["sequence"])
    json.dump({"snapshots": snapshots}, sys.stdout)


if __name__ == "__main__":
    main()

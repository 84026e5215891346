#!/usr/bin/env python3
"""Vectors of encryption, computed from docs/FORMAT.md alone: prints vectors.json. Needs the Python package `cryptography`."""
import hashlib
import json
import os
import struct
import sys
import unicodedata

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import reader  # its BLAKE3

KEYED_HASH = 16


def hkdf(key, salt, info, length=32):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def keyed_blake3(key, data):
    """Of at most 64 bytes, which is all that is wanted."""
    words = struct.unpack("<16I", data.ljust(64, b"\0"))
    flags = reader.CHUNK_START | reader.CHUNK_END | reader.ROOT | KEYED_HASH
    return struct.pack("<8I", *reader.compress(struct.unpack("<8I", key), words, 0, len(data), flags))


def public_half(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def agree(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def block(key, data):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(data)


def nonce(number):
    return struct.pack("<I", number) + bytes(8)


def padded(length):
    exponent = length.bit_length() - 1
    step = 1 << max(exponent - max(exponent, 1).bit_length(), 0)
    return -(-length // step) * step


class Keys:
    def __init__(self, master, repository):
        self.repository = repository
        self.reader = hkdf(master, repository, b"exuvia 1 reader key")
        self.public = public_half(self.reader)
        self.writer = hkdf(master, repository, b"exuvia 1 writer key")
        self.ids = hkdf(self.writer, repository, b"exuvia 1 blob ids")
        self.parameters = hkdf(self.writer, repository, b"exuvia 1 parameters")

    def blob_id(self, data):
        return keyed_blake3(self.ids, reader.blake3(data))

    def outer(self, pack):
        keys = hkdf(self.writer, pack, b"exuvia 1 pack directory", 64)
        return {"directory": keys[:32], "block": keys[32:]}

    def agreed(self, shared, ephemeral, salt, purpose):
        return hkdf(shared + self.writer, salt, purpose + ephemeral + self.public)

    def frame_key(self, pack, ephemeral):
        return self.agreed(agree(self.reader, ephemeral), ephemeral, pack, b"exuvia 1 pack content")

    def snapshot_seed(self, record):
        return hkdf(self.writer, keyed_blake3(self.ids, reader.blake3(record)), b"exuvia 1 snapshot seed")

    def snapshot_key(self, ephemeral):
        return self.agreed(agree(self.reader, ephemeral), ephemeral, self.repository, b"exuvia 1 snapshot")


def sealed_frame(keys, pack, ephemeral, number, kind, body):
    header = b"XFRM" + struct.pack("<IIB3x", len(body), number, kind)
    outer = keys.outer(pack)
    key = outer["directory"] if kind == 2 else keys.frame_key(pack, ephemeral)
    return block(outer["block"], header) + AESGCM(key).encrypt(nonce(number), body, keys.repository + pack + header)


def slot_context(repository, slot_id, kind, role):
    return repository + f"exuvia 1 slot {slot_id} {kind} {role}".encode()


def main():
    cases = []
    for index in range(4):
        byte = lambda name, size: hashlib.shake_128(f"{name} {index}".encode()).digest(size)
        master, repository, pack, seed, salt = byte("master", 32), byte("repository", 16), byte("pack", 16), byte("seed", 32), byte("salt", 32)
        keys = Keys(master, repository)
        ephemeral = public_half(seed)
        body = struct.pack("<BBHII", 0, index % 2, 0, 6, 1) + b"\x05hello"
        record = f'{{"version":1,"sequence":{index}}}'.encode()
        secret, passphrase = byte("secret", 32), ["correct horse", "naïve ☃", "e\u0301", " spaced "][index]
        key = hashlib.scrypt(unicodedata.normalize("NFC", passphrase).encode(), salt=salt, n=1 << 17, r=8, p=1, maxmem=1 << 28, dklen=32)
        file_key = hkdf(secret, salt, b"exuvia 1 key file")
        seal = hmac.HMAC(keys.parameters, hashes.SHA256())
        seal.update(b"the members")
        snapshot_seed = keys.snapshot_seed(record)
        cases.append(
            {
                "master": master.hex(),
                "repository": repository.hex(),
                "reader": keys.reader.hex(),
                "public": keys.public.hex(),
                "writer": keys.writer.hex(),
                "ids": {text: keys.blob_id(text.encode()).hex() for text in ("a", "hello", "x" * 5000)},
                "pack": pack.hex(),
                "seed": seed.hex(),
                "ephemeral": ephemeral.hex(),
                "directoryKey": keys.outer(pack)["directory"].hex(),
                "blockKey": keys.outer(pack)["block"].hex(),
                "frameKey": keys.frame_key(pack, ephemeral).hex(),
                "body": body.hex(),
                "number": index * 1000,
                "sealedFrame": sealed_frame(keys, pack, ephemeral, index * 1000, index % 2, body).hex(),
                "record": record.decode(),
                "snapshotEphemeral": public_half(snapshot_seed).hex(),
                "snapshotKey": keys.snapshot_key(public_half(snapshot_seed)).hex(),
                "sealOfTheMembers": seal.finalize().hex(),
                "salt": salt.hex(),
                "passphrase": passphrase,
                "passphraseSlot": AESGCM(key).encrypt(nonce(0), master, slot_context(repository, "0badcafe", "passphrase", "full")).hex(),
                "secret": secret.hex(),
                "keyFileSlot": AESGCM(file_key).encrypt(nonce(0), keys.writer, slot_context(repository, "0badcafe", "key-file", "add")).hex(),
            }
        )
    lengths = [2, 3, 9, 100, 1000, 4097, 65_537, 1_000_000, 16_777_217, 17_000_000]
    json.dump({"cases": cases, "padding": [[length, padded(length)] for length in lengths]}, sys.stdout, indent=2, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()

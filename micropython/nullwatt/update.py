"""New versions: from a web server, a folder or a tar file into the slot that does not run.

An update is a folder that `tools/micropython_release.py` makes: the files, and a manifest.json that lists them. Nothing
of the other slot is touched before the manifest is found good, and it is not started before every file was read back
from the file system and found good (`nullwatt/boot.py` then starts it on trial). Memory: one block, and the manifest.
"""

import asyncio
import binascii
import errno
import hashlib
import json
import os
import socket
import sys

from nullwatt import __version__, boot
from nullwatt.updates import UpdateError

MOST_FILES = 64
MOST_BYTES = 65536  # of a file
MOST_TOTAL = 524288
MOST_MANIFEST = 10240
_MOST_HEADERS = 2048
_BLOCK = 512
#: s for a file.
FILE_S = 60
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./"


def install(path: str, key: str = "", anyway: bool = False) -> None:
    """From the REPL: install the update in a folder or tar file; it starts at the next reset. UpdateError.

    key: secret that it has to be signed with; "" = none. anyway: also an older version, or one that failed its trial.
    """
    version = asyncio.run(take(open_local(path), key, anyway))
    print(
        "nullwatt: %s is installed, reset to start it" % version if version else "nullwatt: that version runs already"
    )


async def take(source, key: str = "", anyway: bool = False, ready=None) -> str | None:
    """Install the version of a source; its number, None if it is the one that runs. UpdateError.

    ready: called before anything is changed; raises UpdateError for a bad moment.
    """
    text = bytearray()
    await source.read("manifest.json", None, MOST_MANIFEST, text.extend)
    manifest = parse(bytes(text), key)
    if not _wanted(manifest, anyway):
        return None
    if ready is not None:
        ready()
    if boot.on_trial():
        if boot.running():
            raise UpdateError("%s is on trial; later" % __version__)
        boot.roll_back("another version is installed", failed=False)
    slot = boot.target()
    if slot == boot.running():
        raise UpdateError("slot %s runs" % slot)
    try:
        await _fill(source, manifest, slot, text)
        boot.activate(slot)
    except OSError as error:
        raise UpdateError("slot %s: %s" % (slot, words(error))) from None
    return manifest.version


class Manifest:
    """A checked manifest: version, files as [name, size, sha256 as hex]."""

    def __init__(self, version: str, files: list) -> None:
        self.version = version
        self.files = files


def parse(text: bytes, key: str = "") -> Manifest:
    """The manifest in a text; UpdateError for what must not be installed here, or is not signed with the key."""
    try:
        if not text.rstrip().endswith(b"}"):
            raise ValueError  # MicroPython takes what was cut off for a whole document
        found = json.loads(text)
        version, core, mpy, files = found["version"], found["core"], found["mpy"], found["files"]
        for entry in files:
            name, size, digest = entry
            if not isinstance(name, str) or not isinstance(digest, str) or isinstance(size, bool):
                raise ValueError
            if not isinstance(size, int) or len(entry) != 3:
                raise ValueError
        if not boot.release(version) or not boot.release(core) or not isinstance(mpy, int):
            raise ValueError
    except (ValueError, KeyError, TypeError, RuntimeError):
        raise UpdateError("manifest.json: is not one of an update") from None
    if key and not _same(found.get("signature"), signature(key, version, core, mpy, files)):
        raise UpdateError("manifest.json: is not signed with update.key")
    if not 0 < len(files) <= MOST_FILES:
        raise UpdateError("manifest.json: %d files, allowed are 1 to %d" % (len(files), MOST_FILES))
    seen = set()
    for name, size, digest in files:
        _check_name(name)
        if name.lower() in seen:
            raise UpdateError("manifest.json: %s is there twice" % name)
        seen.add(name.lower())
        if not 0 <= size <= MOST_BYTES:
            raise UpdateError("manifest.json: %s has %d bytes, allowed are %d" % (name, size, MOST_BYTES))
        if len(digest) != 64:
            raise UpdateError("manifest.json: %s has no sha256" % name)
    if sum([size for _, size, _ in files]) > MOST_TOTAL:
        raise UpdateError("manifest.json: more than %d bytes in all" % MOST_TOTAL)
    if not ("nullwatt/__init__.mpy" in seen or "nullwatt/__init__.py" in seen):
        raise UpdateError("manifest.json: nullwatt/__init__.mpy is missing")
    if mpy and mpy != getattr(sys.implementation, "_mpy", 0) & 0xFF:
        raise UpdateError("%s is compiled for another MicroPython (mpy %d)" % (version, mpy))
    if boot.release(core) > boot.release(core_version()):
        raise UpdateError("%s needs core %s, this firmware has %s: flash a newer one" % (version, core, core_version()))
    return Manifest(version, files)


def core_version() -> str:
    """The version of the compiled core in the firmware."""
    from nullwatt import core

    return getattr(core, "VERSION", "0.0.0")


def signature(key: str, version: str, core: str, mpy: int, files: list) -> str:
    """HMAC-SHA256 over all that counts in a manifest, as hex."""
    secret = key.encode()
    if len(secret) > 64:
        secret = hashlib.sha256(secret).digest()
    secret += bytes(64 - len(secret))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in secret]))
    inner.update(("nullwatt update 1\n%s\n%s\n%d\n" % (version, core, mpy)).encode())
    for name, size, digest in files:
        inner.update(("%s %d %s\n" % (name, size, digest)).encode())
    outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in secret]))
    outer.update(inner.digest())
    return _hex(outer)


def _same(a: object, b: str) -> bool:
    """Whether two texts are equal, in a time that does not tell where they differ."""
    if not isinstance(a, str) or len(a) != len(b):
        return False
    x, y = a.encode(), b.encode()
    different = len(x) ^ len(y)
    for at in range(min(len(x), len(y))):
        different |= x[at] ^ y[at]
    return different == 0


def _check_name(name: str) -> None:
    parts = name.split("/")
    good = len(name) <= 64 and parts[0] == "nullwatt" and 1 < len(parts) <= 4 and name.endswith((".py", ".mpy"))
    for part in parts:
        good = good and part != "" and part[0] != "."
    for letter in name:
        good = good and letter in _LETTERS
    if not good:
        shown = "".join([c if " " <= c <= "~" else "?" for c in name[:40]])
        raise UpdateError('manifest.json: "%s" is no name of a file in nullwatt/' % shown)


def _wanted(manifest: Manifest, anyway: bool) -> bool:
    new, now = boot.release(manifest.version), boot.release(__version__)
    if new == now:
        return False
    if anyway:
        return True
    if new < now:
        raise UpdateError("%s is older than %s, which runs" % (manifest.version, __version__))
    state = boot.read_state()
    if state and state["bad"] == manifest.version:
        raise UpdateError("%s has failed its trial here; a newer one will be taken" % manifest.version)
    return True


# -- the slot ---------------------------------------------------------------------------------


async def _fill(source, manifest: Manifest, slot: str, text: bytearray) -> None:
    folder = os.getcwd().rstrip("/") + "/slots/" + slot
    _room(folder, manifest)
    make_folders(folder + "/manifest.json")
    _remove(folder + "/manifest.json")  # from now on it is not complete
    boot.sync()
    _sweep(folder, "", {name for name, _, _ in manifest.files})
    for name, size, digest in manifest.files:
        path = folder + "/" + name
        if digest_of(path) == digest:
            continue  # from an attempt that was cut off, or unchanged
        make_folders(path)
        with open(path, "wb") as file:
            count = await source.read(name, size, size, file.write)
        if count != size:
            raise UpdateError("%s: %d bytes came, %d were announced" % (name, count, size))
        if digest_of(path) != digest:
            _remove(path)
            raise UpdateError("%s: sha256 is not that of manifest.json" % name)
        await asyncio.sleep_ms(0)
    boot.write_whole(folder + "/manifest.json", bytes(text))
    if boot.version_in(slot) != manifest.version:
        raise UpdateError("slot %s: is not complete after all was written" % slot)


def _room(folder: str, manifest: Manifest) -> None:
    """UpdateError if the files do not fit beside what stays."""
    found = os.statvfs(folder if _exists(folder) else os.getcwd())
    block = found[1] or found[0]
    need = 4 * block  # folders and the state
    for _, size, _ in manifest.files:
        need += (size + block - 1) // block * block
    free = found[3] * block + _occupied(folder, block)  # what is not kept is removed first
    if need > free:
        raise UpdateError("%d bytes are needed, %d are free" % (need, free))


def _occupied(folder: str, block: int) -> int:
    """Bytes of all files in a folder, in whole blocks."""
    total = 0
    try:
        for entry in os.ilistdir(folder):
            path = folder + "/" + entry[0]
            if entry[1] == 0x4000:
                total += _occupied(path, block)
            else:
                total += (os.stat(path)[6] + block - 1) // block * block
    except OSError:
        pass  # there is no such folder yet
    return total


def _sweep(folder: str, inner: str, keep: set) -> None:
    """Remove files that are not to be kept, and folders that are empty then."""
    for entry in list(os.ilistdir(folder + inner)):
        path = inner + "/" + entry[0]
        if entry[1] == 0x4000:
            _sweep(folder, path, keep)
            try:
                os.rmdir(folder + path)
            except OSError:
                pass  # not empty
        elif path[1:] not in keep:
            os.remove(folder + path)


def make_folders(path: str) -> None:
    """Those above a file."""
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass  # it is there, or opening the file says why not
        at = path.find("/", at + 1)


def digest_of(path: str) -> str:
    """sha256 of a file as hex; "" if there is none."""
    digest = hashlib.sha256()
    block = bytearray(_BLOCK)
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(block)
                if not count:
                    return _hex(digest)
                digest.update(memoryview(block)[:count])
    except OSError:
        return ""


def _hex(digest):
    return str(binascii.hexlify(digest.digest()), "ascii")


def _exists(path: str) -> bool:
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass


def words(error: OSError) -> str:
    """An OSError as words."""
    names = {errno.ECONNREFUSED: "connection refused", errno.ECONNRESET: "connection reset", 28: "no space left"}
    return names.get(error.errno or 0, "error %s" % error.errno)


# -- sources ----------------------------------------------------------------------------------
# read(name, size, most, sink): calls sink with the bytes of a file, block by block; how many there were.
# size: so many there have to be, None = up to `most`. UpdateError.


class Web:
    """A folder on a web server, over plain HTTP: what protects it is the signature."""

    def __init__(self, url: str) -> None:
        """url: http://host[:port][/folder]. UpdateError."""
        rest = url[7:] if url.startswith("http://") else ""
        place, _, path = rest.partition("/")
        host, _, port = place.partition(":")
        if not host or (port and not port.isdigit()) or "@" in host or " " in url or "\r" in url or "\n" in url:
            raise UpdateError("update.url: must be http://HOST[:PORT][/FOLDER]")
        self._place, self._host, self._port = place, host, int(port or 80)
        self._path = "/" + path.rstrip("/") + "/" if path.rstrip("/") else "/"

    async def read(self, name: str, size: int | None, most: int, sink) -> int:
        """As above."""
        try:
            return await asyncio.wait_for(self._read(name, size, most, sink), FILE_S)
        except asyncio.TimeoutError:
            raise UpdateError("%s: did not come within %d s" % (name, FILE_S)) from None

    async def _read(self, name: str, size: int | None, most: int, sink) -> int:
        try:
            raw = await _connect(self._host, self._port)
        except OSError as error:
            raise UpdateError("%s: %s" % (self._place, words(error))) from None
        try:
            stream = asyncio.StreamReader(raw)
            request = "GET %s%s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" % (self._path, name, self._place)
            out = asyncio.StreamWriter(raw, {})
            out.write(request.encode())
            await out.drain()
            head = b""
            while b"\r\n\r\n" not in head:
                if len(head) > _MOST_HEADERS:
                    raise UpdateError("%s: headers are too long" % name)
                more = await stream.read(256)
                if not more:
                    raise UpdateError("%s: the answer is cut off" % name)
                head += more
            head, _, body = head.partition(b"\r\n\r\n")
            length = _length(name, head)
            if length > most or (size is not None and length != size):
                raise UpdateError(
                    "%s: has %d bytes, %s %d" % (name, length, "allowed are" if size is None else "not", most)
                )
            body = body[:length]
            got = len(body)
            _write(name, sink, body)
            block = bytearray(_BLOCK)
            while got < length:
                count = await stream.readinto(memoryview(block)[: min(_BLOCK, length - got)])
                if count is None:
                    continue
                if not count:
                    raise UpdateError("%s: ends after %d of %d bytes" % (name, got, length))
                _write(name, sink, memoryview(block)[:count])
                got += count
            return got
        except OSError as error:
            raise UpdateError("%s: %s" % (self._place, words(error))) from None
        finally:
            raw.close()


def _write(name, sink, data):
    try:
        count = sink(data)
    except OSError as error:
        raise UpdateError("%s: cannot be written: %s" % (name, words(error))) from None
    if count is not None and count != len(data):
        raise UpdateError("%s: cannot be written: no space left" % name)


async def _connect(host, port):
    """A connected socket that does not block. OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
    raw = socket.socket(family, kind, protocol)
    try:
        raw.setblocking(False)
        try:
            raw.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await _writable(raw)
        return raw
    except BaseException:
        raw.close()
        raise


async def _writable(raw):
    yield asyncio.core._io_queue.queue_write(raw)  # type: ignore[attr-defined]


def _length(name: str, head: bytes) -> int:
    """Content-Length of the only kind of answer that is taken."""
    lines = str(bytes([c if c < 128 else 63 for c in head]), "ascii").split("\r\n")
    words_ = lines[0].split(" ")
    if not lines[0].startswith("HTTP/1.") or len(words_) < 2:
        raise UpdateError("%s: the answer is not HTTP" % name)
    if words_[1] != "200":
        raise UpdateError("%s: the server answers %s, wanted is 200" % (name, words_[1][:20]))
    length = ""
    for line in lines[1:]:
        key, _, value = line.partition(":")
        key = key.strip().lower()
        if key == "content-length" and not length:
            length = value.strip()
        elif key in ("transfer-encoding", "content-encoding", "content-length"):
            raise UpdateError("%s: the server sends %s" % (name, key))
    if not length.isdigit() or len(length) > 9:
        raise UpdateError("%s: the server does not say how long it is" % name)
    return int(length)


def open_local(path: str) -> "Folder | Tar":
    """The source for a folder or a tar file. UpdateError."""
    try:
        return Folder(path) if os.stat(path)[0] & 0x4000 else Tar(path)
    except OSError as error:
        raise UpdateError("%s: cannot be read: %s" % (path, words(error))) from None


class Folder:
    """A folder on the board, such as one copied over USB."""

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")

    async def read(self, name: str, size: int | None, most: int, sink) -> int:
        """As above."""
        try:
            with open(self._path + "/" + name, "rb") as file:
                return await _copy(file, name, os.stat(self._path + "/" + name)[6], most, sink)
        except OSError as error:
            raise UpdateError("%s: cannot be read: %s" % (name, words(error))) from None


class Tar:
    """A tar file, not compressed."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def read(self, name: str, size: int | None, most: int, sink) -> int:
        """As above."""
        try:
            with open(self._path, "rb") as file:
                for _ in range(4 * MOST_FILES):
                    head = file.read(512)
                    if len(head) < 512 or not head[0]:
                        break
                    length = _octal(head[124:136])
                    if head[156:157] in (b"0", b"\0") and _entry(head) == name:
                        return await _copy(file, name, length, most, sink)
                    file.seek((length + 511) // 512 * 512, 1)
        except OSError as error:
            raise UpdateError("%s: cannot be read: %s" % (self._path, words(error))) from None
        raise UpdateError("%s: has no %s" % (self._path, name))


def _entry(head: bytes) -> str:
    """The name in the header of a file in a tar file."""
    name, prefix = bytes(head[:100]).split(b"\0")[0], bytes(head[345:500]).split(b"\0")[0]
    name = b"".join([prefix, b"/" if prefix else b"", name])
    return name[2:].decode() if name.startswith(b"./") else name.decode()


def _octal(field: bytes) -> int:
    digits = bytes(field).strip(b"\0 ")
    try:
        return int(digits or b"0", 8)
    except ValueError:
        raise UpdateError("the tar file is broken") from None


async def _copy(file, name, length, most, sink):
    if length > most:
        raise UpdateError("%s: has %d bytes, allowed are %d" % (name, length, most))
    block = bytearray(_BLOCK)
    got = 0
    while got < length:
        count = file.readinto(memoryview(block)[: min(_BLOCK, length - got)])
        if not count:
            break
        _write(name, sink, memoryview(block)[:count])
        got += count
        await asyncio.sleep_ms(0)
    return got

"""What NumPy writes is read, and what is written NumPy reads: numpy_test.py EXCHANGE npz|none.

The other side of safetensors is its format as text says it, read and written here with struct and json."""
import io
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy

EXCHANGE, NPZ = sys.argv[1], sys.argv[2] == "npz"
DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8", "F16": "<f2", "I32": "<i4", "U32": "<u4",
          "I16": "<i2", "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1"}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length].decode("utf-8"))
    body = memoryview(data)[8 + length:]
    metadata = header.pop("__metadata__", {})
    arrays, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        assert begin == end and length % 8 == 0 and begin % numpy.dtype(DTYPES[entry["dtype"]]).itemsize == 0
        arrays[name] = numpy.frombuffer(body[begin:stop], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        end = stop
    assert end == len(body)
    return arrays, metadata


def write_safetensors(path, arrays, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, array in arrays.items():
        dtype = next(key for key, value in DTYPES.items() if numpy.dtype(value) == array.dtype)
        raw = array.tobytes("C")
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header, ensure_ascii=False).encode("utf-8")
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def widened(array):
    """What an array is once it is read."""
    kind = {"f": "<f8" if array.dtype.itemsize == 8 else "<f4", "i": "<i8", "u": "<u8", "b": "<u8"}[array.dtype.kind]
    return numpy.array(array, dtype=kind, order="C")


def random_arrays(count):
    """Of all types, orders of bytes and axes, and shapes, with bits of every kind."""
    random = numpy.random.default_rng(14)
    arrays = {}
    for number in range(count):
        dtype = numpy.dtype(str(random.choice(["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])))
        shape = tuple(int(extent) for extent in random.choice([0, 1, 2, 3, 5], size=random.integers(0, 5)))
        raw = random.integers(0, 256, size=int(numpy.prod(shape)) * dtype.itemsize, dtype="u1")
        raw = raw % 2 if dtype.kind == "b" else raw
        array = numpy.frombuffer(raw.tobytes(), dtype).reshape(shape)
        array = array.astype(dtype.newbyteorder(str(random.choice(["<", ">"]))), order=str(random.choice(["C", "F"])))
        arrays["layer/%d é" % number] = array
    return arrays


class NumPy(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def exchange(self, source, target):
        subprocess.run([EXCHANGE, self.folder / source, self.folder / target], check=True)
        return self.folder / target

    def refused(self, source):
        done = subprocess.run([EXCHANGE, self.folder / source, self.folder / "out.safetensors"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, (self.folder / "out.safetensors").exists()), (1, False))
        return done.stdout

    def check_same(self, read, arrays):
        self.assertEqual(sorted(read), sorted(arrays))
        for name, array in arrays.items():
            expected = widened(array)
            self.assertEqual((read[name].dtype, read[name].shape), (expected.dtype, expected.shape), name)
            self.assertEqual(read[name].tobytes(), expected.tobytes(), (name, array.dtype))

    def test_npy_of_every_type_order_and_version(self):
        for number, array in enumerate(random_arrays(150).values()):
            with open(self.folder / "in.npy", "wb") as file:
                numpy.lib.format.write_array(file, array, version=[None, (2, 0), (3, 0)][number % 3])
            read = numpy.load(self.exchange("in.npy", "out.npy"), allow_pickle=False)
            self.check_same({"": read}, {"": array})

    @unittest.skipUnless(NPZ, "built without libzip")
    def test_npz_plain_and_compressed(self):
        arrays = random_arrays(60)
        arrays["large"] = numpy.arange(300_000, dtype=">i4").reshape(3, 100, 1000).transpose(2, 0, 1)
        for save in (numpy.savez, numpy.savez_compressed):
            save(self.folder / "in.npz", **arrays)
            with numpy.load(self.exchange("in.npz", "out.npz"), allow_pickle=False) as read:
                self.check_same(dict(read), arrays)
            read, _ = read_safetensors(self.exchange("in.npz", "out.safetensors"))
            self.check_same(read, arrays)
        # Python's own reader finds nothing wrong either, and no date that changes.
        with zipfile.ZipFile(self.folder / "out.npz") as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual({entry.date_time for entry in archive.infolist()}, {(1980, 1, 1, 0, 0, 0)})
        numpy.savez(self.folder / "none.npz")
        with numpy.load(self.exchange("none.npz", "out.npz")) as read:
            self.assertEqual(len(read.files), 0)

    @unittest.skipUnless(NPZ, "built without libzip")
    def test_npz_of_zip64(self):
        # NumPy asks for zip64 in each entry; here all of the archive has it, as one of over 4 GB does.
        limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 0
        try:
            arrays = {"a": numpy.arange(5.0), "b": numpy.int8([[1], [-2]])}
            numpy.savez(self.folder / "in.npz", **arrays)
        finally:
            zipfile.ZIP64_LIMIT = limit
        self.assertIn(b"PK\x06\x06", (self.folder / "in.npz").read_bytes())
        with numpy.load(self.exchange("in.npz", "out.npz")) as read:
            self.check_same(dict(read), arrays)

    @unittest.skipUnless(NPZ, "built without libzip")
    def test_npz_whose_arrays_lie_behind_4_gb(self):
        # A hole in the file, so that it takes no room: offsets are of 64 bits, and there is nothing of 4 GB to read.
        arrays = {"a": numpy.arange(5.0), "b": numpy.float32([[1], [-2]])}
        with open(self.folder / "in.npz", "wb") as file:
            file.seek(5 << 30)
            numpy.savez(file, **arrays)
        with zipfile.ZipFile(self.folder / "in.npz") as archive:
            self.assertEqual(archive.getinfo("a.npy").header_offset, 5 << 30)
        with numpy.load(self.exchange("in.npz", "out.npz")) as read:
            self.check_same(dict(read), arrays)

    @unittest.skipUnless(NPZ and os.environ.get("TAPELOOP_LARGE_FILES"),
                         "it takes 5 GB of memory and of disk: TAPELOOP_LARGE_FILES=1 runs it")
    def test_npz_of_more_than_4_gb(self):
        count = (1 << 30) + 5  # of 4 bytes each
        block = numpy.arange(1 << 20, dtype="<f4").tobytes()
        header = io.BytesIO()
        numpy.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (count,)})
        with zipfile.ZipFile(self.folder / "in.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with archive.open("large.npy", "w", force_zip64=True) as entry:
                entry.write(header.getvalue())
                for _ in range(1 << 10):
                    entry.write(block)
                entry.write(block[:20])
            with archive.open("small.npy", "w") as entry:
                numpy.save(entry, numpy.arange(7.0))
        path = self.exchange("in.npz", "out.npz")
        self.assertGreater(path.stat().st_size, 1 << 32)
        with zipfile.ZipFile(path) as archive:
            self.assertGreater(archive.getinfo("small.npy").header_offset, 1 << 32)
            with archive.open("large.npy") as entry:
                version = numpy.lib.format.read_magic(entry)
                self.assertEqual((version, numpy.lib.format.read_array_header_1_0(entry)[0]), ((1, 0), (count,)))
                for _ in range(1 << 10):
                    self.assertEqual(entry.read(len(block)), block)
                self.assertEqual(entry.read(), block[:20])  # at its end the checksum is compared
            with archive.open("small.npy") as entry:
                self.assertEqual(numpy.load(io.BytesIO(entry.read())).tolist(), list(range(7)))

    def test_safetensors(self):
        arrays = {name: array.astype(array.dtype.newbyteorder("<"), order="C")
                  for name, array in random_arrays(100).items()}
        metadata = {"format": "np", "é": "∂\n\"\\\u0001"}
        write_safetensors(self.folder / "in.safetensors", arrays, metadata)
        read, texts = read_safetensors(self.exchange("in.safetensors", "out.safetensors"))
        self.check_same(read, arrays)
        self.assertEqual(texts, metadata)
        # What has nothing to change is written as it was read.
        again = self.exchange("out.safetensors", "again.safetensors")
        self.assertEqual(again.read_bytes(), (self.folder / "out.safetensors").read_bytes())

    def test_every_half(self):
        numpy.save(self.folder / "in.npy", numpy.arange(65536, dtype="u2").view("f2"))
        read = numpy.load(self.exchange("in.npy", "out.npy"))
        expected = numpy.arange(65536, dtype="u2").view("f2").astype("f4")
        nan = numpy.isnan(expected)
        self.assertEqual(read[~nan].tobytes(), expected[~nan].tobytes())
        self.assertTrue(numpy.isnan(read[nan]).all())

    def test_what_is_refused(self):
        def npy(array, **options):
            numpy.save(self.folder / "in.npy", array, **options)
            return self.refused("in.npy")

        self.assertIn("descr is '|O': it holds Python objects", npy(numpy.array([{}], dtype=object), allow_pickle=True))
        self.assertIn("descr is '<c16'", npy(numpy.array([1j])))
        self.assertIn("descr is '<U3'", npy(numpy.array(["abc"])))
        self.assertIn("descr is a list", npy(numpy.zeros(2, dtype=[("a", "f8"), ("b", "i4")])))
        self.assertIn("descr is '<M8[s]'", npy(numpy.array(["2020-01-01"], dtype="M8[s]")))
        self.assertIn("at most 10,000 are read",
                      npy(numpy.zeros(1, dtype=[("field %04d" % k, "f8") for k in range(600)])))
        if NPZ:
            numpy.savez(self.folder / "in.npz", good=numpy.zeros(2), bad=numpy.array([{}], dtype=object))
            self.assertIn("array 'bad.npy': descr is '|O'", self.refused("in.npz"))
            with zipfile.ZipFile(self.folder / "in.npz", "w", zipfile.ZIP_BZIP2) as archive:
                archive.writestr("x.npy", b"x" * 1000)
            self.assertIn("array 'x.npy': it is packed by method 12", self.refused("in.npz"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

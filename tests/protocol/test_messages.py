"""Messages of the client in Python are those of google's library: every kind of field, there and back; and what does not
fit is refused with its path.
"""

import os
import random
import struct
import sys
import unittest

from daemon import BUILD
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from wat.interface import DESCRIPTOR, Interface, schema_of
from wat.messages import Schema
from wat.scalars import MessageError
from wat.status import ProtocolError
from wat.wire import LENGTH, VARINT, WireError, pack

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "json"))
import differential  # noqa: E402

ROUNDS = 150
COUNTER = """message State { sint64 value = 1; } message Amount { sint64 n = 1; }"""


def read_shapes():
    with open(os.path.join(BUILD, "tests", "json", "shapes.schema"), "rb") as file:
        return file.read()


class Shapes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        data = read_shapes()
        cls.schema = schema_of(DESCRIPTOR["FileSet"].decode(data).file)
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
            pool.Add(file)
        factory = message_factory.MessageFactory(pool)
        cls.theirs = {name: factory.GetPrototype(pool.FindMessageTypeByName(f"shapes.{name}")) for name in differential.TYPES}

    def assert_same(self, ours, theirs):
        """Field by field."""
        for field in theirs.DESCRIPTOR.fields:
            value, mine = getattr(theirs, field.name), ours[field.name]
            if field.message_type and field.message_type.GetOptions().map_entry:
                kind = field.message_type.fields_by_name["value"]
                self.assertEqual(set(mine), set(value), field.name)
                for key in mine:
                    self.assert_same_value(kind, mine[key], value[key])
            elif field.label == FieldDescriptor.LABEL_REPEATED:
                self.assertEqual(len(mine), len(value), field.name)
                for pair in zip(mine, value):
                    self.assert_same_value(field, *pair)
            elif field.has_presence and not theirs.HasField(field.name):
                self.assertIsNone(mine, field.name)
            else:
                self.assert_same_value(field, mine, value)

    def assert_same_value(self, field, ours, theirs):
        if field.message_type:
            self.assert_same(ours, theirs)
        elif field.enum_type:
            self.assertEqual(self.schema.enums[f".{field.enum_type.full_name}"].get(ours, ours), theirs, field.name)
        elif isinstance(theirs, float):
            self.assertEqual(struct.pack("<d", ours), struct.pack("<d", theirs), field.name)
        else:
            self.assertEqual((type(ours), ours), (type(theirs), theirs), field.name)

    def test_random(self):
        """Their bytes mean the same to us, and ours to them."""
        values = differential.Random(11)
        for i in range(ROUNDS):
            for name in differential.TYPES:
                theirs = values.fill(self.theirs[name]())
                ours = self.schema[f".shapes.{name}"].decode(theirs.SerializeToString())
                self.assert_same(ours, theirs)
                back = self.theirs[name].FromString(self.schema[f".shapes.{name}"].encode(ours))
                self.assertEqual(back.SerializeToString(deterministic=True), theirs.SerializeToString(deterministic=True), (i, name))

    def test_packed(self):
        """Repeated numbers, packed, single or mixed."""
        lists = self.schema[".shapes.Lists"]
        data = pack(3, LENGTH, b"\x01\x02") + pack(3, VARINT, 3) + pack(3, LENGTH, b"") + pack(3, LENGTH, b"\x04")
        self.assertEqual(lists.decode(data).f_int32, [1, 2, 3, 4])
        with self.assertRaises(WireError):
            lists.decode(pack(3, LENGTH, b"\x80"))
        with self.assertRaises(WireError):
            lists.decode(pack(9, LENGTH, bytes(5)))

    def test_refused(self):
        """What does not fit is told where, and nothing is made of it."""
        everything = self.schema[".shapes.Everything"]
        for values, path, word in (
                ({"nothing": 1}, "nothing", "no such field"),
                ({"scalars": {"f_int32": 1 << 31}}, "scalars.f_int32", "integer"),
                ({"scalars": {"f_uint64": -1}}, "scalars.f_uint64", "integer"),
                ({"scalars": {"f_uint32": True}}, "scalars.f_uint32", "integer"),
                ({"scalars": {"f_bool": 1}}, "scalars.f_bool", "bool"),
                ({"scalars": {"f_float": 1e39}}, "scalars.f_float", "32 bits"),
                ({"scalars": {"f_bytes": "text"}}, "scalars.f_bytes", "bytes"),
                ({"scalars": {"f_string": "\0"}}, "scalars.f_string", "U+0000"),
                ({"scalars": {"f_string": "\ud800"}}, "scalars.f_string", "UTF-8"),
                ({"scalars": {"f_color": "PINK"}}, "scalars.f_color", "RED"),
                ({"scalars": 1}, "scalars", "mapping"),
                ({"lists": {"f_int32": "12"}}, "lists.f_int32", "list"),
                ({"lists": {"f_scalars": [{}, {"f_int32": "1"}]}}, "lists.f_scalars[1].f_int32", "integer"),
                ({"maps": {"by_int32": {"x": 1}}}, "maps.by_int32['x']", "integer"),
                ({"maps": {"by_sint64": {1: {"f_int32": []}}}}, "maps.by_sint64[1].f_int32", "integer"),
                ({"o_bool": True, "o_string": ""}, "o_string", "o_bool"),
                ({"names": {"foo_bar_2": 1, "fooBar2": 2}}, "names.fooBar2", "twice")):
            with self.assertRaises(MessageError, msg=path) as caught:
                everything.encode(values)
            self.assertEqual(caught.exception.path, path)
            self.assertIn(word, caught.exception.text)

    def test_strict(self):
        """Bytes that protobuf would take and the protocol does not."""
        everything, scalars = self.schema[".shapes.Everything"], self.schema[".shapes.Scalars"]
        deep = b""
        for _ in range(64):
            deep = pack(6, LENGTH, deep)
        for message, data in ((everything, deep), (everything, 2 * pack(1, LENGTH, b"")), (scalars, pack(14, LENGTH, b"\0")),
                              (scalars, pack(14, LENGTH, b"\xff")), (scalars, b"\x03"), (scalars, b"\x00"),
                              (scalars, pack(3, LENGTH, b"\x01")), (scalars, b"\x18" + 10 * b"\xff" + b"\x01")):
            with self.assertRaises(WireError):
                message.decode(data)
        self.assertEqual(len(everything.decode(pack(6, LENGTH, b"")).children), 1)

    def service(self, type_=3, type_name=""):
        """The schema of a service p.S, whose message p.A has one field of that type."""
        file = descriptor_pb2.FileDescriptorProto(package="p", name="p.proto")
        kind = file.message_type.add(name="A")
        kind.field.add(name="a", number=1, type=type_, type_name=type_name, label=1)
        file.service.add(name="S").method.add(name="M", input_type=".p.A", output_type=".p.A")
        return descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()

    def test_stranger(self):
        """A schema that is cut anywhere, bent, or names what is not there, is refused, and not by accident."""
        for good in (self.service(), self.service(11, ".p.A")):
            self.assertEqual(list(Interface("p.S", good).methods), ["M"])
            for n in range(len(good)):
                with self.assertRaises(ProtocolError):
                    Interface("p.S", good[:n])
        number = self.service()
        for bad in (self.service(11, ".p.B"), self.service(10), number.replace(b"\x28\x03", b"\x28\x63"),
                    number.replace(b"\x28\x03", b"\x28\x00"), number.replace(b"\x18\x01", b"\x18\x00")):
            with self.assertRaises(ProtocolError):
                Interface("p.S", bad).method("M").input.encode(a={})
        with self.assertRaises(ProtocolError):
            Interface("p.T", number)
        self.bend(number)

    def bend(self, data):
        rng, n_refused = random.Random(5), 0
        for _ in range(3000):
            bent = bytearray(data)
            bent[rng.randrange(len(bent))] = rng.randrange(256)
            try:
                Interface("p.S", bytes(bent))
            except ProtocolError:
                n_refused += 1
        self.assertGreater(n_refused, 0)

    def test_declared(self):
        """The same from a text as the page shows it."""
        state = Schema(COUNTER)["State"]
        self.assertEqual(state.encode(value=-1), b"\x08\x01")
        self.assertEqual(state.decode(b"\x08\x01"), {"value": -1})
        self.assertEqual(state.encode({"value": 0}), b"")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""Our JSON against that of google's Python library, on random messages of shapes.proto.

differential.py TRANSLATE SCHEMA [SEED [ROUNDS]]. Each message goes from bytes to JSON and back by both, in
every spelling that the mapping allows; then single values of its JSON are replaced, and both must agree on
whether that is a message, and on which. What they disagree on, and why, is listed in DISAGREED.
"""
import base64
import json
import math
import random
import re
import struct
import subprocess
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor as F

TYPES = ["Scalars", "Optionals", "Lists", "Maps", "Names", "Everything"]
SIGNED = {F.CPPTYPE_INT32: 32, F.CPPTYPE_INT64: 64}
UNSIGNED = {F.CPPTYPE_UINT32: 32, F.CPPTYPE_UINT64: 64}
TEXTS = ["", "a", "é\U0001f642", 'quote " and \\ and /', "\u2028\u2029\u007f\u009b\b\f\n\r\t", "\x01\x1f", "null", "1", "{}",
         "x" * 60]
DOUBLES = [0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, -1.7976931348623157e308, 2.0**53, 2.0**63, 1e21, 1 / 3, math.inf, -math.inf,
           math.nan, 123456789.0]
# Not the largest: its shortest text is above it, and theirs refuses that.
FLOATS = [0.0, -0.0, 1.0, 0.1, 3.4028232635611926e38, 1.401298464324817e-45, -1.1754943508222875e-38, 16777216.0, math.inf, -math.inf,
          math.nan, 1 / 3]


def as_float(value):
    return struct.unpack("f", struct.pack("f", value))[0]


class Translate:
    """Our program, one question at a time."""

    def __init__(self, program, schema):
        self.process = subprocess.Popen([program, schema], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, direction, type_name, data):
        self.process.stdin.write(f"{direction} shapes.{type_name} {data.hex()}\n".encode())
        self.process.stdin.flush()
        verdict, _, answer = self.process.stdout.readline().decode().strip().partition(" ")
        assert verdict in ("ok", "no"), f"translate died on {direction} {type_name} {data!r}"
        return verdict == "ok", bytes.fromhex(answer)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


class Random:
    """Messages with values at the ends of their types."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.maps = True

    def integer(self, bits, signed):
        low = -(2 ** (bits - 1)) if signed else 0
        high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        return self.r.choice([low, low + 1, high, high - 1, 0, 1, 2**31, 2**53 + 1, self.r.randint(low, high)]) \
            if bits == 64 else self.r.choice([low, high, 0, 1, self.r.randint(low, high)])

    def scalar(self, field):
        kind = field.cpp_type
        if kind in SIGNED:
            return self.integer(SIGNED[kind], True)
        if kind in UNSIGNED:
            return self.integer(UNSIGNED[kind], False)
        if kind == F.CPPTYPE_DOUBLE:
            return self.r.choice(DOUBLES + [struct.unpack("d", self.r.randbytes(8))[0]])
        if kind == F.CPPTYPE_FLOAT:
            return self.r.choice(FLOATS + [struct.unpack("f", self.r.randbytes(4))[0]])
        if kind == F.CPPTYPE_BOOL:
            return self.r.random() < 0.5
        if kind == F.CPPTYPE_ENUM:
            return self.r.choice([v.number for v in field.enum_type.values] + [77, -78])
        if field.type == F.TYPE_BYTES:
            return self.r.randbytes(self.r.choice([0, 1, 2, 3, 4, 5, 50]))
        return self.r.choice(TEXTS)

    def fill(self, message, depth=0):
        for field in message.DESCRIPTOR.fields:
            chance = 0.25 if field.message_type and depth > 1 else 0.6
            if self.r.random() > chance or (depth > 2 and field.message_type and field.message_type.name == "Everything"):
                continue
            self.fill_field(message, field, depth)
        return message

    def fill_field(self, message, field, depth):
        name = field.name
        if field.message_type and field.message_type.GetOptions().map_entry:
            if not self.maps:
                return
            key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
            for _ in range(self.r.choice([0, 1, 3])):
                if value.message_type:
                    self.fill(getattr(message, name)[self.scalar(key)], depth + 1)
                else:
                    getattr(message, name)[self.scalar(key)] = self.scalar(value)
        elif field.label == F.LABEL_REPEATED:
            for _ in range(self.r.choice([0, 1, 2, 5])):
                if field.message_type:
                    self.fill(getattr(message, name).add(), depth + 1)
                else:
                    getattr(message, name).append(self.scalar(field))
        elif field.message_type:
            getattr(message, name).SetInParent()
            self.fill(getattr(message, name), depth + 1)
        else:
            setattr(message, name, self.scalar(field))


class Speller:
    """JSON of a message in any of the spellings that the mapping allows."""

    def __init__(self, r):
        self.r = r

    def blank(self):
        return self.r.choice(["", "", "", " ", "\n\t", "\r\n "])

    def text(self, text):
        out = ""
        for c in text:
            if self.r.random() < 0.2:
                units = c.encode("utf-16-be")
                out += "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
            else:
                out += json.dumps(c, ensure_ascii=self.r.random() < 0.5)[1:-1]
        return f'"{out}"'

    def integer(self, value):
        plain = str(value)
        forms = [plain, f'"{plain}"', plain]
        if abs(value) < 2**49:
            forms += [f"{plain}.0", f"{plain}.000", f"{plain}e0"]
        if value and value % 100 == 0 and abs(value) < 2**49:
            forms.append(f"{value // 100}E+2")
        return self.r.choice(forms)

    def real(self, value):
        if math.isnan(value):
            return '"NaN"'
        if math.isinf(value):
            return '"Infinity"' if value > 0 else '"-Infinity"'
        return self.r.choice([repr(value), f'"{value!r}"', f"{value:.17e}"])

    def scalar(self, field, value):
        kind = field.cpp_type
        if kind in SIGNED or kind in UNSIGNED:
            return self.integer(value)
        if kind in (F.CPPTYPE_DOUBLE, F.CPPTYPE_FLOAT):
            return self.real(value)
        if kind == F.CPPTYPE_BOOL:
            return "true" if value else "false"
        if kind == F.CPPTYPE_ENUM:
            names = [v.name for v in field.enum_type.values if v.number == value]
            return f'"{self.r.choice(names)}"' if names and self.r.random() < 0.7 else str(value)
        if field.type == F.TYPE_BYTES:
            encoded = self.r.choice([base64.b64encode, base64.urlsafe_b64encode])(value).decode()
            return f'"{encoded if self.r.random() < 0.5 else encoded.rstrip("=")}"'
        return self.text(value)

    def value(self, field, value):
        return self.message(value) if field.message_type else self.scalar(field, value)

    def field(self, field, value):
        if field.message_type and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            members = []
            for key in sorted(value):
                text = str(key).lower() if isinstance(key, bool) else str(key)
                members.append(f"{self.text(text)}:{self.value(inner, value[key])}")
            return "{" + ",".join(members) + "}"
        if field.label == F.LABEL_REPEATED:
            return "[" + f",{self.blank()}".join(self.value(field, v) for v in value) + "]"
        return self.value(field, value)

    def message(self, message):
        members = []
        present = message.ListFields()
        self.r.shuffle(present)
        for field, value in present:
            key = field.json_name if self.r.random() < 0.5 else field.name
            members.append(f"{self.text(key)}{self.blank()}:{self.blank()}{self.field(field, value)}")
        for field in message.DESCRIPTOR.fields:
            if self.r.random() < 0.05 and field not in [f for f, _ in present] and not field.containing_oneof:
                members.append(f"{json.dumps(field.json_name)}:null")
        return "{" + self.blank() + f"{self.blank()},{self.blank()}".join(members) + self.blank() + "}"


def same(a, b):
    """Of two messages; NaN is NaN."""
    return a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True) or \
        json_format.MessageToJson(a, sort_keys=True) == json_format.MessageToJson(b, sort_keys=True)


def same_tree(ours, theirs):
    """Of two JSON documents: the same keys everywhere, and numbers that are the same."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same_tree(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(same_tree(a, b) for a, b in zip(ours, theirs))
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return float(ours) == float(theirs) and math.copysign(1, ours) == math.copysign(1, theirs)
    return type(ours) is type(theirs) and ours == theirs


REPLACEMENTS = [None, True, False, 0, 1, -1, 1.5, 1e30, 2**31, 2**32, 2**63, 2**64, -(2**31) - 1, -(2**63) - 1, "", "x", "1", "-1",
                "1.5", "true", "AQI=", "AQI", "NaN", "RED", "CRIMSON", "red", [], {}, [1], ["a"], {"a": 1}, {"1": "x"}, [None], {"nope": 1}]

# What we refuse and they take, by our refusal: each is a choice of ours, or an oversight of the other library.
DISAGREED = {
    r"expected an integer of -2147483648 to 2147483647, got [^\"]": "an enum's number beyond 32 bits, or a fraction: theirs cuts it",
    r"expected a name of shapes.Color, got (true|false|\"-?1\")": "theirs takes any spelling of Python's int() for an enum",
    r"expected an object, got a (string|list)$": "theirs takes an empty string or list for an empty message",
    r"expected a number, got (true|false)$": "theirs takes true for 1.0",
    r"expected bytes in base64, got another string": "theirs takes bits behind the end of the last byte",
}


class Comparison:
    def __init__(self, translate, classes, seed):
        self.translate, self.classes = translate, classes
        self.random = Random(seed)
        self.speller = Speller(self.random.r)
        self.failed = 0
        self.counts = {"there": 0, "back": 0, "agreed": 0, "refused": 0, "disagreed": 0}

    def fail(self, what, *details):
        self.failed += 1
        if self.failed < 6:
            print("FAILED:", what, *[str(d)[:600] for d in details], sep="\n  ")

    def there(self, name, message):
        """Bytes to JSON: the same document as theirs, and one that they read back."""
        ok, ours = self.translate.ask("json", name, message.SerializeToString())
        if not ok:
            return self.fail("bytes were refused", name, ours)
        theirs = json_format.MessageToJson(message, including_default_value_fields=True)
        if not same_tree(json.loads(ours), json.loads(theirs)):
            self.fail("another document", name, ours.decode(), theirs)
        if not same(json_format.Parse(ours, self.classes[name]()), message):
            self.fail("they read another message", name, ours.decode())
        self.counts["there"] += 1

    def back(self, name, message, text):
        """JSON in some spelling to bytes: that message."""
        expected = json_format.Parse(text, self.classes[name]())
        if not same(expected, message):
            return self.fail("the test spells another message", name, text)
        ok, wire = self.translate.ask("wire", name, text.encode("utf-8", "surrogatepass"))
        if not ok:
            return self.fail("a message was refused", name, wire.decode(), text)
        if not same(self.classes[name].FromString(wire), message):
            self.fail("another message", name, text, wire.hex())
        self.counts["back"] += 1

    def spots(self, tree, path=()):
        yield path
        for key, value in (tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()):
            yield from self.spots(value, path + (key,))

    def mutate(self, name, message):
        """One value becomes another one: the same verdict, and the same message."""
        tree = json.loads(json_format.MessageToJson(message, sort_keys=True))
        path = self.random.r.choice(list(self.spots(tree)))
        holder, value = [tree], self.random.r.choice(REPLACEMENTS)
        at = holder
        for key in (0,) + path[:-1]:
            at = at[key]
        if path:
            at[path[-1]] = value
        else:
            holder[0] = value
        text = json.dumps(holder[0])
        try:
            theirs = json_format.Parse(text, self.classes[name]())
        except (json_format.ParseError, ValueError, AttributeError, TypeError):
            theirs = None
        ok, answer = self.translate.ask("wire", name, text.encode())
        if ok and theirs is None:
            self.fail("they refuse it", name, text)
        elif ok and not same(self.classes[name].FromString(answer), theirs):
            self.fail("they make another message of it", name, text, answer.hex())
        elif not ok and theirs is not None:
            reason = answer.decode()
            if not any(re.search(known, reason) for known in DISAGREED):
                self.fail("we refuse it", name, reason, text)
            self.counts["disagreed"] += 1
        else:
            self.counts["agreed" if ok else "refused"] += 1

    def garble(self, name, message):
        """Characters are lost, doubled or exchanged: whatever we take, they take for the same. No new points and
        exponents: theirs makes a double of 9007199254740993.0, and takes "1e3" for no integer."""
        text = list(self.speller.message(message))
        for _ in range(self.random.r.choice([1, 1, 2])):
            at = self.random.r.randrange(len(text))
            text[at] = self.random.r.choice(["", text[at] * 2, self.random.r.choice('{}[]:,"\\019- ntfua')])
        text = "".join(text)
        ok, answer = self.translate.ask("wire", name, text.encode("utf-8", "surrogatepass"))
        if not ok:
            return
        try:
            theirs = json_format.Parse(text, self.classes[name]())
        except (json_format.ParseError, ValueError) as error:
            return self.fail("they refuse garbled JSON", name, text, error)
        if not same(self.classes[name].FromString(answer), theirs):
            self.fail("they make another message of garbled JSON", name, text)
        self.counts["agreed"] += 1

    def round(self, i):
        name = TYPES[i % len(TYPES)]
        message = self.random.fill(self.classes[name]())
        self.there(name, message)
        self.back(name, message, json_format.MessageToJson(message))
        self.back(name, message, json_format.MessageToJson(message, preserving_proto_field_name=True, use_integers_for_enums=True))
        self.back(name, message, self.speller.message(message))
        # Two of them, one behind the other, are one message. Without maps: theirs complains of keys that come twice.
        self.random.maps = False
        half = self.random.fill(self.classes[name]())
        self.random.maps = True
        both = self.classes[name].FromString(half.SerializeToString() + message.SerializeToString())
        ok, ours = self.translate.ask("json", name, half.SerializeToString() + message.SerializeToString())
        if not ok or not same(json_format.Parse(ours, self.classes[name]()), both):
            self.fail("two messages in one", name, ours.decode())
        for _ in range(4):
            self.mutate(name, message)
            self.garble(name, message)


def main():
    program, schema = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 300
    pool = descriptor_pool.DescriptorPool()
    with open(schema, "rb") as file:
        for proto in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
            pool.Add(proto)
    factory = message_factory.MessageFactory(pool)
    classes = {name: factory.GetPrototype(pool.FindMessageTypeByName(f"shapes.{name}")) for name in TYPES}
    translate = Translate(program, schema)
    comparison = Comparison(translate, classes, seed)
    for i in range(rounds):
        comparison.round(i)
    translate.end()
    print(f"seed {seed}:", ", ".join(f"{n} {what}" for what, n in comparison.counts.items()), f"{comparison.failed} failed", sep=" ")
    # A comparison that compared nothing is none.
    assert all(n > 0 for n in comparison.counts.values()), "a part of the comparison never ran"
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads protobuf without a schema: fields by their numbers. Knows no message; what is no protobuf raises."""

import struct

VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5


def varint(data, at):
    """A number, and where it ends."""
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return number, at


def fields(data):
    """Pairs of a field's number and its value: an int, a float, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind == LENGTH:
            length, at = varint(data, at)
            value, at = take(data, at, length)
        elif kind in (FIXED_64, FIXED_32):
            value, at = take(data, at, 8 if kind == FIXED_64 else 4)
            value = struct.unpack("<d" if kind == FIXED_64 else "<f", value)[0]
        else:
            raise ValueError(f"wire type {kind}")
        yield key >> 3, value


def take(data, at, length):
    if at + length > len(data):
        raise ValueError(f"{length} bytes at {at}, of {len(data)}")
    return data[at : at + length], at + length


def at(data, path):
    """The values at the end of a path of field numbers."""
    found = [data]
    for number in path:
        found = [value for message in found for field, value in fields(message) if field == number]
    return found


def delimited(data):
    """Messages that each stand behind their length."""
    at = 0
    while at < len(data):
        length, at = varint(data, at)
        message, at = take(data, at, length)
        yield message


def zigzag(number):
    return (number >> 1) ^ -(number & 1)


def packed(data):
    """A packed list of signed numbers."""
    at = 0
    while at < len(data):
        number, at = varint(data, at)
        yield zigzag(number)

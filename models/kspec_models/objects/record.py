"""Records: frozen values that read and write the Kubernetes JSON of one type.

Follows the conventions of k8s.io/api: a camelCase field of Go becomes snake_case here and nothing
else changes. What a record does not model is kept in `extra`, so that an object survives a round
trip unchanged. Zero values are left out of the JSON, as `omitempty` does.

Times are whole virtual seconds; virtual second 0 is EPOCH. Quantities stay the text that was
given; `kspec_models.quantity` reads them.
"""

from __future__ import annotations

import datetime
import functools
import operator
import types
import typing
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import compress, repeat
from typing import Any, NewType, Self, TypeVar

import attrs

from kspec.errors import InputError
from kspec.values import MASK, combined, fingerprint, fingerprint_of_map

EPOCH = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
Time = NewType("Time", int)
QuantityText = NewType("QuantityText", str)
IntOrString = int | str

V = TypeVar("V")


class FrozenMap(Mapping[str, V]):
    """An immutable mapping from text, in the order it was written; equal whatever the order."""

    __slots__ = ("_fingerprint", "_items")

    def __init__(self, items: Mapping[str, V] | None = None) -> None:
        self._items: dict[str, V] = dict(items or {})
        self._fingerprint: int | None = None

    def __getitem__(self, key: str) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def get(self, key: str, default: Any = None) -> Any:
        return self._items.get(key, default)

    def set(self, key: str, value: V) -> FrozenMap[V]:
        """This map with `key` at `value`."""
        return FrozenMap({**self._items, key: value})

    def without(self, key: str) -> FrozenMap[V]:
        """This map without `key`."""
        return FrozenMap({k: v for k, v in self._items.items() if k != key})

    @property
    def fingerprint(self) -> int:
        if self._fingerprint is None:
            self._fingerprint = fingerprint_of_map(self._items)
        return self._fingerprint

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenMap):
            return self is other or self.fingerprint == other.fingerprint
        return isinstance(other, Mapping) and self == FrozenMap(other)

    def __hash__(self) -> int:
        found = self._fingerprint
        return found if found is not None else self.fingerprint

    def __repr__(self) -> str:
        return repr(self._items)


EMPTY: FrozenMap[Any] = FrozenMap()
Labels = FrozenMap[str]
Resources = FrozenMap[QuantityText]


def freeze(value: Any) -> Any:
    """A JSON value as an immutable one: maps become FrozenMap, lists become tuples."""
    if isinstance(value, Mapping):
        return FrozenMap({str(k): freeze(v) for k, v in value.items()}) if value else EMPTY
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, datetime.datetime):
        return encode_time(_seconds(value))
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def thaw(value: Any) -> Any:
    """The plain JSON value (dict, list) of a frozen one."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {k: thaw(v) for k, v in value.items()}
    return [thaw(item) for item in value] if isinstance(value, tuple) else value


def _seconds(moment: datetime.datetime) -> Time:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return Time(int((aware - EPOCH).total_seconds()))


@functools.lru_cache(maxsize=4_096)
def encode_time(seconds: int) -> str:
    """RFC 3339 text of a virtual time in seconds."""
    return (EPOCH + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Record:
    """Mixin of every API type: JSON codec, stable fingerprint, equality by fingerprint."""

    __slots__ = ("_fingerprint",)

    _fingerprint: int

    @property
    def fingerprint(self) -> int:
        """A sum over the fields, each with a weight of its own, so that `replace` can follow it."""
        try:
            return self._fingerprint
        except AttributeError:
            layout = _LAYOUTS.get(type(self)) or _layout_of(type(self))
            found, values = layout.whole, layout.values(self)
            is_set = map(operator.is_not, values, layout.defaults)
            for value, (weight, part) in compress(zip(values, layout.parts, strict=True), is_set):
                found += weight * (combined(value) - part)
            _set_fingerprint(self, found & MASK)
            return self._fingerprint

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        try:
            return self._fingerprint == other._fingerprint
        except AttributeError:
            return bool(self.fingerprint == other.fingerprint)

    def __hash__(self) -> int:
        try:
            return self._fingerprint
        except AttributeError:
            return self.fingerprint

    def replace(self, **changes: Any) -> Self:
        """This record with some fields changed."""
        cls = type(self)
        new = object.__new__(cls)
        layout = _LAYOUTS.get(cls) or _layout_of(cls)
        deque(map(operator.call, layout.setters, repeat(new), layout.values(self)), 0)
        found, fields = self.fingerprint, layout.fields
        for name, value in changes.items():
            if name not in fields:
                raise TypeError(f"{cls.__name__} has no field {name!r}")
            old = getattr(self, name)
            if value is not old:
                weight, put = fields[name]
                put(new, value)
                found += weight * (combined(value) - combined(old))
        _set_fingerprint(new, found & MASK)
        return new

    @classmethod
    def from_json(cls, data: Any, path: str = "") -> Self:
        """Read Kubernetes JSON; raises InputError with the path of the first unfit field."""
        if data is None:
            data = {}
        if not isinstance(data, Mapping):
            raise InputError(f"got {_short(data)}", where=path or cls.__name__, expected="a map")
        values: dict[str, Any] = {}
        fields = fields_of(cls)
        rest = {k: v for k, v in data.items() if k not in _json_names(cls)}
        for name, field in fields.items():
            if field.json in data and name != "extra":
                value = data[field.json]
                if value is not None:
                    values[name] = field.decode(
                        value, f"{path}.{field.json}" if path else field.json
                    )
        if rest:
            values["extra"] = freeze(rest)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Kubernetes JSON with zero values left out."""
        out: dict[str, Any] = {}
        for name, field in fields_of(type(self)).items():
            value = getattr(self, name)
            if name != "extra" and value != field.default:
                out[field.json] = field.encode(value)
        return {**out, **thaw(getattr(self, "extra", EMPTY))}


@attrs.frozen
class Field:
    """How one field of a record is read and written."""

    json: str
    default: Any
    decode: Callable[[Any, str], Any]
    encode: Callable[[Any], Any]


@typing.dataclass_transform(
    kw_only_default=True, frozen_default=True, eq_default=False, field_specifiers=(attrs.field,)
)
def api_type(cls: type[V]) -> type[V]:
    """Class decorator: slotted, frozen, keyword arguments only, with Record's equality."""
    return attrs.frozen(eq=False, kw_only=True, slots=True)(cls)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _scalar(kind: type, expected: str) -> Callable[[Any, str], Any]:
    def decode(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise InputError(f"got {_short(value)}", where=path, expected=expected)
        return value

    return decode


def _decode_int(value: Any, path: str) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise InputError(f"got {_short(value)}", where=path, expected="a whole number")
    return value


def _decode_int32(value: Any, path: str) -> int:
    found = _decode_int(value, path)
    if not _is_int32(found):
        raise InputError(f"got {found}", where=path, expected="a whole number of 32 bits")
    return found


def _is_int32(value: int) -> bool:
    return -(2**31) <= value < 2**31


def _decode_time(value: Any, path: str) -> Time | None:
    if isinstance(value, datetime.datetime):
        return _seconds(value)
    try:
        moment = datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        seconds = None if moment.year == 1 else _seconds(moment)
        encode_time(seconds or 0)
    except (ValueError, OverflowError):
        raise InputError(f"got {_short(value)}", where=path, expected="an RFC 3339 time") from None
    return seconds


def _freeze_present(value: Any, path: str) -> Any:
    """Frozen JSON in which a null counts as absent, as Go's decoder reads a null of a field."""
    return freeze(_present(value))


def _present(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _present(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [{} if item is None else _present(item) for item in value]
    return value


def _decode_quantity(value: Any, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InputError(f"got {_short(value)}", where=path, expected="a quantity such as 100m")
    return str(value)


def _decode_int_or_string(value: Any, path: str) -> int | str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InputError(f"got {_short(value)}", where=path, expected="a whole number or text")
    return value if isinstance(value, str) else _decode_int32(value, path)


_same: Callable[[Any], Any] = lambda value: value  # noqa: E731 - the identity has no better name


def _map_codec(item: Any) -> tuple[Callable[[Any, str], Any], Callable[[Any], Any]]:
    decode_item, encode_item = _codec(item)

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, Mapping):
            raise InputError(f"got {_short(value)}", where=path, expected="a map")
        return FrozenMap(
            {
                str(k): "" if v is None and item is str else decode_item(v, f"{path}.{k}")
                for k, v in value.items()
            }
        )

    return decode, lambda value: {k: encode_item(v) for k, v in value.items()}


def _tuple_codec(item: Any) -> tuple[Callable[[Any, str], Any], Callable[[Any], Any]]:
    decode_item, encode_item = _codec(item)

    def decode(value: Any, path: str) -> Any:
        if not isinstance(value, list | tuple):
            raise InputError(f"got {_short(value)}", where=path, expected="a list")
        return tuple(decode_item(v, f"{path}[{i}]") for i, v in enumerate(value))

    return decode, lambda value: [encode_item(v) for v in value]


_SCALARS: dict[Any, tuple[Callable[[Any, str], Any], Callable[[Any], Any]]] = {
    str: (_scalar(str, "text"), _same),
    int: (_decode_int, _same),
    bool: (_scalar(bool, "true or false"), _same),
    Time: (_decode_time, encode_time),
    QuantityText: (_decode_quantity, _same),
    IntOrString: (_decode_int_or_string, _same),
    Any: (_freeze_present, thaw),
}


def _codec(hint: Any) -> tuple[Callable[[Any, str], Any], Callable[[Any], Any]]:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if {int, str} <= set(typing.get_args(hint)):
        return _SCALARS[IntOrString]
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return _codec(next(h for h in typing.get_args(hint) if h is not types.NoneType))
    if typing.get_origin(hint) is FrozenMap:
        return _map_codec(typing.get_args(hint)[0])
    if typing.get_origin(hint) is tuple:
        return _tuple_codec(typing.get_args(hint)[0])
    return hint.from_json, lambda value: value.to_json()


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    joined = head + "".join(part.capitalize() for part in rest)
    for plain, proper in (("Ip", "IP"), ("Id", "ID")):
        if joined.endswith(plain):
            joined = joined[: -len(plain)] + proper
    return joined.replace("Ips", "IPs").replace("Cidr", "CIDR")


_INT64 = (
    *("generation", "observed_generation", "revision", "deletion_grace_period_seconds"),
    *("toleration_seconds", "termination_grace_period_seconds", "active_deadline_seconds"),
    "starting_deadline_seconds",
)
"""The numbers of 64 bits; all others that k8s.io/api has in what is modelled are of 32."""
_FIELDS: dict[type, dict[str, Field]] = {}
_JSON_NAMES: dict[type, frozenset[str]] = {}


def fields_of(cls: type) -> dict[str, Field]:
    """The fields of a record by their Python name, resolved once per class."""
    found = _FIELDS.get(cls)
    if found is None:
        hints = typing.get_type_hints(cls)
        found = {}
        for attribute in attrs.fields(cls):
            decode, encode = _codec(hints[attribute.name])
            if decode is _decode_int and attribute.name not in _INT64:
                decode = _decode_int32
            default = attribute.default
            if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
                default = default.factory()
            json_name = attribute.metadata.get("json", _camel(attribute.name))
            found[attribute.name] = Field(json_name, default, decode, encode)
        _FIELDS[cls] = found
        _JSON_NAMES[cls] = frozenset(f.json for n, f in found.items() if n != "extra")
    return found


def _json_names(cls: type) -> frozenset[str]:
    fields_of(cls)
    return _JSON_NAMES[cls]


Setter = Callable[[Any, Any], None]
_set_fingerprint: Setter = vars(Record)["_fingerprint"].__set__
"""The slot's own setter, which a frozen class does not block."""


class _Layout(typing.NamedTuple):
    """What a class of records does with its fields.

    setters: of each field its slot's own, which a frozen class does not block. values: the fields
    of a record in the same order. fields: the weight and the setter of each. defaults: of each
    field. parts: the weight of each field and the fingerprint of its default. whole: the
    fingerprint where every field has its default.
    """

    setters: tuple[Setter, ...]
    values: Callable[[Any], tuple[Any, ...]]
    fields: dict[str, tuple[int, Setter]]
    defaults: tuple[Any, ...]
    parts: tuple[tuple[int, int], ...]
    whole: int


_LAYOUTS: dict[type, _Layout] = {}


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _layout_of(cls: type) -> _Layout:
    fields = fields_of(cls)
    weights = {name: fingerprint((cls.__name__, name)) | 1 for name in fields}
    defaults = tuple(field.default for field in fields.values())
    parts = [(weights[name], combined(field.default)) for name, field in fields.items()]
    setters: dict[str, Setter] = {name: getattr(cls, name).__set__ for name in fields}
    layout = _Layout(
        tuple(setters.values()),
        _getter(tuple(fields)),
        {name: (weights[name], put) for name, put in setters.items()},
        defaults,
        tuple(parts),
        fingerprint(cls.__name__) + sum(weight * part for weight, part in parts),
    )
    _LAYOUTS[cls] = layout
    return layout


def canonical(record: Record) -> int:
    """The fingerprint of a record's canonical encoding, from scratch.

    For what people see, such as names made of a hash: it does not change where the way in which
    `fingerprint` is put together does.
    """
    parts: list[Any] = [type(record).__name__]
    for name, field in fields_of(type(record)).items():
        value = getattr(record, name)
        if value != field.default:
            parts += (name, _Encoded.of(value))
    return fingerprint(tuple(parts))


class _Encoded(typing.NamedTuple):
    """Stands for a record in an encoding."""

    fingerprint: int

    @classmethod
    def of(cls, value: Any) -> Any:
        if isinstance(value, Record):
            return cls(canonical(value))
        return tuple(cls.of(item) for item in value) if isinstance(value, tuple) else value

"""Test when files are written, the effects of a failed write, and reading JSON."""

import asyncio
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import EnumType
from types import UnionType
from typing import Any, cast, get_args, get_type_hints
from unittest.mock import patch

from hypothesis import given, strategies as st
import pytest

from custom_components.equiwatt.equivents.attendance import Attendance
from custom_components.equiwatt.equivents.model import Equivent, Kind
from custom_components.equiwatt.equivents.planned import Plans
from custom_components.equiwatt.equivents.snapshot import Snapshot
from custom_components.equiwatt.holding.store import HeldDevice
from custom_components.equiwatt.metering.results import FinishedResult
from custom_components.equiwatt.storage import DAMAGED, SAVE_DELAY, StorageFile, from_json
from custom_components.equiwatt.store import WebhookFacts
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.util.file import WriteError

from .fakes.disk import full_disk, to_json
from .fakes.home import NOW, Home

KEY = "equiwatt.one"


@pytest.fixture
def data() -> dict[str, Any]:
    """Return the data of a file."""
    return {"number": 1}


@pytest.fixture
def file(hass: HomeAssistant, data: dict[str, Any]) -> StorageFile:
    """Return a file."""
    return StorageFile(hass, "one", lambda: data)


async def test_format(hass: HomeAssistant, file: StorageFile, hass_storage: Any) -> None:
    """A file has the format of Home Assistant's own, and can be read."""
    assert await file.async_load() is None
    await file.async_write()
    expected = {"version": 1, "minor_version": 1, "key": KEY, "data": {"number": 1}}
    assert hass_storage[KEY] == expected
    assert await file.async_load() == {"number": 1}
    await file.async_write(lambda: {"number": 2})
    assert hass_storage[KEY]["data"] == {"number": 2}


@pytest.mark.parametrize("content", [[], {"version": 1}, {"version": 0, "data": {}}])
async def test_another_shape(file: StorageFile, hass_storage: Any, content: Any) -> None:
    """A file of another shape cannot be read, and is left as it is."""
    hass_storage[KEY] = content
    with pytest.raises(OSError, match=r"Cannot read equiwatt\.one"):
        await file.async_load()
    assert hass_storage == {KEY: content}


async def test_soon(home: Home, file: StorageFile, data: dict[str, Any], hass_storage: Any) -> None:
    """Changes are written together after the shortest of their delays, which none postpones."""
    file.async_write_soon()
    await home.pass_time(SAVE_DELAY - 1, step=1)
    file.async_write_soon()
    assert KEY not in hass_storage
    data["number"] = 2
    await home.pass_time(2, step=1)
    assert hass_storage.pop(KEY)["data"] == {"number": 2}
    file.async_write_soon()
    file.async_write_soon(1)
    await home.pass_time(2, step=1)
    assert hass_storage.pop(KEY)
    await home.pass_time(2 * SAVE_DELAY)
    assert KEY not in hass_storage


async def test_final_write(hass: HomeAssistant, file: StorageFile, hass_storage: Any) -> None:
    """Pending data is written once when Home Assistant stops."""
    file.async_write_soon()
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert hass_storage.pop(KEY)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert KEY not in hass_storage


async def test_full_disk(home: Home, file: StorageFile, hass_storage: Any) -> None:
    """A failed write raises, and is repeated."""
    with full_disk():
        with pytest.raises(WriteError):
            await file.async_write()
        await home.pass_time(SAVE_DELAY + 1)
    assert KEY not in hass_storage
    await home.pass_time(SAVE_DELAY + 1)
    assert hass_storage[KEY]


async def test_flush(hass: HomeAssistant, file: StorageFile, hass_storage: Any) -> None:
    """Pending changes are written once, however many callers wait for them."""
    await file.async_flush()
    assert KEY not in hass_storage
    file.async_write_soon()
    with patch.object(file, "_data", wraps=lambda: {"number": 1}) as written:
        await asyncio.gather(*(file.async_flush() for _ in range(3)))
    assert hass_storage[KEY]
    assert written.call_count == 1
    with full_disk():
        file.async_write_soon()
        await file.async_flush()
    assert file.is_pending


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelled(
    hass: HomeAssistant, file: StorageFile, data: dict[str, Any], hass_storage: Any, fails: bool
) -> None:
    """A write whose caller is cancelled is finished before the next one, or repeated."""
    may_write, save, attempts = asyncio.Event(), file._async_save, list[int]()

    async def save_late(content: dict[str, Any]) -> None:
        """Write once the disk is ready."""
        number = content["number"]
        await may_write.wait()
        attempts.append(number)
        if fails:
            raise OSError
        await save(content)

    with patch.object(file, "_async_save", save_late):
        write = hass.async_create_task(file.async_write())
        write.cancel()
        await asyncio.sleep(0)
        data["number"] = 2
        later = hass.async_create_task(file.async_try())
        may_write.set()
        with pytest.raises(asyncio.CancelledError):
            await write
        await later
    assert attempts == [1, 2]
    assert file.is_pending is fails
    await file.async_close()
    assert hass_storage[KEY]["data"] == {"number": 2}


async def test_next_write(
    hass: HomeAssistant, file: StorageFile, data: dict[str, Any], hass_storage: Any
) -> None:
    """The caller of a write continues before the data of the next one is collected."""

    async def write() -> None:
        """Write the data and change it, as a hold adds its devices once they are written."""
        await file.async_write()
        data["number"] = 2

    await asyncio.gather(write(), file.async_write())
    assert hass_storage[KEY]["data"] == {"number": 2}


async def test_closed(hass: HomeAssistant, file: StorageFile, hass_storage: Any) -> None:
    """Closing a file writes pending data, and nothing is written after that."""
    file.async_write_soon()
    await file.async_close()
    assert hass_storage.pop(KEY)
    file.async_write_soon()
    await file.async_write()
    assert not file.is_pending
    assert KEY not in hass_storage


async def test_closed_with_full_disk(home: Home, file: StorageFile, hass_storage: Any) -> None:
    """Unwritten data is passed to the next file of the same key, unless that is deleted."""
    for deleted in (True, False):
        with full_disk():
            file = StorageFile(home.hass, "one", lambda: {"number": 1})
            file.async_write_soon()
            await file.async_close()
        other = StorageFile(home.hass, "one", lambda: {"number": 1})
        if deleted:
            await other.async_remove()
        assert await other.async_load() == (None if deleted else {"number": 1})
    await home.pass_time(SAVE_DELAY + 1)
    assert hass_storage[KEY]["data"] == {"number": 1}


@pytest.mark.parametrize(
    ("kind", "stored", "read"),
    [
        (float, 2, 2.0),
        (float, 0.5, 0.5),
        (int | None, None, None),
        (Any, ["x"], ["x"]),
        (Mapping[str, float], {"2026-11-23": 1}, {"2026-11-23": 1}),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "x"], (1, "x")),
        (Kind, "power_up", Kind.POWER_UP),
        (Equivent, {"start": "2026-11-20T18:20:00+01:00", "end": None}, Equivent(NOW)),
    ],
)
def test_from_json(kind: Any, stored: Any, read: Any) -> None:
    """A value is read by its type."""
    assert from_json(kind, stored) == read


TEXTS = st.text('a \n\0"\\\u00e9\U0001f600', max_size=5)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-11, minutes=-30))])
DRAWN = {
    datetime: st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 31), timezones=ZONES),  # noqa: DTZ001
    float: NUMBERS,
    int: INTEGERS,
    str: TEXTS,
    Mapping[str, Any]: st.dictionaries(TEXTS, VALUES, max_size=2),
    Mapping[str, float]: st.dictionaries(TEXTS, NUMBERS, max_size=2),
}
"""Values of the types that are stored."""


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a type that is stored."""
    kinds = get_args(kind)
    if kind in DRAWN or isinstance(kind, EnumType):
        return DRAWN[kind] if kind in DRAWN else st.sampled_from(kind)
    if is_dataclass(kind):
        types = get_type_hints(kind).items()
        return st.builds(cast("Any", kind), **{name: values_of(each) for name, each in types})
    if isinstance(kind, UnionType):
        return st.none() | values_of(kinds[0])
    if kinds[1:] == (...,):
        return st.lists(values_of(kinds[0]), max_size=2).map(tuple)
    return st.tuples(*map(values_of, kinds)) if kinds else st.booleans()


@pytest.mark.parametrize(
    "kind", [Snapshot, WebhookFacts, Attendance, Plans, FinishedResult, HeldDevice]
)
def test_any_value(kind: Any) -> None:
    """A value is read as it was written, whatever its fields are."""

    @given(values_of(kind))
    def check(value: Any) -> None:
        """Write and read a value."""
        assert from_json(kind, to_json(value)) == value

    check()


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (float, "2"),
        (str, 2),
        (str, None),
        (Mapping[str, float], {"Monday": None}),
        (Mapping[str, float], [1]),
        (tuple[int, ...], {}),
        (tuple[int, ...], "12"),
        (tuple[int, str], [1]),
        (Kind, "sideways"),
        (datetime, "2026-11-20T17:20:00"),
        (datetime, "1969-12-31T23:59:59+00:00"),
        (datetime, "2100-01-01T00:00:00-00:01"),
        (datetime, 5),
        (Equivent, {"start": "2026-11-20T17:20:00+00:00"}),
        (Equivent, 5),
    ],
)
def test_damaged_json(kind: Any, stored: Any) -> None:
    """A value of another type cannot be read."""
    with pytest.raises(DAMAGED):
        from_json(kind, stored)

"""Times of exports: forms that can serve, offsets, zones, and the hours when clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.times import DEFAULT_FORM, form_problem, instant, parsed, zone_problem

ALMOST = st.from_regex(
    r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2} [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}[Z ]?", fullmatch=True
)
PLAIN = "%Y-%m-%d %H:%M:%S"
TEN = datetime(2026, 5, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "form",
    [
        PLAIN,
        "%Y/%m/%d %H:%M",
        "%Y-%m-%dT%H:%M:%S%z",
        "%d.%m.%y %H:%M:%S",
        "%I:%M %p %d %b %Y",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y-%j %H:%M",
    ],
)
def test_a_form_that_tells_a_time_can_serve(form: str) -> None:
    assert form_problem(form) == ""


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("YYYY/MM/DD HH24:MI:SS", "does not tell the year"),
        ("%Y/%m/%d", "does not tell the hour"),
        ("%m-%d %H:%M", "does not tell the year"),
        ("%Y-%d %H:%M:%S", "does not tell the month"),
        ("%Y-%m %H:%M:%S", "does not tell the day"),
        ("%Y-%m-%d %I:%M", "does not tell the hour"),
        ("%Y-%m-%d %H", "does not tell the minute"),
        ("", "does not tell the year"),
        ("%Y %Y", "is no form of dates"),
        ("%s %Y", "is no form of dates"),
        ("%Y%", "is no form of dates"),
        ("%Y-%m-%d %H:%M %Z", "write %z"),
        ("%c", "depends on the machine"),
        ("%Y/%M/%d %H:%m:%S", "%m is the month, and %M is the minute"),
        ("%M %Y-%m-%d %I %p", "tells the minute before the hour"),
    ],
)
def test_a_form_that_cannot_tell_a_time_is_refused(form: str, said: str) -> None:
    assert said in form_problem(form)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-05-04 10:00:00", PLAIN),
        ("2026-05-04 10:00:00Z", PLAIN),
        ("2026-05-04 10:00:00 UTC", PLAIN),
        ("2026-05-04 10:00:00.123Z", PLAIN),
        ("2026-05-04 10:00:00,1234567", PLAIN),
        ("2026-05-04 12:00:00+02:00", PLAIN),
        ("2026-05-04 12:00:00 +0200", PLAIN),
        ("2026-05-04 12:00:00+02", PLAIN),
        ("2026-05-04 04:30:00-05:30", PLAIN),
        ("2026-05-04 12:00:00+02:00", PLAIN + "%z"),
        ("2026-05-04 12:00:00.5+02", PLAIN + "%z"),
        ("2026-05-04 10:00:00.1234567", PLAIN + ".%f"),
        ("2026-05-04 12:00:00+02:00", PLAIN + "+02:00"),
        ("2026-05-04 05:00:00-0500", PLAIN + "-0500"),
        ("2026-05-04 10:00:00Z", PLAIN + "Z"),
        ("2026-05-04 10:00:00 UTC", PLAIN + " UTC"),
        ("04.05.2026 10:00 AM gmt", "%d.%m.%Y %I:%M %p GMT"),
    ],
)
def test_offsets_and_fractions_are_read(text: str, form: str) -> None:
    assert instant(text, form).replace(microsecond=0) == TEN


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-05-04 10:00:00Z", PLAIN + "Z"),
        ("2026-05-04 10:00:00 UTC", PLAIN + " UTC"),
        ("2026-05-04 12:00:00+02:00", PLAIN + "+02:00"),
        ("2026-05-04 12:00:00+02:00", PLAIN + "%z"),
        ("2026-05-04 10:00:00Z", PLAIN),
    ],
)
def test_an_offset_goes_before_the_zone_wherever_it_is_named(text: str, form: str) -> None:
    assert instant(text, form, "America/New_York") == TEN
    with pytest.raises(ValueError, match=r".*"):
        instant(text.replace("2026", "May"), form, "America/New_York")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-05-04",
        "2026-05-04 10:00",
        "2026-05-04 10:00:00+2",
        "2026-05-04 25:00:00",
    ],
)
def test_what_has_another_form_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        instant(text, PLAIN)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-01-31 10:00:00", "Europe/Berlin", "2026-01-31T09:00:00"),
        ("2026-07-31 10:00:00", "Europe/Berlin", "2026-07-31T08:00:00"),
        ("2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25T00:30:00"),  # comes twice: the first
        ("2026-10-25 03:00:00", "Europe/Berlin", "2026-10-25T02:00:00"),
        (
            "2026-03-29 02:30:00",
            "Europe/Berlin",
            "2026-03-29T00:30:00",
        ),  # never comes: the earlier reading
        ("2026-05-04 10:00:00", "Asia/Kolkata", "2026-05-04T04:30:00"),
        ("2026-10-04 02:15:00", "Australia/Lord_Howe", "2026-10-03T15:15:00"),
        ("2026-05-04 10:00:00-04:00", "Europe/Berlin", "2026-05-04T14:00:00"),
    ],
)
def test_local_times_are_those_of_the_zone(text: str, zone: str, expected: str) -> None:
    assert instant(text, PLAIN, zone) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_time_outside_of_the_calendar_is_no_time() -> None:
    with pytest.raises(ValueError, match="first year"):
        instant("0001-01-01 00:00:00", PLAIN, "Asia/Tokyo")


@given(
    st.integers(0, 2_800_000_000),
    st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Tokyo"]),
)
def test_what_a_zones_clocks_show_is_read_back(seconds: int, zone: str) -> None:
    """Up to the hour that comes twice, where the first is taken."""
    utc = datetime.fromtimestamp(seconds, UTC)
    local = utc.astimezone(ZoneInfo(zone))
    read = instant(local.strftime(PLAIN), PLAIN, zone)
    assert read == utc or (local.fold == 1 and timedelta(0) < utc - read <= timedelta(hours=2))
    assert instant(local.strftime(PLAIN + "%z"), PLAIN, "Asia/Kolkata") == utc


@pytest.mark.parametrize(
    "name",
    ["", "CEST", "Berlin", "europe/berlin", "../etc/passwd", "Europe", "localtime", "+02:00"],
)
def test_a_zone_that_is_not_known_everywhere_is_refused(name: str) -> None:
    assert "Europe/Berlin" in zone_problem(name)


def test_zones_are_known_without_the_machines_own_list() -> None:
    """Azure's images and Windows have none: the package has."""
    import tzdata

    assert tzdata.IANA_VERSION
    assert zone_problem("Europe/Berlin") == zone_problem("UTC") == ""


WRITTEN = (
    st.datetimes().filter(lambda at: at.year >= 1000).map(lambda at: at.strftime(DEFAULT_FORM))
)


@given(WRITTEN | ALMOST)
def test_the_default_form_is_read_as_by_strptime(text: str) -> None:
    try:
        expected = datetime.strptime(text.removesuffix("Z"), DEFAULT_FORM)  # noqa: DTZ007
    except ValueError:
        with pytest.raises(ValueError):
            parsed(text, DEFAULT_FORM)
    else:
        assert parsed(text, DEFAULT_FORM).replace(tzinfo=None) == expected

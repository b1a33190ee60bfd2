"""Tariffs: flat, by the clock, by a price list; and the bill, against what it must be by hand and by the ledger."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nullwatt.home import (
    Bill,
    ConfigError,
    House,
    HouseConfig,
    Ledger,
    LoadConfig,
    LoadEvent,
    SunConfig,
    TariffSection,
    WallClock,
    parse_house,
    read_prices,
)
from nullwatt.lab import Site

BATTERY = {"mac": "02B250000001", "phase": "A"}
KWH = 3.6e6
QUIET = HouseConfig(base_load_w=(1000.0,), noise_w=0.0, sun=SunConfig(max_w=0.0, start_h=0.0), step_s=10.0)


def tariff(**keys: Any) -> TariffSection:
    return TariffSection.model_validate(keys)


def bill_of(section: TariffSection, hours: float, config: HouseConfig = QUIET) -> Bill:
    ledger = Ledger()
    house = House(replace(config, tariff=section), ledger=ledger)
    house.advance_to(hours * 3600.0)
    assert house.bill is not None
    return house.bill


def test_flat_with_standing_charge_and_feed_in() -> None:
    section = tariff(price=30, feed_in=8, standing=25)
    bill = bill_of(section, 36)
    assert bill.import_kwh == pytest.approx(36.0) and bill.energy_ct == pytest.approx(36 * 30.0)
    assert bill.standing_ct == 2 * 25.0 and bill.total_ct == pytest.approx(36 * 30.0 + 50.0)
    sunny = replace(QUIET, base_load_w=(), sun=SunConfig(power_w=500.0, start_h=0.0))
    bill = bill_of(section, 2, sunny)
    assert bill.earned_ct == pytest.approx(8.0) and bill.energy_ct == 0.0


def test_every_day_has_its_bill() -> None:
    config = replace(QUIET, sun=replace(QUIET.sun, start_h=18.0))
    bill = bill_of(tariff(price=30, standing=25, demand=500), 36, config)
    assert [day.isoformat() for day in bill.days] == ["2026-01-05", "2026-01-06", "2026-01-07"]
    first, second, third = bill.days.values()
    assert [day.import_kwh for day in (first, second, third)] == pytest.approx([6, 24, 6])
    assert second.total_ct == pytest.approx(24 * 30 + 25)
    assert sum(day.total_ct for day in bill.days.values()) + bill.demand_ct == pytest.approx(bill.total_ct)
    assert bill.month_peak_w == pytest.approx(1000)


def test_day_and_night_with_weekdays() -> None:
    night = {"from": "22:00", "to": "06:00", "price": 20}
    weekend = {"from": "00:00", "to": "24:00", "days": ["sat", "sun"], "price": 10}
    section = tariff(kind="day_night", price=40, windows=[weekend, night])
    bill = bill_of(section, 24)  # a Monday: 8 h night, 16 h day
    assert bill.energy_ct == pytest.approx(8 * 20 + 16 * 40)
    assert section.price_at(datetime(2026, 1, 10, 23, 0)) == 10.0  # the first window that is on
    assert section.price_at(datetime(2026, 1, 12, 5, 59, 59)) == 20.0
    assert section.price_at(datetime(2026, 1, 12, 6, 0)) == 40.0


@pytest.mark.parametrize(
    ("text", "at_one"),
    [
        ("time,price\n2026-01-05T00:00,20\n2026-01-05T01:00,21.5\n", 21.5),
        ("timestamp;EUR_MWh\n2026-01-05 00:00;200,0\n2026-01-05 01:00;215,00\n", 21.5),
        ("MTU (CET/CEST),Day-ahead Price [EUR/MWh]\n05.01.2026 00:00 - 05.01.2026 01:00,200\n"
         "05.01.2026 01:00 - 05.01.2026 02:00,215\n", 21.5),
        ("Datum von;Spotmarktpreis in ct/kWh\n05.01.2026 00:00;20\n05.01.2026 01:00;21,5\n", 21.5),
        ("startsAt\ttotal (EUR/kWh)\n2026-01-05T00:00:00+01:00\t0.2\n2026-01-05T01:00:00+01:00\t0.215\n", 21.5),
        ("start_time,price_ct_kwh\n2026-01-05T00:00:00Z,20\n2026-01-05T01:00:00Z,-1.5\n", -1.5),
    ],
)  # fmt: skip
def test_price_lists_as_they_come(tmp_path: Path, text: str, at_one: float) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(text, encoding="utf-8-sig")
    columns = {"price_column": "EUR_MWh"} if "EUR_MWh" in text else {}
    section = tariff(kind="dynamic", file=str(file), **columns)
    assert section.price_at(datetime(2026, 1, 5, 0, 59)) == pytest.approx(20.0)
    assert section.price_at(datetime(2026, 1, 5, 1, 0)) == pytest.approx(at_one)
    # Two hours of list: they repeat, before and after.
    assert section.price_at(datetime(2026, 1, 5, 3, 30)) == pytest.approx(at_one)
    assert section.price_at(datetime(2026, 1, 4, 23, 30)) == pytest.approx(at_one)


def test_markup_and_tax_come_on_top(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text("time,price\n2026-01-05T00:00,10\n2026-01-05T12:00,-4\n")
    section = tariff(kind="dynamic", file=str(file), markup=15, tax=20)
    bill = bill_of(section, 24)
    assert bill.energy_ct == pytest.approx(12 * (25 * 1.2) + 12 * (11 * 1.2))


def test_the_hour_that_comes_twice_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    rows = [("01:00", 1), ("02:00", 2), ("02:00", 3), ("03:00", 4)]
    file.write_text("time,price\n" + "".join(f"2026-10-25T{clock},{price}\n" for clock, price in rows))
    prices = read_prices(str(file), None, None, None)
    assert [prices.at(datetime(2026, 10, 25, hour)) for hour in (1, 2, 3)] == [1.0, 2.0, 4.0]


def test_demand_is_the_highest_quarter_of_an_hour_of_each_month() -> None:
    config = replace(QUIET, day=date(2026, 1, 31), loads=(LoadConfig("oven", 3000.0, "B"),))
    # 10 minutes across two quarters; then a whole quarter on the next day, in February.
    edges = ((600.0, True), (1200.0, False), (86400.0 + 900.0, True), (86400.0 + 1800.0, False))
    config = replace(config, events=tuple(LoadEvent(time_s, "oven", on) for time_s, on in edges))
    bill = bill_of(tariff(demand=100), 26, config)
    assert bill.peak_by_day_w == pytest.approx({date(2026, 1, 31): 2000.0, date(2026, 2, 1): 4000.0})
    assert bill.peak_by_month_w == pytest.approx({(2026, 1): 2000.0, (2026, 2): 4000.0})
    assert bill.demand_ct == pytest.approx(600.0) and bill.peak_w == pytest.approx(4000.0)


def test_a_quarter_that_the_house_did_not_see_whole_is_no_peak() -> None:
    clock = WallClock(start_h=0.1)  # 6 minutes past
    bill = Bill(tariff(demand=100), clock)
    for second in range(0, 540, 10):
        bill.book(float(second), 10.0, [1e6])
    for second in range(540, 540 + 900, 10):
        bill.book(float(second), 10.0, [5000.0])
    assert bill.peak_w == pytest.approx(500.0)


def test_phases_net_or_apart() -> None:
    config = replace(QUIET, base_load_w=(0.0, 1000.0, 0.0), sun=SunConfig(power_w=1000.0, start_h=0.0))
    assert bill_of(tariff(), 1, config).total_ct == pytest.approx(0.0)
    apart = bill_of(tariff(phases="apart", price=30, feed_in=8), 1, config)
    assert (apart.energy_ct, apart.earned_ct) == pytest.approx((30.0, 8.0))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 3), min_size=1, max_size=60),
    st.sampled_from([0.5, 10.0, 700.0]),
    st.floats(-50, 50),
)
def test_the_bill_is_the_ledger_times_the_price(ticks: list[tuple[float, ...]], dt_s: float, price: float) -> None:
    bill, ledger = Bill(tariff(phases="apart", price=price, feed_in=7), WallClock()), Ledger()
    for index, grid_j in enumerate(ticks):
        ledger.book(grid_j, [])
        bill.book(index * dt_s, dt_s, grid_j)
    assert bill.energy_ct == pytest.approx(ledger.import_j / KWH * price)
    assert bill.earned_ct == pytest.approx(ledger.export_j / KWH * 7)
    most_w = max(sum(max(0.0, each) for each in grid_j) for grid_j in ticks) / dt_s
    assert bill.peak_w <= most_w * 1.001


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-500, 500), min_size=2, max_size=30), st.floats(-1e4, 1e4))
def test_a_list_gives_one_of_its_prices_at_any_time(prices: list[float], hours: float) -> None:
    from nullwatt.home import PriceList

    begin = datetime(2026, 1, 1)
    listed = PriceList([begin + timedelta(hours=index) for index in range(len(prices))], prices)
    assert listed.at(begin + timedelta(hours=hours)) in prices


def test_without_a_ledger_there_is_no_bill_and_a_site_keeps_one() -> None:
    config = replace(QUIET, tariff=tariff(price=36))
    assert House(config).bill is None
    site = Site(config, ())
    try:
        site.loop.advance_to(3600.0)
        shown = site.house.device("house: bill").telemetry()
        assert shown["energy_ct"] == pytest.approx(36.0) and shown["price_ct_kwh"] == 36.0
    finally:
        site.close()


def test_a_file_beside_the_house_file(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("time,price\n2026-01-05T00:00,10\n2026-01-05T12:00,30\n")
    document = {"batteries": [BATTERY], "tariff": {"kind": "dynamic", "file": "p.csv"}}
    assert parse_house(document, folder=tmp_path).house_config().tariff is not None
    with pytest.raises(ConfigError, match=r'tariff.file = "p.csv": cannot be read'):
        parse_house(document, folder=tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "fixed"}, 'tariff.kind = "fixed": '),
        ({"pric": 3}, 'tariff.pric = 3: unknown key, did you mean "price"?'),
        ({"kind": "day_night"}, "tariff.windows = []: are for kind day_night, which needs at least one"),
        ({"kind": "dynamic"}, "tariff.file = null: is for kind dynamic, which needs one"),
        ({"windows": [{"from": "1:00", "to": "02:00", "price": 1}]}, "tariff.windows[0].from"),
        ({"standing": -1}, "tariff.standing = -1: "),
        ({"tax": 101}, "tariff.tax = 101: "),
    ],
)
def test_a_mistake_in_the_section_is_one_line(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_house({"batteries": [BATTERY], "tariff": section})
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header and at least two rows"),
        ("time,price\n2026-01-05T00:00,1\nnever,2\n", "file: line 3: 'never' is not a time"),
        ("time,price\n2026-01-05T00:00,1\n2026-01-05T01:00,x\n", "file: line 3: 'x' is not a price"),
        ("time,price\n2026-01-05T05:00,1\n2026-01-05T01:00,2\n", "line 3: the time must be later"),
        ("when,price\n1,2\n3,4\n", "time_column: say which column it is"),
        ("time,x\n1,2\n3,4\n", "price_column: say which column it is"),
    ],
)
def test_a_mistake_in_a_price_list_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read_prices(str(file), None, None, None)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='time,price;\n"0123456789-:T. \tx\0', max_size=120))
def test_any_text_is_a_list_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_text("time,price\n" + text)
    try:
        read_prices(str(file), None, None, None)
    except ValueError as error:
        assert str(error).startswith(("file:", "time_column:", "price_column:"))

"""The built-in actions over the demo company's database."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.actions.book_repair import book_repair, quote_repair
from bot.actions.builtin import TABLE, builtin_actions
from bot.actions.cancel_subscription import cancel_subscription, find_subscription
from bot.actions.change_address import change_address
from bot.actions.find_order import TOLD, find_order
from bot.actions.local import LocalActions
from bot.actions.look_up_stock import look_up_stock
from bot.actions.shop import tables
from bot.actions.shop.shop import ATTEMPTS, Shop, order_number
from bot.actions.start_return import check_return, label_cost, last_day, start_return
from bot.botfile import find_data
from bot.errors import ConfigError
from bot.results import SlotWasSet
from tests.bot.actions.stage import call

TODAY = date(2026, 6, 10)  # a Wednesday, far from the holidays
ANNA = {"order_number": "TW-48210655", "order_proof": "anna@example.com"}
FRESH = {"order_number": "48210733", "order_proof": "2011 hb"}
JONAS = {"order_number": "TW-48209981", "order_proof": "50667"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(f"sqlite:///{tmp_path / 'shop.db'}", today=lambda: TODAY)
    made.prepare(find_data() / "products.jsonl")
    made.prepare(find_data() / "products.jsonl")
    return made


def count(shop: Shop, table: sa.Table) -> int:
    with shop.begin() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_the_demo_database_is_the_same_every_time(tmp_path: Path, shop: Shop) -> None:
    other = Shop(f"sqlite:///{tmp_path / 'other.db'}", today=lambda: TODAY)
    other.prepare(find_data() / "products.jsonl")
    for table in tables.metadata.sorted_tables:
        rows = []
        for one in (shop, other):
            with one.begin() as connection:
                rows.append(connection.execute(sa.select(table)).all())
        assert rows[0] == rows[1]
    assert count(shop, tables.orders) == 10


# -- orders ------------------------------------------------------------------------------------------------------------


def test_an_order_is_told_to_whoever_knows_its_mail_or_postcode(shop: Shop) -> None:
    assert find_order(shop, {"order_number": "TW-48210102", "order_proof": " LiWei@Example.com."}, "") == {
        "order_verified": True,
        "order_number": "TW-48210102",
        "order_status": "shipped",
        "order_placed": "2026-06-08",
        "order_delivered": None,
        "order_tracking": "TWP 0012 345 678",
        "order_items": "1 × Offshore standing fan F300",
        "order_total": 119.0,
        "order_address": "Damrak 70, 1012 AB Amsterdam",
    }
    assert find_order(shop, FRESH, "")["order_total"] == 70.0


@pytest.mark.parametrize(
    "slots",
    [
        {},
        {"order_number": "TW-48210655"},
        {"order_number": "TW-48210655", "order_proof": " "},
        {"order_number": "TW-48210655", "order_proof": "jonas@example.com"},
        {"order_number": "TW-48210655", "order_proof": "%"},
        {"order_number": "TW-99999999", "order_proof": "anna@example.com"},
        {"order_number": "' OR 1=1 --", "order_proof": "anna@example.com"},
        {"order_verified": True, "order_number": "TW-48210655", "order_proof": "2012 AA"},
    ],
)
def test_nothing_of_an_order_is_told_without_proof(shop: Shop, slots: dict[str, Any]) -> None:
    assert find_order(shop, slots, "") == {"order_verified": False, **dict.fromkeys(TOLD)}


def test_guessing_closes_the_order_until_the_next_day(tmp_path: Path) -> None:
    days = [TODAY]
    shop = Shop(f"sqlite:///{tmp_path / 'shop.db'}", today=lambda: days[0])
    shop.prepare(find_data() / "products.jsonl")
    for guess in range(ATTEMPTS):
        assert not find_order(shop, {**ANNA, "order_proof": f"{guess}@example.com"}, "")["order_verified"]
    assert not find_order(shop, ANNA, "")["order_verified"]
    assert find_order(shop, JONAS, "")["order_verified"]
    days[0] = date(2026, 6, 11)
    assert find_order(shop, ANNA, "")["order_verified"]


@pytest.mark.parametrize("said", ["TW-48210655", "tw 48210655", "#48210655", "my order is TW48210655, thanks"])
def test_an_order_number_is_read_however_it_is_written(said: str) -> None:
    assert order_number(said) == "TW-48210655"


@pytest.mark.parametrize("said", [None, "", "4821065", "482106551", 7, "TW-K200"])
def test_what_is_no_order_number_is_none(said: object) -> None:
    assert order_number(said) is None


# -- returns -----------------------------------------------------------------------------------------------------------


def test_a_return_is_told_then_started_once_confirmed(shop: Shop) -> None:
    quote = check_return(shop, ANNA, "")
    assert quote == {
        "return_result": "possible",
        "return_item": "Jetty toaster T150, chalk",
        "return_refund": 54.0,
        "return_label_cost": 0.0,
        "return_until": "2026-07-04",
        "return_number": None,
    }
    assert start_return(shop, ANNA, "k1")["return_result"] == "not_confirmed"
    assert start_return(shop, {**ANNA, "return_confirmed": "yes"}, "k2")["return_result"] == "not_confirmed"
    assert count(shop, tables.returns) == 0
    begun = start_return(shop, {**ANNA, "return_confirmed": True}, "k3")
    assert begun == {**quote, "return_result": "started", "return_number": "RT-00001"}
    assert start_return(shop, {**ANNA, "return_confirmed": True}, "k4")["return_result"] == "already"
    assert count(shop, tables.returns) == 1


def test_the_same_call_again_after_a_crash_changes_nothing_and_tells_the_same(shop: Shop) -> None:
    slots = {**ANNA, "return_confirmed": True}
    assert start_return(shop, slots, "k1") == start_return(shop, slots, "k1")
    assert count(shop, tables.returns) == 1


def test_the_same_call_at_the_same_moment_is_carried_out_once(shop: Shop) -> None:
    slots = {**ANNA, "return_confirmed": True}
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: start_return(shop, slots, "k1"), range(4)))
    assert all(one == told[0] for one in told)
    assert told[0]["return_result"] == "started"
    assert count(shop, tables.returns) == 1


@pytest.mark.parametrize(
    ("slots", "result"),
    [
        ({**ANNA, "order_proof": "no"}, "not_verified"),
        ({"order_number": "TW-48203312", "order_proof": "1012AB"}, "too_late"),
        ({"order_number": "TW-48210102", "order_proof": "1012AB"}, "not_delivered"),
        ({"order_number": "TW-48208440", "order_proof": "1000", "return_item": "the gift card"}, "excluded"),
        ({"order_number": "TW-48208440", "order_proof": "1000", "return_item": "hair dryer"}, "possible"),
        ({"order_number": "TW-48208440", "order_proof": "1000", "return_item": "吹风机"}, "possible"),
        ({"order_number": "TW-48208440", "order_proof": "1000"}, "unknown_item"),
        ({"order_number": "TW-48208440", "order_proof": "1000", "return_item": "the bicycle"}, "unknown_item"),
    ],
)
def test_what_cannot_be_returned_is_told_and_not_begun(shop: Shop, slots: dict[str, Any], result: str) -> None:
    assert check_return(shop, slots, "")["return_result"] == result
    begun = start_return(shop, {**slots, "return_confirmed": True}, "k")
    assert begun["return_result"] == ("started" if result == "possible" else result)


def test_the_label_is_taken_off_the_refund_abroad(shop: Shop) -> None:
    espresso = check_return(shop, {**JONAS, "return_item": "espresso machine"}, "")
    assert (espresso["return_refund"], espresso["return_label_cost"]) == (444.05, 4.95)
    assert [label_cost(country) for country in ("NL", "BE", "DE", "AT", "GB")] == [0.0, 0.0, 4.95, 9.95, 0.0]


def test_the_last_day_of_a_return_is_later_in_the_holidays() -> None:
    assert last_day(date(2026, 11, 14), date(2026, 11, 16)) == date(2026, 12, 16)
    assert last_day(date(2026, 11, 15), date(2026, 11, 17)) == date(2027, 1, 31)
    assert last_day(date(2026, 12, 24), date(2027, 1, 10)) == date(2027, 2, 9)
    assert last_day(date(2026, 12, 25), date(2026, 12, 28)) == date(2027, 1, 27)


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_an_address_changes_only_confirmed_and_before_packing(shop: Shop) -> None:
    new = {"new_street": "Kerkstraat 1", "new_postcode": "2012 CD", "new_city": "Haarlem"}
    assert change_address(shop, {**FRESH, "new_city": "Haarlem"}, "k0")["address_result"] == "incomplete"
    assert change_address(shop, {**FRESH, **new}, "k1")["address_result"] == "not_confirmed"
    assert find_order(shop, FRESH, "")["order_address"] == "Grote Markt 2, 2011 HB Haarlem"
    changed = change_address(shop, {**FRESH, **new, "address_confirmed": True}, "k2")
    assert changed == {"address_result": "changed", "order_address": "Kerkstraat 1, 2012 CD Haarlem"}
    assert find_order(shop, FRESH, "")["order_address"] == "Kerkstraat 1, 2012 CD Haarlem"
    packed = {"order_number": "TW-48210500", "order_proof": "SW1A1AA", **new, "address_confirmed": True}
    assert change_address(shop, packed, "k3")["address_result"] == "too_late"
    stranger = {**FRESH, **new, "order_proof": "x", "address_confirmed": True}
    assert change_address(shop, stranger, "k4") == {"address_result": "not_verified"}


# -- subscriptions -----------------------------------------------------------------------------------------------------


def test_a_subscription_is_found_then_cancelled_once_confirmed(shop: Shop) -> None:
    several = find_subscription(shop, JONAS, "")
    assert several["subscription_result"] == "ambiguous"
    assert "SUB-10245" in several["subscription_choices"]
    wanted = {**JONAS, "subscription": "the cleaning tablets"}
    found = find_subscription(shop, wanted, "")
    assert (found["subscription_result"], found["subscription_number"]) == ("found", "SUB-10245")
    assert found["subscription_next"] == "2026-06-19"
    assert cancel_subscription(shop, wanted, "k1")["subscription_result"] == "not_confirmed"
    done = cancel_subscription(shop, {**wanted, "subscription_confirmed": True}, "k2")
    assert done["subscription_result"] == "cancelled"
    assert find_subscription(shop, {**JONAS, "subscription": "SUB-10245"}, "")["subscription_result"] == "ended"
    assert find_subscription(shop, JONAS, "")["subscription_number"] == "SUB-10250"


def test_whose_subscription_it_is_must_be_known(shop: Shop) -> None:
    slots = {**ANNA, "subscription": "SUB-10245", "subscription_confirmed": True}
    assert cancel_subscription(shop, slots, "k1")["subscription_result"] == "none"
    stranger = {**slots, "order_proof": "x"}
    assert cancel_subscription(shop, stranger, "k2")["subscription_result"] == "not_verified"
    over = {"order_number": "TW-48203312", "order_proof": "1012 AB", "subscription_confirmed": True}
    assert cancel_subscription(shop, over, "k3")["subscription_result"] == "ended"


# -- repairs -----------------------------------------------------------------------------------------------------------


def test_a_repair_costs_labour_and_the_way_unless_the_warranty_covers_it(shop: Shop) -> None:
    plain = quote_repair(shop, {"repair_product": "kettle K150", "repair_way": "parcel"}, "")
    assert (plain["repair_price"], plain["repair_under_warranty"]) == (35.95, False)
    order = {"order_number": "TW-48101277", "order_proof": "claire@example.com"}
    covered = quote_repair(shop, {**order, "repair_product": "kettle K150", "repair_way": "parcel"}, "")
    assert (covered["repair_price"], covered["repair_under_warranty"]) == (0.0, True)
    old = {"order_number": "TW-47655020", "order_proof": "tom@example.com"}
    past = quote_repair(shop, {**old, "repair_product": "V250", "repair_way": "shop"}, "")
    assert (past["repair_price"], past["repair_under_warranty"]) == (69.0, False)


def test_a_repair_is_booked_once_confirmed(shop: Shop) -> None:
    slots = {"repair_product": "blender B400", "repair_way": "collection", "repair_date": "2026-06-12T00:00:00"}
    assert book_repair(shop, slots, "k1")["repair_result"] == "not_confirmed"
    booked = book_repair(shop, {**slots, "repair_confirmed": True}, "k2")
    assert (booked["repair_result"], booked["repair_number"], booked["repair_price"]) == ("booked", "RP-00001", 57.95)
    assert book_repair(shop, {**slots, "repair_confirmed": True}, "k2") == booked
    assert count(shop, tables.repairs) == 1


@pytest.mark.parametrize(
    ("slots", "result"),
    [
        ({}, "unknown_product"),
        ({"repair_product": "spaceship"}, "unknown_product"),
        ({"repair_product": "my kettle"}, "ambiguous"),
        ({"repair_product": "gift card"}, "not_repaired"),
        ({"repair_product": "K200"}, "unknown_way"),
        ({"repair_product": "K200", "repair_way": "pigeon"}, "unknown_way"),
        ({"repair_product": "K200", "repair_way": "collection"}, "bad_date"),
        ({"repair_product": "K200", "repair_way": "collection", "repair_date": "2026-06-10"}, "bad_date"),
        ({"repair_product": "K200", "repair_way": "collection", "repair_date": "2026-06-13"}, "bad_date"),
        ({"repair_product": "K200", "repair_way": "collection", "repair_date": "2026-06-11"}, "possible"),
    ],
)
def test_what_cannot_be_booked_is_told(shop: Shop, slots: dict[str, Any], result: str) -> None:
    assert quote_repair(shop, slots, "")["repair_result"] == result


# -- stock -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "result", "name"),
    [
        ("the K200 in chalk", "in_stock", "Brook kettle K200, chalk"),
        ("TW-K200B", "expected", "Brook kettle K200, brick"),
        ("红色的 K200, brick", "expected", "Brook kettle K200, brick"),
        ("加湿器", "in_stock", "Mist humidifier U150"),
        ("TW-L100", "retired", "Pilot desk lamp L100 (retired)"),
        ("TW-K200", "few_left", "Brook kettle K200, tide"),
        ("lid seal for my kettle", None, "Lid seal for kettles"),
        ("K200", "ambiguous", None),
        ("a kettle", "ambiguous", None),
        ("a bicycle", "unknown", None),
        (None, "unknown", None),
    ],
)
def test_stock_is_told_of_what_the_customer_means(shop: Shop, product: object, result: str | None, name: str) -> None:
    told = look_up_stock(shop, {"product": product}, "")
    assert told["stock_product"] == name
    if result is not None:
        assert told["stock_result"] == result
    assert (told["stock_choices"] is not None) == (told["stock_result"] == "ambiguous")
    assert (told["stock_expected"] is not None) == (told["stock_result"] == "expected")


# -- as actions --------------------------------------------------------------------------------------------------------


async def test_they_run_as_rasa_actions_with_the_calls_key(shop: Shop) -> None:
    actions = LocalActions(builtin=lambda: builtin_actions(shop))
    await actions.start()
    assert await actions.names() == set(TABLE)
    slots = {**ANNA, "return_confirmed": True}
    first = await actions.run(call("action_start_return", slots, domain={"slots": {"return_number": {}}}))
    again = await actions.run(call("action_start_return", slots, domain={"slots": {"return_number": {}}}))
    assert first == again
    assert first.events == (SlotWasSet("return_number", "RT-00001"),)
    assert count(shop, tables.returns) == 1
    await actions.close()


@pytest.mark.parametrize("name", TABLE)
def test_every_action_of_the_table_asks_for_proof_or_changes_nothing(shop: Shop, name: str) -> None:
    from importlib import import_module

    module, _, function = TABLE[name].partition(":")
    work = getattr(import_module(module), function)
    confirmed = {f"{what}_confirmed": True for what in ("return", "address", "subscription")}
    before = rows(shop)
    result: Mapping[str, Any] = work(shop, confirmed, "")
    assert "started" not in result.values()
    assert rows(shop) == before


def rows(shop: Shop) -> list[Any]:
    with shop.begin() as connection:
        return [connection.execute(sa.select(table)).all() for table in tables.metadata.sorted_tables]


def test_an_entry_that_cannot_be_loaded_is_told(shop: Shop) -> None:
    with pytest.raises(ConfigError, match=r"action_x cannot be loaded from bot\.actions\.nowhere:run"):
        builtin_actions(shop, {"action_x": "bot.actions.nowhere:run"})

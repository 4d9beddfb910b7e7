"""The built-in actions for parcels that went wrong, orders to be cancelled, e-mail addresses and invoices."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.actions.cancel_order import cancel_order
from bot.actions.change_email import change_email
from bot.actions.find_order import find_order
from bot.actions.look_up_stock import look_up_stock
from bot.actions.report_parcel import check_parcel, report_parcel
from bot.actions.send_invoice import find_invoice, send_invoice
from bot.actions.shop import tables
from bot.actions.shop.shop import Shop
from bot.botfile import find_data

TODAY = date(2026, 6, 10)
TOASTER = {"order_number": "TW-48210655", "order_proof": "anna@example.com"}  # delivered 6 days ago
FRESH = {"order_number": "TW-48210733", "order_proof": "anna@example.com"}
ESPRESSO = {"order_number": "TW-48209981", "order_proof": "50667"}  # delivered 9 days ago
ON_ITS_WAY = {"order_number": "TW-48210102", "order_proof": "liwei@example.com"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(f"sqlite:///{tmp_path / 'shop.db'}", today=lambda: TODAY)
    made.prepare(find_data() / "products.jsonl")
    return made


def rows(shop: Shop, table: sa.Table) -> list[Any]:
    with shop.begin() as connection:
        return list(connection.execute(sa.select(table)))


def test_a_damaged_item_is_reported_once_it_is_confirmed(shop: Shop) -> None:
    slots = {**TOASTER, "claim_problem": "damaged", "claim_wish": "refund"}
    assert check_parcel(shop, slots, "")["claim_refund"] == 54.0
    assert report_parcel(shop, slots, "k1")["claim_result"] == "not_confirmed"
    told = report_parcel(shop, {**slots, "claim_confirmed": True}, "k2")
    assert (told["claim_result"], told["claim_number"]) == ("reported", "CL-00001")
    assert report_parcel(shop, {**slots, "claim_confirmed": True}, "k2") == told  # the same call after a crash
    assert report_parcel(shop, {**slots, "claim_confirmed": True}, "k3")["claim_result"] == "already"
    assert [row.refund for row in rows(shop, tables.claims)] == [54.0]


def test_a_replacement_pays_nothing_back(shop: Shop) -> None:
    slots = {**TOASTER, "claim_problem": "wrong", "claim_wish": "replacement", "claim_confirmed": True}
    assert report_parcel(shop, slots, "k")["claim_result"] == "reported"
    assert [row.refund for row in rows(shop, tables.claims)] == [0.0]


@pytest.mark.parametrize(
    ("slots", "result"),
    [
        ({**TOASTER, "order_proof": "else@example.com"}, "not_verified"),
        (FRESH, "not_sent"),
        (ON_ITS_WAY, "not_sent"),
        ({**ON_ITS_WAY, "claim_problem": "missing"}, "wait"),
        (ESPRESSO, "too_late"),
        ({**ESPRESSO, "claim_problem": "missing"}, "possible"),
    ],
)
def test_what_can_be_reported_hangs_on_when_it_was_delivered(shop: Shop, slots: dict[str, Any], result: str) -> None:
    assert check_parcel(shop, {"claim_problem": "damaged", **slots}, "")["claim_result"] == result


def test_a_missing_parcel_is_about_everything_in_it(shop: Shop) -> None:
    told = check_parcel(shop, {**ESPRESSO, "claim_problem": "missing"}, "")
    assert told["claim_item"] == "Harbour espresso machine E500, Cleaning tablets for espresso machines, 10 pieces"
    assert told["claim_refund"] == 458.5


def test_an_order_is_cancelled_until_it_is_packed(shop: Shop) -> None:
    assert cancel_order(shop, FRESH, "k1")["cancel_result"] == "not_confirmed"
    assert cancel_order(shop, {**FRESH, "cancel_confirmed": True}, "k2")["cancel_result"] == "cancelled"
    assert find_order(shop, FRESH, "")["order_status"] == "cancelled"
    assert cancel_order(shop, {**FRESH, "cancel_confirmed": True}, "k3")["cancel_result"] == "already"
    assert cancel_order(shop, {**TOASTER, "cancel_confirmed": True}, "k4")["cancel_result"] == "too_late"
    assert cancel_order(shop, {**FRESH, "order_proof": "x"}, "k5")["cancel_result"] == "not_verified"


def test_an_email_address_changes_for_whoever_proved_the_old_one(shop: Shop) -> None:
    new = {**TOASTER, "new_email": "anna.new@example.com"}
    assert change_email(shop, new, "k1") == {"email_result": "not_confirmed"}
    assert change_email(shop, {**new, "new_email": "anna"}, "k2") == {"email_result": "incomplete"}
    assert change_email(shop, {**new, "new_email": "Jonas@example.com"}, "k3") == {"email_result": "in_use"}
    assert change_email(shop, {**new, "order_proof": "x", "email_confirmed": True}, "k4") == {
        "email_result": "not_verified"
    }
    assert change_email(shop, {**new, "email_confirmed": True}, "k5") == {"email_result": "changed"}
    assert not find_order(shop, TOASTER, "")["order_verified"]
    assert find_order(shop, {**TOASTER, "order_proof": "anna.new@example.com"}, "")["order_verified"]


def test_an_invoice_goes_to_the_address_that_is_known_and_nowhere_else(shop: Shop) -> None:
    assert find_invoice(shop, ESPRESSO, "") == {"invoice_result": "ready", "invoice_email": "j***@example.com"}
    assert send_invoice(shop, ESPRESSO, "k1") == {"invoice_result": "not_confirmed"}
    assert send_invoice(shop, {**ESPRESSO, "invoice_confirmed": True}, "k2")["invoice_result"] == "sent"
    assert [row.email for row in rows(shop, tables.invoices)] == ["jonas@example.com"]
    assert find_invoice(shop, FRESH, "")["invoice_result"] == "not_shipped"
    assert find_invoice(shop, {**FRESH, "order_proof": "x"}, "") == {
        "invoice_result": "not_verified",
        "invoice_email": None,
    }


def test_a_colour_tells_products_of_one_model_apart(shop: Shop) -> None:
    assert look_up_stock(shop, {"product": "kettle K200"}, "")["stock_result"] == "ambiguous"
    told = look_up_stock(shop, {"product": "kettle K200", "product_detail": "the brick one"}, "")
    assert (told["stock_result"], told["stock_product"]) == ("expected", "Brook kettle K200, brick")

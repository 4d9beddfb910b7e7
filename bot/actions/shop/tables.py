"""The shop's tables. They belong to the company, not to Frontdesk's store: another database, without migrations."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

products = sa.Table(
    "products",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_zh", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("price", sa.Numeric(10, 2, asdecimal=False), nullable=False),
    sa.Column("stock", sa.Integer, nullable=False),
    sa.Column("expected", sa.Date),  # when more comes; None: in stock, sold out or retired
    sa.Column("retired", sa.Boolean, nullable=False),
)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("postcode", sa.Text, nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("number", sa.String(16), primary_key=True),
    sa.Column("customer", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),  # received, packed, shipped, delivered, cancelled
    sa.Column("placed", sa.Date, nullable=False),
    sa.Column("delivered", sa.Date),
    sa.Column("tracking", sa.Text),
    sa.Column("street", sa.Text, nullable=False),
    sa.Column("postcode", sa.Text, nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
)

lines = sa.Table(
    "order_lines",
    metadata,
    sa.Column("order", sa.String(16), sa.ForeignKey("orders.number"), primary_key=True),
    sa.Column("product", sa.String(32), sa.ForeignKey("products.id"), primary_key=True),
    sa.Column("quantity", sa.Integer, nullable=False),
    sa.Column("price", sa.Numeric(10, 2, asdecimal=False), nullable=False),  # of one, as it was paid
)

returns = sa.Table(
    "returns",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order", sa.String(16), nullable=False),
    sa.Column("product", sa.String(32), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("refund", sa.Numeric(10, 2, asdecimal=False), nullable=False),
    sa.Column("created", sa.Date, nullable=False),
    sa.ForeignKeyConstraint(["order", "product"], ["order_lines.order", "order_lines.product"]),
    sa.UniqueConstraint("order", "product"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("number", sa.String(16), primary_key=True),
    sa.Column("customer", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("product", sa.String(32), sa.ForeignKey("products.id"), nullable=False),
    sa.Column("months", sa.Integer, nullable=False),  # between two deliveries
    sa.Column("next", sa.Date, nullable=False),
    sa.Column("ended", sa.Date),
)

repairs = sa.Table(
    "repairs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("product", sa.String(32), sa.ForeignKey("products.id"), nullable=False),
    sa.Column("order", sa.String(16), sa.ForeignKey("orders.number")),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("way", sa.String(16), nullable=False),  # shop, parcel, collection
    sa.Column("day", sa.Date),
    sa.Column("price", sa.Numeric(10, 2, asdecimal=False), nullable=False),
    sa.Column("created", sa.Date, nullable=False),
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order", sa.String(16), sa.ForeignKey("orders.number"), nullable=False),
    sa.Column("product", sa.String(32), sa.ForeignKey("products.id")),  # None: the whole parcel
    sa.Column("problem", sa.String(16), nullable=False),  # damaged, wrong, incomplete, missing
    sa.Column("wish", sa.String(16), nullable=False),  # replacement, refund
    sa.Column("refund", sa.Numeric(10, 2, asdecimal=False), nullable=False),
    sa.Column("created", sa.Date, nullable=False),
)

invoices = sa.Table(  # copies that are to be sent
    "invoice_copies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("order", sa.String(16), sa.ForeignKey("orders.number"), nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("created", sa.Date, nullable=False),
)

done = sa.Table(
    "done",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),  # a call's idempotency key
    sa.Column("slots", sa.Text, nullable=False),  # JSON: what it came to
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("order", sa.String(16), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("wrong", sa.Integer, nullable=False),
)

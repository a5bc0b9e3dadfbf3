"""A small shop's API, watched by two lines. Start it with `make example`, or see README.md."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

from api_analytics.fastapi import Analytics, Config
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

PRODUCTS = {
    number: {"id": number, "name": name, "price": price}
    for number, (name, price) in enumerate(
        [("Teapot", 24.0), ("Kettle", 39.5), ("Cup", 6.0), ("Whisk", 11.0), ("Caddy", 18.0)], 1
    )
}

# The key and the server's address come from API_ANALYTICS_KEY and API_ANALYTICS_SERVER_URL.
config = Config()
# The example runs on one machine, so its traffic says itself where it comes from. In a real app
# that header is to be trusted only when a proxy of yours sets it.
config.get_ip_address = lambda request: request.headers.get("X-Forwarded-For")
config.get_user_id = lambda request: request.headers.get("X-Customer")

app = FastAPI(title="Tea shop")
app.add_middleware(Analytics, config=config)

orders: "dict[str, Order]" = {}


class Order(BaseModel):
    """A customer's order."""

    product_id: int
    quantity: int = 1


shop = APIRouter(prefix="/v1")


@shop.get("/products")
async def list_products(search: str = "") -> "list[dict[str, object]]":
    """All products, or those whose name holds `search`."""
    await asyncio.sleep(random.uniform(0.002, 0.015))
    return [p for p in PRODUCTS.values() if search.lower() in str(p["name"]).lower()]


@shop.get("/products/{product_id}")
async def show_product(product_id: int) -> "dict[str, object]":
    """One product."""
    await asyncio.sleep(random.uniform(0.001, 0.005))
    if product_id not in PRODUCTS:
        raise HTTPException(404, "no such product")
    return PRODUCTS[product_id]


@shop.post("/orders", status_code=201)
async def place_order(order: Order, request: Request) -> "dict[str, str]":
    """Places an order. Whisks are out of stock, and the payment provider is slow now and then."""
    if "X-Customer" not in request.headers:
        raise HTTPException(401, "say who you are in X-Customer")
    if order.product_id not in PRODUCTS:
        raise HTTPException(422, "no such product")
    if order.product_id == 4:
        raise HTTPException(409, "out of stock")
    await asyncio.sleep(random.uniform(0.02, 0.08) * (8 if random.random() < 0.05 else 1))
    order_id = uuid.uuid4().hex
    if len(orders) > 1000:
        orders.clear()
    orders[order_id] = order
    return {"order_id": order_id}


@shop.get("/orders/{order_id}")
async def show_order(order_id: str) -> Order:
    """One order."""
    if order_id not in orders:
        raise HTTPException(404, "no such order")
    return orders[order_id]


@shop.get("/orders/{order_id}/invoice")
async def show_invoice(order_id: str) -> StreamingResponse:
    """The invoice, in pieces. It has a bug: an order of many pieces fails."""
    if order_id not in orders:
        raise HTTPException(404, "no such order")
    order = orders[order_id]
    unit = PRODUCTS[order.product_id]["price"]
    if order.quantity > 7:
        raise OverflowError("the invoice has no room for so many")

    async def lines() -> AsyncIterator[str]:
        for number in range(order.quantity):
            await asyncio.sleep(0.01)
            yield f"{number + 1}. {unit}\n"

    return StreamingResponse(lines(), media_type="text/plain")


app.include_router(shop)


@app.get("/health")
async def health() -> "dict[str, str]":
    """For whoever watches the shop."""
    return {"status": "healthy"}

"""Customers of the shop: a few dozen from several countries, each in its own way.

    python traffic.py http://127.0.0.1:8000 --seconds 60

Only ever talks to this machine, ends by itself, and makes at most 50 requests a second.
"""

import argparse
import http.client
import json
import random
import time
from urllib.parse import urlsplit

AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "python-httpx/0.28.1",
    "curl/8.5.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
]
# Well-known public addresses, so that there are countries to see. Nothing is sent to them.
ADDRESSES = [
    "8.8.8.8", "193.99.144.80", "212.58.244.20", "133.242.0.3", "200.160.2.3", "196.216.2.1",
    "203.2.218.208", "80.67.169.12", "130.89.148.77", "192.36.148.17",
]  # fmt: skip
REFERRERS = ["https://tea.example/", "https://search.example/?q=teapot", ""]


class Customer:
    """One caller, who keeps its address and its ways."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self._dice = dice
        self._orders: list[str] = []
        self._headers = {
            "User-Agent": dice.choice(AGENTS),
            "X-Forwarded-For": dice.choice(ADDRESSES),
            "Referer": dice.choice(REFERRERS),
        }
        if dice.random() < 0.7:
            self._headers["X-Customer"] = f"customer-{number}"

    def next_request(self) -> "tuple[str, str, object]":
        """Method, path and body of what this customer does next."""
        dice = self._dice
        kind = dice.random()
        if kind < 0.3:
            return "GET", f"/v1/products?search={dice.choice(['', 'cup', 'tea'])}", None
        if kind < 0.55:
            return "GET", f"/v1/products/{dice.randint(1, 6)}", None
        if kind < 0.75:
            return "POST", "/v1/orders", {
                "product_id": dice.choice([1, 2, 3, 4, 5, 5, 99]),
                "quantity": dice.randint(1, 9),
            }  # fmt: skip
        if kind < 0.93 and self._orders:
            suffix = dice.choice(["", "/invoice", "/invoice"])
            return "GET", f"/v1/orders/{dice.choice(self._orders)}{suffix}", None
        if kind < 0.96:
            return "GET", dice.choice(["/wp-login.php", "/.env", "/v2/products"]), None
        return "GET", "/health", None

    def call(self, connection: http.client.HTTPConnection) -> int:
        """Makes one request, remembers an order that it placed, returns the status."""
        method, path, body = self.next_request()
        headers = dict(self._headers)
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, path, raw, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 201:
            self._orders.append(json.loads(answer)["order_id"])
        if response.status >= 500:
            connection.close()
        return response.status


def main() -> None:
    """Makes traffic until the time is over."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url", nargs="?", default="http://127.0.0.1:8000")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--per-second", type=float, default=20)
    given = arguments.parse_args()
    shop = urlsplit(given.url)
    if shop.hostname not in ("127.0.0.1", "localhost", "::1"):
        arguments.error("this is for a shop on this machine")
    pause = 1 / min(max(given.per_second, 0.1), 50)

    dice = random.Random(7)
    customers = [Customer(number, dice) for number in range(40)]
    connection = http.client.HTTPConnection(shop.hostname, shop.port or 80, timeout=10)
    statuses: dict[int, int] = {}
    end = time.monotonic() + min(given.seconds, 3600)
    try:
        while time.monotonic() < end:
            status = dice.choice(customers).call(connection)
            statuses[status] = statuses.get(status, 0) + 1
            time.sleep(pause * dice.uniform(0.2, 1.8))
    except (OSError, http.client.HTTPException) as error:
        print(f"the shop at {given.url} has gone: {error}")
    except KeyboardInterrupt:
        pass
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(f"{sum(statuses.values())} requests made: {told}")


if __name__ == "__main__":
    main()

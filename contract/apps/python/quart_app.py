import asyncio

from quart import Blueprint, Quart, redirect, request
from shared import MeantError, endless_async, parts_async

from api_analytics.quart import Analytics

app = Quart(__name__)
Analytics(app)
orgs = Blueprint("orgs", __name__, url_prefix="/orgs/<org>")


@app.post("/items")
async def create():
    return str(len(await request.get_data())), 201


@app.get("/items/<id>")
async def show(id):
    return ("no such item", 404) if id == "404" else f"item {id}"


@app.delete("/items/<id>")
async def remove(id):
    return "", 204


@app.get("/old")
async def old():
    return redirect("/items/1")


@app.get("/fails")
@orgs.get("/fails")
async def fails(org=""):
    raise MeantError


@app.get("/fails-later")
async def fails_later():
    await asyncio.sleep(0.005)
    raise MeantError


@app.get("/stream")
async def stream():
    return parts_async()


@app.get("/slow")
async def slow():
    await asyncio.sleep(1)
    return "slow"


@app.get("/endless")
async def endless():
    return endless_async()


@app.websocket("/socket")
async def socket():
    pass


@orgs.get("/items/<int:id>")
async def of_org(org, id):
    return f"{org} {id}"


app.register_blueprint(orgs)

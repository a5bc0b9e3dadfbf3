import asyncio

from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from shared import MeantError, endless_async, parts_async

from api_analytics.fastapi import Analytics

app = FastAPI(default_response_class=PlainTextResponse)
app.add_middleware(Analytics)
orgs = APIRouter(prefix="/orgs/{org}")


@app.post("/items", status_code=201)
async def create(request: Request):
    return str(len(await request.body()))


@app.api_route("/items/{id}", methods=["GET", "HEAD"])
async def show(id: str):
    if id == "404":
        return PlainTextResponse("no such item", 404)
    return f"item {id}"


@app.delete("/items/{id}")
async def remove(id: str):
    return Response(status_code=204)


@app.get("/old")
async def old():
    return RedirectResponse("/items/1", 302)


@app.get("/fails")
def fails():
    raise MeantError


@app.get("/fails-later")
async def fails_later():
    await asyncio.sleep(0.005)
    raise MeantError


@app.get("/stream")
async def stream():
    return StreamingResponse(parts_async())


@app.get("/slow")
async def slow():
    await asyncio.sleep(1)
    return "slow"


@app.get("/endless")
async def endless():
    return StreamingResponse(endless_async())


@app.websocket("/socket")
async def socket(socket: WebSocket):
    await socket.accept()
    await socket.close()


@orgs.get("/items/{id}")
async def of_org(org: str, id: str):
    return f"{org} {id}"


@orgs.get("/fails")
async def org_fails(org: str):
    raise MeantError


app.include_router(orgs)

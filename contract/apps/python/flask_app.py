import time

from flask import Blueprint, Flask, Response, redirect, request
from shared import MeantError, endless, parts

from api_analytics.flask import Analytics

app = Flask(__name__)
Analytics(app)
orgs = Blueprint("orgs", __name__, url_prefix="/orgs/<org>")


@app.post("/items")
def create():
    return str(len(request.get_data())), 201


@app.get("/items/<id>")
def show(id):
    return ("no such item", 404) if id == "404" else f"item {id}"


@app.delete("/items/<id>")
def remove(id):
    return "", 204


@app.get("/old")
def old():
    return redirect("/items/1")


@app.get("/fails")
@orgs.get("/fails")
def fails(org=""):
    raise MeantError


@app.get("/fails-later")
def fails_later():
    time.sleep(0.005)
    raise MeantError


@app.get("/stream")
def stream():
    return Response(parts())


@app.get("/slow")
def slow():
    time.sleep(1)
    return "slow"


@app.get("/endless")
def endless_():
    return Response(endless())


@orgs.get("/items/<int:id>")
def of_org(org, id):
    return f"{org} {id}"


app.register_blueprint(orgs)

"""A FastAPI app with the Python client, as a user of the product has one.

KEY, SERVER_URL: where its requests are sent; PORT: where it listens.
"""

import os

import uvicorn
from api_analytics.fastapi import Analytics, Config
from fastapi import FastAPI

app = FastAPI()
app.add_middleware(
    Analytics,
    api_key=os.environ["KEY"],
    config=Config(server_url=os.environ["SERVER_URL"]),
)


@app.get("/v1/users/{user}")
def show_user(user: str) -> dict[str, str]:
    return {"name": user}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error")

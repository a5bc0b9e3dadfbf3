"""Writes the bodies of the contract's cases into fuzz/seeds/, for the fuzzer to start from."""

import base64
import json
import pathlib

fuzz = pathlib.Path(__file__).parent
seeds = fuzz / "seeds"
seeds.mkdir(exist_ok=True)
for case in sorted((fuzz.parent / "contract" / "batches").glob("*.json")):
    for number, post in enumerate(json.loads(case.read_text())["posts"]):
        request = post["request"]
        if "body" in request:
            body = json.dumps(request["body"]).encode()
        elif "body_text" in request:
            body = request["body_text"].encode()
        else:
            body = base64.b64decode(request["body_base64"])
        # The first byte chooses the project's privacy level.
        (seeds / f"{case.stem}-{number}").write_bytes(b"\0" + body)

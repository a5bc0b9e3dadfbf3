"""Writes the fuzzers' seeds into fuzz/seeds/TARGET/: the contract's batches, the scenarios' filters, two records."""

import base64
import json
import pathlib
import re

fuzz = pathlib.Path(__file__).parent
root = fuzz.parent


def put(target: str, name: str, content: bytes) -> None:
    folder = fuzz / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


for case in sorted((root / "contract" / "batches").glob("*.json")):
    for number, post in enumerate(json.loads(case.read_text())["posts"]):
        request = post["request"]
        if "body" in request:
            body = json.dumps(request["body"]).encode()
        elif "body_text" in request:
            body = request["body_text"].encode()
        else:
            body = base64.b64decode(request["body_base64"])
        # The first byte chooses the project's privacy level.
        put("decode_enrich", f"{case.stem}-{number}", b"\0" + body)

written = "".join(path.read_text() for path in sorted((root / "scenarios").rglob("*.json")))
filters = set(re.findall(r'"q": "([^"]+)"', written)) | {
    'status:5xx method:POST path:/v1/* -country:US,GB duration:>1s user:""',
    'path:"a b" -route:*x*y* duration:1..2s request_size:>=1kb consumer:u:a,a:1.2.3.4',
}
for number, text in enumerate(sorted(filters)):
    put("filter", str(number), text.encode())

put("record", "erasure", b"\x01\x02" + b'{"Project":1}')
put("record", "empty-batch", b"\x01\x01" + bytes(400))

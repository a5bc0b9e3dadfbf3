"""Paths of the maximum length, all different: the size of files' texts must not prevent merging."""

from concurrent.futures import ThreadPoolExecutor

from posting import create_key, make_batch, make_hit, settle, wait_for
from server import Connection, Server

# A merge of these files has 60 MB of texts to sort, three times what the builder may hold here (and does elsewhere: the
# defaults are 192 MB, and files of any size).
FILES, HITS, LENGTH = 4, 7_500, 2_046
MOST_ABOVE_IDLE = 300 << 20
SETTINGS = {
    "active_rows": HITS,
    "merge_at": FILES,
    "builder_memory_bytes": "40MB",
    "merge_piece_text_bytes": "3MB",
}


def fat_path(number: int) -> str:
    """A different path per number, in no order; also sent as the route, or one would be learned for all of them."""
    return f"/p{number * 7_919 % 1_000_003:07}/".ljust(LENGTH, "x")


def post_files(server: Server, connection: Connection, key: str) -> None:
    for first in range(0, FILES * HITS, 375):
        hits = [make_hit(path, route=path) for path in map(fat_path, range(first, first + 375))]
        answer = connection.call("POST", "/api/requests", make_batch(hits), key)
        assert answer.status == 200, answer.body
    settle(server)


def test_files_of_fat_texts_are_merged_and_the_neighbour_notices_nothing(servers, neighbour):
    """A former bug: merging failed for lack of memory, was retried each minute without end, and health said 500."""
    server = servers(**SETTINGS).start()
    key = create_key(server)
    connection = Connection(server.port)
    with neighbour(server, page_seconds=4):
        post_files(server, connection, key)

        def is_merged() -> bool:
            health = server.call("GET", "/api/health")
            assert health.status == 200, health.body
            return server.metric("sealed_files") < FILES and server.metric("sealed_rows") >= (FILES - 1) * HITS

        wait_for("the files are one", is_merged, 240, 0.25)
    health = server.call("GET", "/api/health").must().json()
    assert "notes" not in health, health
    for number in (0, 1, HITS, FILES * HITS - 1):
        answer = server.call("GET", f"/api/v1/hits?q=path:{fat_path(number)[:20]}*", key=key).must()
        assert [hit["path"] for hit in answer.json()["hits"]] == [fat_path(number)], answer.body[:200]


def test_a_merge_that_fails_waits_and_is_a_note(servers):
    """Pieces that do not fit: the only way out is to wait, with all data available meanwhile."""
    server = servers(**SETTINGS | {"merge_at": 100}).start()
    key = create_key(server)
    post_files(server, Connection(server.port), key)

    def is_sealed() -> bool:
        # A file left over would be sealed below, for which the memory there does not suffice either.
        return server.metric("sealed_files") >= 3 and server.metric("active_rows") < HITS

    wait_for("sealed files", is_sealed, 180, 0.25)
    server.stop()
    server.settings |= {"merge_at": 3, "builder_memory_bytes": "13MB", "merge_piece_text_bytes": "1GB"}
    server.start()

    def notes() -> list[str]:
        return server.call("GET", "/api/health").must().json().get("notes", [])

    found = wait_for("a note", notes, 240, 0.25)
    assert "could not be merged" in found[0] and "nothing is missing" in found[0], found
    assert server.log().count("a merge was postponed") <= FILES, "it is not tried again without end"
    answer = server.call("GET", "/api/v1/dashboard?panels=requests&period=24h", key=key).must().json()
    assert answer["panels"]["requests"]["value"] == FILES * HITS


def test_pages_of_a_project_of_fat_texts_take_no_more_memory_than_others(servers):
    """A former bug: pages carried every text by name, and eight of them at once took 16 kB per text."""
    server = servers(active_rows=HITS, merge_at=100).start()
    key = create_key(server)
    post_files(server, Connection(server.port), key)
    server.restart()
    pages = [
        "/api/v1/dashboard?period=24h&rows=500",
        "/api/v1/dashboard?period=24h&rows=500&sort=p95_ms",
        "/api/v1/dashboard?period=24h&q=status:200",
        "/api/v1/fields/path/values?period=24h&limit=200",
    ]
    server.call("GET", pages[0], key=key).must()
    idle = server.reset_peak_memory()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: server.call("GET", pages[n % 4], key=key).must().json(), range(8)))
    above = server.peak_memory_bytes() - idle
    assert above < MOST_ABOVE_IDLE, f"{above >> 20} MB"
    endpoints = answers[0]["panels"]["endpoints"]
    assert abs(endpoints["total_rows"] / (FILES * HITS) - 1) < 0.06 and endpoints["about"], endpoints["total_rows"]
    assert len(endpoints["rows"]) == 500
    assert all(len(row["route"]) == LENGTH and row["requests"] == 1 for row in endpoints["rows"])

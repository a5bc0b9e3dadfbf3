"""A file of the data folder is lost, empty or put back from an older copy: the server stops at the start, says which, and
changes nothing; it never goes on with half of a folder."""

import shutil
import time

import pytest

from attacks.losses import DATABASES, SETTINGS, data_files, every_loss, fill, put_back, refused, remove, take
from posting import create_project, post, read_paths, settle, wait_for
from server import must_run


@every_loss
def test_a_lost_database_stops_the_start_and_nothing_is_deleted(servers, names, loss):
    """A former bug: the start deleted every data file, or gave the next project another tenant's hits, and was well."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    kept = {name: take(server.data, name) for name in DATABASES}
    files = data_files(server.data)
    assert len(files) >= 2
    for name in names:
        loss(server.data, name)
    for _ in range(2):
        said = refused(server)
        assert names[0] in said, said
        assert data_files(server.data) == files
    # Putting the files back restores everything.
    for name in names:
        put_back(server.data, name, kept[name])
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    assert server.problems() == []


@pytest.mark.parametrize("name", DATABASES)
def test_an_older_copy_of_a_database_stops_the_start(servers, name):
    server = servers(**SETTINGS).start()
    paths = fill(server)
    server.stop()
    older = take(server.data, name)
    server.start()
    server.stop()
    newest = take(server.data, name)
    put_back(server.data, name, older)
    said = refused(server)
    assert f"{name} is an older copy" in said, said
    put_back(server.data, name, newest)
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)


@pytest.mark.parametrize("later", [1, 3])
def test_an_older_copy_of_the_same_start_gives_no_number_twice(servers, later):
    server = servers(**SETTINGS).start()
    for number in range(3):
        create_project(server, f"{number}")
    # From the same start, but without the projects created next; nobody writes meanwhile.
    older = take(server.data, "meta.sqlite")
    numbers = [create_project(server, "later")[0] for _ in range(later)]
    server.kill()
    put_back(server.data, "meta.sqlite", older)
    assert "meta.sqlite is an older copy" in refused(server)
    assert numbers == [4, 5, 6][:later]


def test_the_databases_of_another_folder_stop_the_start(servers, tmp_path):
    server, other = servers(**SETTINGS).start(), servers("other", **SETTINGS).start()
    for one in (server, other):
        fill(one)
        one.stop()
    remove(server.data, "meta.sqlite")
    shutil.copy(other.data / "meta.sqlite", server.data / "meta.sqlite")
    assert "belong to different data folders" in refused(server)


@pytest.mark.parametrize("name", ["inbox.sqlite", "meta.sqlite"])
def test_a_kill_during_the_first_start_is_no_loss(servers, name):
    """A kill between the writes of both databases' identity must not look like a lost file."""
    for turn in range(12):
        server = servers(f"data{turn}", **SETTINGS)
        server.start(wait=False)
        wait_for(f"{name} is made", (server.data / name).exists, every=0.0005)
        time.sleep(turn * 0.002)
        server.kill()
        server.start()
        project, key = create_project(server, "shop")
        post(server, key, ["/1"])
        settle(server)
        assert project == 1 and read_paths(server, key) == ["/1"]
        assert server.problems() == []
        server.stop()


def test_a_restored_folder_is_a_new_one(servers, tmp_path):
    """It starts, even if a project was created during the copy; files of the replaced folder do not match it."""
    server = servers(**SETTINGS).start()
    paths = fill(server)
    must_run("backup", tmp_path / "copy", data=server.data)
    later, _ = create_project(server, "later")
    server.stop()
    must_run("restore", tmp_path / "copy", data=server.data)
    server.start()
    for key, posted in paths.items():
        assert read_paths(server, key) == sorted(posted)
    assert create_project(server, "next")[0] == later + 1
    server.stop()
    (replaced,) = tmp_path.glob("data.before-restore-*")
    put_back(server.data, "meta.sqlite", {server.data / path.name: content for path, content in take(replaced, "meta.sqlite").items()})
    assert "belong to different data folders" in refused(server)

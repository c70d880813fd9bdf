"""The copy of a script's folder in which it runs: what is in it, and what is left of it afterwards."""

import pytest
from parity_engines import write_script

from parity import surroundings
from parity.surroundings import WorkingDirectoryError, copy_surroundings, prepare


@pytest.fixture
def lesson(tmp_path):
    """A script with all that may lie beside one."""
    folder = tmp_path / "lesson"
    for name in ("data/deep", ".git", "__pycache__", ".venv", "env", "out/lesson/torch"):
        (folder / name).mkdir(parents=True)
    for name in ("data/deep/x.txt", "a.csv", ".git/config", "__pycache__/a.pyc", "env/pyvenv.cfg", "env/big.py"):
        (folder / name).write_text(name)
    (folder / "data" / "back").symlink_to(folder)
    (folder / "link.csv").symlink_to(folder / "a.csv")
    (folder / "out" / "lesson" / "torch" / surroundings.PRINTED).touch()
    (folder / "a.csv").chmod(0o444)
    return write_script(folder, "train", "print(1)\n")


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {surroundings.PRINTED}


def test_everything_that_a_script_may_read_is_copied(lesson):
    directory = prepare(lesson.parent / "out" / "lesson" / "minigrad")
    copied = copy_surroundings(lesson, directory)
    assert copied.complete
    assert files_below(directory) == {"train.py", "a.csv", "link.csv", "data/deep/x.txt"}
    (directory / "a.csv").write_text("a copy may be written to, and what it was stays as it was")
    (directory / "link.csv").write_text("so may what was a link")
    assert (lesson.parent / "a.csv").read_text() == "a.csv"
    (directory / "data" / "deep" / "new.txt").write_text("new")

    copied.remove_unchanged()
    assert files_below(directory) == {"a.csv", "link.csv", "data/deep/new.txt"}, "what the script wrote"


def test_empty_folders_go_as_well(lesson, tmp_path):
    directory = prepare(tmp_path / "work")
    copy_surroundings(lesson, directory).remove_unchanged()
    assert [path.name for path in directory.iterdir()] == [surroundings.PRINTED]


@pytest.mark.parametrize(("limit", "value"), [("MOST_FILES", 2), ("MOST_BYTES", 20)])
def test_a_huge_folder_is_not_copied_whole_and_that_is_said(lesson, tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(surroundings, limit, value)
    directory = prepare(tmp_path / "work")
    assert not copy_surroundings(lesson, directory).complete
    assert "train.py" in files_below(directory), "the script itself comes first"
    assert len(files_below(directory)) <= 3


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(WorkingDirectoryError, match="choose another --out"):
        prepare(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_what_an_earlier_run_left_goes(tmp_path):
    (prepare(tmp_path / "work") / "model.pth").write_text("old")
    assert [path.name for path in prepare(tmp_path / "work").iterdir()] == [surroundings.PRINTED]

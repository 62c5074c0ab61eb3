"""What is kept between starts: learnt once, learnt again when its source changes, never trusted when damaged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot import learning


class Learner:
    """Counts how often it had to learn."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, int]:
        self.times += 1
        return {"learnt": self.times}


def test_what_was_learnt_is_found_again(tmp_path: Path) -> None:
    learn = Learner()
    first = learning.kept(tmp_path, "words", ["source"], learn)
    assert learning.kept(tmp_path, "words", ["source"], learn) == first == {"learnt": 1}


def test_another_source_is_learnt_anew_and_replaces_the_old(tmp_path: Path) -> None:
    learn = Learner()
    learning.kept(tmp_path, "words", ["source"], learn)
    assert learning.kept(tmp_path, "words", ["changed"], learn) == {"learnt": 2}
    assert len(list(tmp_path.glob("words-*.learnt"))) == 1


def test_a_damaged_file_is_learnt_anew(tmp_path: Path) -> None:
    learn = Learner()
    learning.kept(tmp_path, "words", ["source"], learn)
    (kept,) = tmp_path.glob("words-*.learnt")
    kept.write_bytes(b"\x80\x05broken")
    assert learning.kept(tmp_path, "words", ["source"], learn) == {"learnt": 2}


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    learn = Learner()
    learning.kept(None, "words", ["source"], learn)
    learning.kept(None, "words", ["source"], learn)
    assert learn.times == 2


def test_several_that_start_at_once_learn_once(tmp_path: Path) -> None:
    learn = Learner()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: learning.kept(tmp_path, "words", ["source"], learn), range(8)))
    assert found == [{"learnt": 1}] * 8

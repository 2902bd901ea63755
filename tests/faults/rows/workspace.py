"""The workspace is full, not writable, or holds something else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

from tests.faults.fault import Fault
from tests.faults.site import Site

LARGE = b"0123456789abcdef" * 200_000  # 3 MB
POWERS = "-dac_override,-dac_read_search,-fowner"


def disk_full(site: Site) -> Iterator[None]:
    """A file system of 1 MB, where we may mount one; else files of 1 MB are the limit."""
    site.get(site.file(content=LARGE))
    size = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", str(site.workspace)]
    if subprocess.run(size, capture_output=True).returncode:
        yield from _largest_file(site)
        return
    try:
        yield
        subprocess.run(["mount", "-o", "remount,size=20m", str(site.workspace)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(site.workspace)], check=True)


def file_too_large(site: Site) -> Iterator[None]:
    site.get(site.file(content=LARGE))
    yield from _largest_file(site)


def _largest_file(site: Site) -> Iterator[None]:
    site.prefix = ["bash", "-c", 'ulimit -f 1024; exec "$@"', "bash"]
    yield
    site.prefix = []


def read_only(site: Site) -> Iterator[None]:
    """Also for root, without whose powers the job runs."""
    site.get(site.file())
    if os.geteuid() == 0:
        site.prefix = ["setpriv", "--bounding-set", POWERS, "--inh-caps", POWERS]
    site.workspace.chmod(0o555)
    yield
    site.workspace.chmod(0o755)


def damaged_file_is_there(site: Site) -> Iterator[None]:
    path = site.get(site.file())
    site.write(path, b"damaged")
    yield


def half_a_dataset_is_there(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    name, content = next(iter(site.content[dataset].items()))
    site.write(f"data/{name}", content[:-1])
    yield


def directory_in_the_way(site: Site) -> Iterator[None]:
    path = site.get(site.file())
    (site.workspace / path).mkdir(parents=True)
    yield
    (site.workspace / path).rmdir()


def file_in_the_way(site: Site) -> Iterator[None]:
    site.get(site.file())
    site.write("data", b"mine")
    yield
    (site.workspace / "data").unlink()
    site.before.clear()


def link_out_of_the_workspace(site: Site) -> Iterator[None]:
    site.get(site.file())
    outside = site.directory / "outside"
    outside.mkdir()
    (site.workspace / "data").symlink_to(outside)
    yield
    assert not list(outside.iterdir())
    (site.workspace / "data").unlink()


def directory_holds_something_else(site: Site) -> Iterator[None]:
    dataset, _ = site.dataset()
    site.get(dataset, "data", "directory")
    site.write("data/mine.txt", b"precious")
    yield
    (site.workspace / "data" / "mine.txt").rename(site.workspace / "mine.txt")
    site.before = {"mine.txt": b"precious"}


def path_is_not_ascii(site: Site) -> Iterator[None]:
    """In the C locale Python 3.6 has no other characters in paths."""
    site.environment["LC_ALL"] = "C"
    site.get(site.file(), "donn\u00e9es/\u00fc.root")
    yield


def output_is_not_ascii(site: Site) -> Iterator[None]:
    site.environment["LC_ALL"] = "C"
    site.put("plot")
    (site.workspace / "results" / "plot").rename(site.workspace / "results" / "pl\u00f6t")
    site.uploads[0]["path"] = "results/pl\u00f6t"
    yield


def work_of_a_killed_run(site: Site) -> Iterator[None]:
    """It had another list of transfers, so that nobody will take it up: a run on a later day removes it."""
    site.get(site.file())
    folder = f".rucio-stage-{site.instance['name']}-0123456789ab"
    site.write(f"{folder}/get/user.alice/huge.root.part", b"x" * 1000)
    for path in (site.workspace / folder).glob("**/*"):
        os.utime(path, (1e9, 1e9))
    os.utime(site.workspace / folder, (1e9, 1e9))
    yield
    assert not (site.workspace / folder).exists()


FAULTS: tuple[Fault, ...] = (
    Fault("the disk is full", disk_full, 7, "workspace: .*(No space|too large)"),
    Fault("a file is larger than the file system takes", file_too_large, 7, "workspace: .*too large"),
    Fault("it is read-only", read_only, 7, "workspace: .*Permission", cwl=False),
    Fault("a damaged file is at the path", damaged_file_is_there),
    Fault("a part of the dataset is in its directory, damaged", half_a_dataset_is_there),
    Fault("a directory is in the way of a file", directory_in_the_way, 2, "data/f: is there, but is no file", plain=False),
    Fault("a file is in the way of a directory", file_in_the_way, 2, "data is a symbolic link or a file"),
    Fault("a link leads out of it", link_out_of_the_workspace, 2, "data is a symbolic link or a file", plain=False),
    Fault("the directory of a dataset holds something else", directory_holds_something_else, 6, "data/mine.txt does not"
          " belong to it", plain=False),
    Fault("a path is not ASCII, in the C locale", path_is_not_ascii),
    Fault("the path of an output is not ASCII, in the C locale", output_is_not_ascii),
    Fault("a killed run of another list left its work", work_of_a_killed_run, plain=False),
)  # fmt: skip

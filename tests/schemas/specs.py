"""Specifications to disagree about: valid ones that use everything, and what changes make of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]

STEP = {
    "name": "fit",
    "environment": "docker.io/library/python:3.12",
    "commands": ["mkdir -p results", "python fit.py ${events}"],
    "compute_backend": "kubernetes",
    "kerberos": False,
    "voms_proxy": True,
    "rucio": True,
    "unpacked_img": False,
    "unpacked_image": False,
    "kubernetes_cpu_request": "500m",
    "kubernetes_cpu_limit": "2",
    "kubernetes_memory_request": "128Mi",
    "kubernetes_memory_limit": "4Gi",
    "kubernetes_job_timeout": 3600,
    "kubernetes_uid": 500,
    "htcondor_max_runtime": "workday",
    "htcondor_accounting_group": "group_physics",
    "htcondor_request_cpus": "4",
    "htcondor_request_memory": "4 GB",
    "htcondor_request_disk": "10000000",
    "htcondor_requirements": '(Arch == "aarch64")',
    "slurm_partition": "photon",
    "slurm_time": "5",
    "c4p_cpu_cores": "8",
    "c4p_memory_limit": "20000",
    "c4p_additional_requirements": "RequestGPUs = 1",
}

DASK = {
    "image": "docker.io/library/dask:2024.1",
    "number_of_workers": 2,
    "single_worker_memory": "2Gi",
    "single_worker_threads": 4,
}

# One or more for each engine; together they hold every key that either line of REANA knows.
SPECS: dict[str, dict[str, Any]] = {
    "serial": {
        "version": "0.9.4",
        "inputs": {
            "files": ["code/fit.py", "data/events.csv"],
            "directories": ["data"],
            "parameters": {"events": "data/events.csv", "bins": 40},
            "options": {"CACHE": "on"},
        },
        "workflow": {
            "type": "serial",
            "resources": {"cvmfs": ["atlas.cern.ch", "sft.cern.ch"], "kerberos": True},
            "specification": {"steps": [STEP, {"environment": "alpine:3", "commands": ["true"]}]},
        },
        "outputs": {"files": ["results/plot.png"], "directories": ["results"]},
        "tests": {"files": ["tests/log.feature"]},
        "workspace": {"root_path": "/var/reana", "retention_days": {"**/*.tmp": 0, "results/*": 30}},
    },
    "serial-minimal": {
        "workflow": {
            "type": "serial",
            "specification": {"steps": [{"environment": "alpine:3", "commands": ["true"]}]},
        }
    },
    "serial-file": {
        "workflow": {
            "type": "serial",
            "file": "steps.json",
            "specification": {"steps": [{"environment": "alpine:3", "commands": ["true"]}]},
        }
    },
    "cwl": {
        "inputs": {"files": ["fit.C"], "parameters": {"input": "workflow/input.yaml"}},
        "workflow": {
            "type": "cwl",
            "file": "workflow/fit.cwl#main",
            "files": ["workflow/tool.cwl"],
            "directories": ["workflow/tools"],
            "parameters": {"file": "workflow/input.yaml"},
        },
        "outputs": {"files": ["outputs/plot.png"]},
    },
    "cwl-inline": {
        "workflow": {
            "type": "cwl",
            "specification": {"cwlVersion": "v1.2", "class": "Workflow", "inputs": [], "outputs": []},
        }
    },
    "yadage": {
        "inputs": {"directories": ["workflow"], "options": {"toplevel": "workflow"}},
        "workflow": {"type": "yadage", "file": "workflow.yaml"},
        "outputs": {"directories": ["fitdata"]},
    },
    "yadage-inline": {
        "workflow": {"type": "yadage", "specification": {"stages": [{"name": "fit"}], "steps": {}}},
    },
    "snakemake": {
        "inputs": {"files": ["Snakefile", "config.yaml"], "parameters": {"input": "config.yaml"}},
        "workflow": {
            "type": "snakemake",
            "file": "Snakefile",
            "resources": {"kerberos": False, "voms_proxy": True, "rucio": True, "dask": DASK},
        },
        "workspace": {"retention_days": {"data": 7}},
    },
}

# fmt: off
# A value of each JSON type, and the ones that are easily taken for another.
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1.5, "", "text", "true", "7",
    [], ["text"], [None], [[]], {}, {"key": "text"},
]

# Values that are worth trying under one key only.
SPECIAL: dict[str, list[Any]] = {
    "type": ["serial", "cwl", "yadage", "snakemake", "Serial", "nextflow"],
    "compute_backend": ["kubernetes", "htcondorcern", "slurmcern", "compute4punch", "Kubernetes", "local"],
    "kubernetes_memory_limit": [
        "256", "256Mi", "1.5G", "1.5", ".5G", "5.G", "256 Mi", "256mi", "256MB", "256Mii", "Mi", "about 256Mi",
        "-1G", "256Mi\n", "256Mi ", "1e3", "8Ki", "8Ei", "8Zi",
    ],
    "htcondor_max_runtime": [
        "3600", "espresso", "microcentury", "longlunch", "workday", "tomorrow", "testmatch", "nextweek",
        "Workday", "workday\n", "3600\n", " 3600", "1.5", "-1", "1h", "workdays", "7espresso", "0",
    ],
    "htcondor_request_cpus": ["4", "0", "000", "010", "4\n", "\n", " 4", "-4", "+4", "4.0", "1e1", "four"],
    "htcondor_request_memory": [
        "4000", "4K", "4KB", "4 kB", "4 gb", "4GB\n", "4 \n", "4\n", "\n", " 4", "0", "0G", "04", "4Gi", "4B",
        "4 TBs", "4  t", "1.5G", "4 G B",
    ],
    "htcondor_request_disk": ["1", "4T", "4tb ", "4Ti", "x"],
    "htcondor_requirements": [" ", "\n", " x "],
    "cvmfs": [
        ["atlas.cern.ch", "atlas.cern.ch"], ["a" * 60], ["a" * 61], ["a b"], ["-a"], ["a\n"], ["a_b-c.d"], [""],
    ],
    "retention_days": [{"a": 1.0}, {"a": -1}, {"a": "1"}, {"a": None}, {"a": True}, {"": 1}, {"/a": 1}],
    "image": [
        "dask", "dask:1", "lib/dask", "a/b/c:1", "ghcr.io/a/b:1", "ghcr.io:443/a/b", "localhost:5000/a",
        "dask@sha256:" + "0" * 64, "dask:1@sha256:" + "f" * 64, "dask@sha256:" + "0" * 63, "a.b:x/c", "a//b", "/a",
        "a/", "a:b:c", "a b", "é", "a\n", ".", "A/B", "a.:1/b", "a_b.c:1/d", ".a:1/b", "a..b:1/c",
    ],
    "single_worker_memory": [
        "2Gi", "2G", "2K", "2Ki", "02Gi", "2", "2.5Gi", "2gi", "2 Gi", "2Gi\n", "2Zi", "2GiB",
    ],
}
# fmt: on

# Keys that are unknown in most places, and names that REANA's reading of its own messages may stumble over.
EXTRA_KEYS = ("extra", "it's", 'a "b" (c)', "files", "rucio", "kubernetes_uid", "additionalProperties")


def mutations(spec: Any) -> Iterator[Any]:
    """Each variant of the specification with another value, no value or one more value at one of its places."""
    for path, value in places(spec):
        for new in VALUES + SPECIAL.get(path[-1] if path else "", []):
            yield changed(spec, path, new)
        if path:
            yield removed(spec, path)
        if isinstance(value, dict):
            for name in EXTRA_KEYS:
                yield changed(spec, (*path, name), value.get(name, "text"))
        if isinstance(value, list):
            yield changed(spec, path, value + value[:1])
            for length in (1000, 1001):
                yield changed(spec, path, [f"path-{number}" for number in range(length)])
            for new in VALUES:
                yield changed(spec, path, [*value, new])


def places(spec: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every place in the specification, the whole first, with what stands there."""
    yield path, spec
    if isinstance(spec, (dict, list)):
        for key in spec if isinstance(spec, dict) else range(len(spec)):
            yield from places(spec[key], (*path, key))


def changed(spec: Any, path: Path, new: Any) -> Any:
    """A copy of the specification with another value at the path; its parent must exist."""
    if not path:
        return copy.deepcopy(new)
    result = copy.deepcopy(spec)
    _parent(result, path)[path[-1]] = copy.deepcopy(new)
    return result


def removed(spec: Any, path: Path) -> Any:
    """A copy of the specification without the key or item at the path."""
    result = copy.deepcopy(spec)
    del _parent(result, path)[path[-1]]
    return result


def _parent(spec: Any, path: Path) -> Any:
    for key in path[:-1]:
        spec = spec[key]
    return spec


def mutated_repeatedly() -> st.SearchStrategy[Any]:
    """Specifications with several changes at once, each possibly inside what the one before it put there."""
    return st.sampled_from(sorted(SPECS)).flatmap(lambda name: _mutated(SPECS[name]))


@st.composite
def _mutated(draw: st.DrawFn, spec: Any) -> Any:
    for _ in range(draw(st.integers(2, 5))):
        path, value = draw(st.sampled_from(list(places(spec))))
        special = SPECIAL.get(path[-1] if path else "", [])
        action = draw(st.sampled_from(["change", "remove", "add", "transplant"]))
        if action == "remove" and path:
            spec = removed(spec, path)
        elif action == "add" and isinstance(value, dict):
            key = draw(st.sampled_from(_KEYS) | st.text(max_size=8))
            spec = changed(spec, (*path, key), draw(st.sampled_from(VALUES)))
        elif action == "transplant" and path:
            other = SPECS[draw(st.sampled_from(sorted(SPECS)))]
            spec = changed(spec, path, draw(st.sampled_from(list(places(other))))[1])
        elif path:
            spec = changed(spec, path, draw(st.sampled_from(VALUES + special)))
    return spec


# Every key of every specification: known to REANA, and likely to stand in the wrong place.
_KEYS: list[str] = sorted(
    {key for spec in SPECS.values() for path, _ in places(spec) for key in path if isinstance(key, str)}
)

"""What a machine lets a process have, from files as Linux shows them."""

import os
from types import SimpleNamespace

import pytest

from sdd.runtime.capacity import free_bytes, memory_bytes, usable_cores

GIB = 2**30


@pytest.fixture
def linux(tmp_path):
    """Folders of control groups, of a process in the group /job/step; of both versions' forms."""

    def make(own="0::/job/step\n", **limits):
        places = {
            "meminfo": tmp_path / "meminfo",
            "own_groups": tmp_path / "cgroup",
            "groups": tmp_path / "groups",
        }
        places["meminfo"].write_text(f"MemTotal:       {8 * GIB // 1024} kB\nMemFree: 1 kB\n")
        places["own_groups"].write_text(own)
        for path, text in limits.items():
            file = places["groups"] / path.replace("__", "/").replace("_dot_", ".")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return places

    return make


def test_memory_is_the_machine_s_where_nothing_limits_it(linux):
    assert memory_bytes(**linux(job__step__memory_dot_max="max\n")) == 8 * GIB


def test_memory_is_that_of_the_narrowest_group_above(linux):
    limits = {
        "job__memory_dot_max": f"{2 * GIB}\n",
        "job__step__memory_dot_max": f"{4 * GIB}\n",
    }
    assert memory_bytes(**linux(**limits)) == 2 * GIB


def test_memory_of_a_container_that_sees_its_own_group_as_the_root(linux):
    assert memory_bytes(**linux("0::/\n", memory_dot_max=f"{GIB}\n")) == GIB


def test_memory_under_control_groups_of_version_1(linux):
    own = "7:cpu,cpuacct:/job\n4:memory:/job\n"
    limits = {
        "memory__job__memory_dot_limit_in_bytes": f"{3 * GIB}\n",
        "memory__memory_dot_limit_in_bytes": "9223372036854771712\n",
    }
    assert memory_bytes(**linux(own, **limits)) == 3 * GIB


def test_memory_is_unknown_without_proc(tmp_path):
    none = tmp_path / "none"
    assert memory_bytes(none, none, none) is None


def test_cores_are_those_allowed_and_paid_for(linux):
    places = linux(job__cpu_dot_max="150000 100000\n", job__step__cpu_dot_max="max 100000\n")
    groups = {name: places[name] for name in ("own_groups", "groups")}
    assert usable_cores(8, **groups) == 1
    (places["groups"] / "job/cpu.max").write_text("400000 100000\n")
    assert usable_cores(8, **groups) == 4
    assert usable_cores(2, **groups) == 2


def test_free_disk_is_that_of_the_nearest_folder_that_is_there(tmp_path):
    asked = []

    def statvfs(folder):
        asked.append(folder)
        return SimpleNamespace(f_bavail=3, f_frsize=4096, f_bfree=100)

    assert free_bytes(tmp_path / "results/demo", statvfs) == 3 * 4096
    assert asked == [tmp_path]
    disk = os.statvfs(tmp_path)
    assert free_bytes(tmp_path) == pytest.approx(disk.f_bavail * disk.f_frsize, rel=0.5)

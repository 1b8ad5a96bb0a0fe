"""How much an installation is, from the lock, and what a small disk is told."""

import importlib.util
import tomllib

import pytest

from tests.helpers.paths import CHECKOUT

_SPEC = importlib.util.spec_from_file_location("install", CHECKOUT / "envs/install.py")
install = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(install)

LINUX = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("python_full_version < '3.12'", True),
        ("python_full_version >= '3.9'", True),
        ("python_full_version == '3.11.*' and sys_platform == 'linux'", True),
        ("python_full_version == '3.14.*'", False),
        ("sys_platform == 'win32' or platform_machine != 'aarch64'", True),
        ("(os_name == 'nt' or os_name == 'posix') and python_version > '3.11'", False),
    ],
)
def test_markers_are_read_as_packages_mean_them(marker, expected):
    assert install.holds(marker, LINUX) == expected


def wheel(tags, size):
    return {"url": f"https://files/a/torch-2.0-{tags}.whl", "size": size}


def test_the_wheel_of_this_machine_counts():
    package = {
        "wheels": [
            wheel("cp311-cp311-manylinux_2_28_x86_64", 500),
            wheel("cp311-cp311-manylinux_2_28_aarch64", 900),
            wheel("cp312-cp312-manylinux_2_28_x86_64", 800),
            wheel("cp311-cp311-musllinux_1_2_x86_64", 700),
            wheel("cp311-cp311-win_amd64", 600),
        ],
        "sdist": {"size": 1000},
    }
    assert install.download_bytes(package, LINUX) == 500
    assert install.download_bytes({"wheels": [wheel("cp38-abi3-manylinux_x86_64", 5)]}, LINUX) == 5
    assert install.download_bytes({"wheels": [wheel("py3-none-any", 6)]}, LINUX) == 6
    assert install.download_bytes({"wheels": [], "sdist": {"size": 7}}, LINUX) == 7


def test_needed_packages_follow_markers_and_extras():
    lock = {
        "package": [
            {
                "name": "mine",
                "dependencies": [
                    {"name": "a", "extra": ["more"]},
                    {"name": "b", "marker": "sys_platform == 'win32'"},
                    {"name": "d", "version": "1"},
                ],
                "dev-dependencies": {"dev": [{"name": "c"}], "study": [{"name": "h"}]},
                "optional-dependencies": {"figures": [{"name": "f"}], "all": [{"name": "g"}]},
            },
            {"name": "a", "version": "1", "optional-dependencies": {"more": [{"name": "e"}]}},
            *({"name": name, "version": "1"} for name in "bcdefgh"),
            {"name": "d", "version": "2"},
        ]
    }
    found = install.needed_packages(lock, "mine", LINUX)
    assert sorted((one["name"], one["version"]) for one in found) == [
        (name, "1") for name in "acdefg"
    ]


def test_the_lock_is_some_gigabytes():
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text(encoding="utf-8"))
    packages = install.needed_packages(lock, "sdd-grpo", LINUX)
    sizes = {package["name"]: install.download_bytes(package, LINUX) for package in packages}
    assert all(sizes.values())
    assert {"torch", "rich", "snakemake", "matplotlib", "pytest"} <= set(sizes)
    assert 1e9 < sum(sizes.values()) < 10e9


def test_a_small_disk_is_told_ahead(tmp_path):
    assert install.check_disk(tmp_path, 6.9e9, 7e9, first=True) == ""
    said = install.check_disk(tmp_path, 6.9e9, 5e9, first=False)
    assert said == (
        f"Disk: 6.9 GB will be written to {tmp_path}, where 5.0 GB are free. Make room, or clone "
        "to a larger disk."
    )
    with pytest.raises(SystemExit, match=r"Disk: 6\.9 GB"):
        install.check_disk(tmp_path, 6.9e9, 5e9, first=True)

"""What a machine lets this process have: memory, cores and disk."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def free_bytes(folder: Path, statvfs: Callable[[Path], os.statvfs_result] = os.statvfs) -> int:
    """Return the bytes that may still be written to a folder, which need not be there yet."""
    place = folder.absolute()
    there = next(above for above in (place, *place.parents) if above.exists())
    disk = statvfs(there)
    return disk.f_bavail * disk.f_frsize


def memory_bytes(
    meminfo: Path = _MEMINFO, own_groups: Path = _OWN_GROUPS, groups: Path = _GROUPS
) -> int | None:
    """Return the machine's memory, or the limit of a control group that this process is in.

    A container, a Slurm job and a limit of systemd are control groups. None where neither is
    known, as on systems that have no ``/proc``.

    Parameters
    ----------
    meminfo, own_groups, groups
        Where Linux shows these.
    """
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    sizes = [1024 * int(line.split()[1]) for line in lines if line.startswith("MemTotal:")]
    names = ("memory.max", "memory.limit_in_bytes")
    limits = [int(text) for text in _limits(names, own_groups, groups) if text.isdecimal()]
    return min([*sizes, *limits], default=None)


def usable_cores(
    allowed: int | None = None, own_groups: Path = _OWN_GROUPS, groups: Path = _GROUPS
) -> int:
    """Return the cores that this process may keep busy; 1 if it is allowed a part of one.

    Parameters
    ----------
    allowed
        Cores that it may run on; by default what the system says.
    """
    counted = allowed or _allowed_cores()
    for text in _limits(("cpu.max",), own_groups, groups):
        quota, period = text.split()
        if quota != "max":
            counted = min(counted, max(1, int(quota) // int(period)))
    return counted


def _allowed_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _limits(names: tuple[str, ...], own_groups: Path, groups: Path) -> Iterator[str]:
    """Read limits of the groups that this process is in, and of all groups above them."""
    try:
        lines = own_groups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        # `0::/path` of version 2; `4:memory:/path` of version 1, in a folder of that name.
        _, controllers, path = line.split(":", 2)
        top = groups / controllers
        own = top / path.lstrip("/")
        for folder in (own, *own.parents):
            for name in names:
                try:
                    yield (folder / name).read_text(encoding="ascii").strip()
                except OSError:
                    continue
            if folder == top:
                break

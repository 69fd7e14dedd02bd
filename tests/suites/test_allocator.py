"""What is freed is there for the next layer."""

import subprocess
import sys

import pytest

LAYERS = """
import ctypes, resource, sys
from harness.suites.allocator import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.memset.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
libc.free.argtypes = (ctypes.c_void_p,)
size = 20 << 20
if sys.argv[1] == "kept":
    keep_freed_memory()

def layers():
    held = [libc.malloc(size) for _ in range(5)]
    for each in held:
        libc.memset(each, 1, size)
    for each in held:
        libc.free(each)

def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

layers()
before = page_faults()
layers()
print(page_faults() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="an option of glibc's allocator")
def test_freed_memory_is_not_asked_of_the_system_again() -> None:
    asked = {way: _page_faults(way) for way in ("as it is", "kept")}
    assert asked["kept"] < 100 < asked["as it is"]


def _page_faults(way: str) -> int:
    done = subprocess.run([sys.executable, "-c", LAYERS, way], capture_output=True, text=True, check=True)
    return int(done.stdout)

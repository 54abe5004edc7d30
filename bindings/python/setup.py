"""Marks a wheel that contains the library as one for this system. Everything else is in pyproject.toml.

scripts/wheel copies the library into the package and builds such a wheel. Without the library, the wheel
is for any system, and the package searches for an installed library.
"""

import pathlib

from setuptools import Distribution, setup

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

HAS_LIBRARY = (pathlib.Path(__file__).parent / "src/mgm/libmgm.so.1").exists()


class Binary(Distribution):
    def has_ext_modules(self):
        return HAS_LIBRARY


class Wheel(bdist_wheel):
    def get_tag(self):
        # The package calls the library by ctypes, so it suits every version of Python.
        return ("py3", "none", super().get_tag()[2] if HAS_LIBRARY else "any")


setup(distclass=Binary, cmdclass={"bdist_wheel": Wheel})

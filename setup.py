"""Only what pyproject.toml cannot say: the extension module that cffi builds."""

from setuptools import setup

setup(cffi_modules=["host_sim/nullwatt/core/_build.py:ffibuilder"])

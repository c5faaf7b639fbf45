"""The embedded CARLA-compatible server: another program, reached over TCP."""

from synthgen.simserver import compile_cache

compile_cache.prepare()

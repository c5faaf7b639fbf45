"""The kernel cache follows the content of a package."""

from pathlib import Path

from synthgen.simserver.compile_cache import PackageLocator, package_digest


def test_digest_changes_with_any_kernel_of_the_package(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, body in ((one, "x = 1"), (two, "x = 2")):
        folder.mkdir()
        (folder / "a.py").write_text("@njit\ndef f(): pass\n")
        (folder / "b.py").write_text(f"@fast_njit\ndef g():\n    {body}\n")
    assert package_digest(one) != package_digest(two)


def test_digest_ignores_files_without_kernels(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, body in ((one, "x = 1"), (two, "x = 2")):
        folder.mkdir()
        (folder / "a.py").write_text("@njit\ndef f(): pass\n")
        (folder / "c.py").write_text(body)
    assert package_digest(one) == package_digest(two)


def test_code_without_a_file_has_no_locator() -> None:
    assert PackageLocator.from_function(compile, "<string>") is None

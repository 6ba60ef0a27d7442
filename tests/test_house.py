"""The house rules that a machine can check: who imports whom, how long a file is, what start-up may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("heads", "vlm", "train", "benchmarks")
MAY_IMPORT = {
    "heads": {"heads"},
    "vlm": {"vlm", "heads"},
    "train": {"train", "vlm", "heads"},
    "benchmarks": {"benchmarks", "vlm", "heads"},
}
LONGEST = 400
FORBIDDEN = {"torchvision", "pickle", "dill", "joblib"}

FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def imported(source: str, package: str = "") -> set[str]:
    """Every module that a file of `package` imports anywhere in it, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def imported_at_once(path: Path) -> set[str]:
    """Our own modules that importing this one runs, directly: not those inside functions or TYPE_CHECKING."""
    found: set[str] = set()

    def walk(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.update(imported(ast.unparse(node), package_of(path)))
            elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
                walk(node.body + node.orelse)
            elif isinstance(node, ast.Try):
                walk(node.body)

    walk(ast.parse(path.read_text(encoding="utf-8")).body)
    return found


def modules() -> dict[str, Path]:
    names = {}
    for path in FILES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def test_all_four_packages_are_here():
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(PACKAGES)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_keep_to_the_house(path):
    package = path.relative_to(ROOT).parts[0]
    found = {name.split(".")[0] for name in imported(path.read_text(encoding="utf-8"), package_of(path))}
    assert found & set(PACKAGES) <= MAY_IMPORT[package]
    assert "tests" not in found
    assert not found & FORBIDDEN


def test_the_check_sees_every_kind_of_import():
    source = "import vlm.scene\ndef f():\n    from train import run\nif 1:\n    import torchvision.ops as o\n"
    assert {name.split(".")[0] for name in imported(source)} == {"vlm", "train", "torchvision"}
    assert imported("from . import a\nfrom .b import c\nfrom ..d import e", "train.worlds") >= {
        "train.worlds.a", "train.worlds.b", "train.worlds.b.c", "train.d.e"
    }  # fmt: skip


def test_no_circles():
    known = modules()
    edges = {name: (imported_at_once(path) & known.keys()) - {name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above, name])
        if name not in done:
            for other in sorted(edges[name]):
                visit(other, (*above, name))
            done.add(name)

    for name in sorted(known):
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_has_400_lines_at_most(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=name_of)
def test_nobody_needs_torchvision_or_remote_code(path):
    source = path.read_text(encoding="utf-8")
    assert "torchvision" not in {name.split(".")[0] for name in imported(source, package_of(path))}
    if path in FILES:
        for node in ast.walk(ast.parse(source)):
            assert not (isinstance(node, ast.keyword) and node.arg in ("trust_remote_code", "allow_pickle")
                        and getattr(node.value, "value", True) is not False)  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", [[], ["look"], ["chat"], ["train"], ["bench"]])
def test_help_comes_without_the_heavy_libraries(command):
    code = f"""
import sys
sys.argv = ["fathom", *{command!r}, "--help"]
from vlm.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code
heavy = {{"torch", "transformers", "matplotlib", "trimesh", "scipy"}} & sys.modules.keys()
print("HEAVY", sorted(heavy))
"""
    out = python(code)
    assert "HEAVY []" in out and "Usage" in out


@pytest.mark.parametrize("module", ["heads.camera", "vlm.images", "vlm.files", "vlm.records"])
def test_cameras_images_and_files_need_no_torch(module):
    assert python(f"import sys, {module}; print('torch' in sys.modules)").strip() == "False"

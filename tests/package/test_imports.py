"""`import xent` imports no array library, and only the file named after a library knows it."""

import ast
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import xent
from xent._check import names

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    "numpy",
    "torch",
    "jax",
    "dask",
    "cupy",
    "array_api_strict",
    "ml_dtypes",
    "scipy",
    "keras",
)
SOURCE = Path(xent.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
KNOWS = {
    "numpy": ("numpy",),
    "torch": ("torch", "numpy"),
    "cupy": ("cupy",),
    "jax": ("jax", "numpy"),
    "dask": ("dask", "numpy"),
    "keras": ("keras",),
}
"""What the files of a library may import; JAX's and Dask's arrays are NumPy's underneath, torch's lent."""


def loaded_by(code):
    """Return the libraries that a fresh process has imported after ``code``."""
    show = f"import sys; print(*[m for m in {LIBRARIES!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["xent", "xent.nn"])
def test_importing_xent_imports_no_library(module):
    assert loaded_by(f"import {module}") == set()


@pytest.mark.parametrize("library", ["numpy", "array_api_strict"])
def test_this_test_can_fail(library):
    pytest.importorskip(library)
    assert library in loaded_by(f"import xent, {library}")


def test_a_call_imports_its_own_library_only():
    call = "import xent, numpy; xent.cross_entropy([0], logits=numpy.zeros((1, 2)))"
    assert not loaded_by(call) & {"torch", "jax", "dask", "cupy"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("xent.entropy([0.5, 0.5])", "probs is of numbers without an array"),
        ("xent.cross_entropy([0], logits=[[1.0, 2.0]])", "logits and target are numbers without"),
    ],
)
def test_numbers_alone_need_numpy(call, said):
    """Where NumPy is missing, which no library but JAX and Dask brings."""
    code = f"import sys; sys.modules['numpy'] = None; import xent; {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ModuleNotFoundError: {said}")
    assert "pip install numpy" in last


@pytest.mark.parametrize(
    ("library", "code", "said"),
    [
        ("torch", "import xent.nn.torch", 'xent.nn.torch needs torch{} "array-api-xent[torch]"'),
        ("keras", "import xent.nn.keras", "xent.nn.keras needs keras{} keras"),
        ("numpy", "import xent.testing", 'xent.testing needs numpy{} "array-api-xent[numpy]"'),
        (
            "array_api_strict",
            "from xent.testing import libraries; libraries.library('array_api_strict')",
            "libraries='array_api_strict' needs array_api_strict{} \"array-api-xent[strict]\"",
        ),
        (
            "jax",
            "from xent.testing import libraries; libraries.library('jax')",
            "libraries='jax' needs jax{} \"array-api-xent[jax]\"",
        ),
    ],
)
def test_what_needs_a_library_says_what_installs_it(library, code, said):
    if library != "numpy":
        pytest.importorskip("numpy")
    code = f"import sys; sys.modules[{library!r}] = None; {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    wanted = said.format(", which is not installed: pip install")
    assert done.stderr.splitlines()[-1] == f"ModuleNotFoundError: {wanted}"


@pytest.mark.parametrize("library", sorted(names.EXTRAS))
def test_each_extra_that_is_named_is_there(library):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = extras["optional-dependencies"][names.EXTRAS[library]]
    assert asked[0].replace("-", "_").startswith(library)


def library_of(path):
    """Return the library under whose name a file stands: `nn/keras.py`, or one in `engines/torch/`."""
    first, *rest = path.relative_to(SOURCE).parts
    return rest[0].removesuffix(".py") if first in ("engines", "nn", "testing") else None


def known_to(path):
    """Return what a file may import; the laws of `xent.testing` are written in NumPy's arrays."""
    known = set(KNOWS.get(library_of(path), ()))
    return known | {"numpy"} if path.parent.name == "testing" else known


def imported(path):
    """Return the top-level packages that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in {path}"
            yield node.module.partition(".")[0]


def modules(path):
    """Return the modules of xent that a file imports, whether for its types only or not."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_file_named_after_a_library_knows_it(path):
    assert set(imported(path)) & set(LIBRARIES) <= known_to(path)


def test_there_are_files_to_look_at():
    assert len(FILES) > 20
    assert {library_of(f) for f in FILES} >= set(KNOWS)


def inside(folder):
    return pytest.mark.parametrize(
        "path",
        [f for f in FILES if f.relative_to(SOURCE).parts[0] == folder],
        ids=lambda path: str(path.relative_to(SOURCE / folder)),
    )


VOCABULARY = {"xent._elementary", "xent._math", "xent._ratios", "xent._series"}
FORMULAS = {*VOCABULARY, "xent._kernel", "xent._typing", "xent.kernels"}
"""What a formula may know."""


@inside("kernels")
def test_formulas_know_the_contract_and_their_vocabulary(path):
    names = {n for n in modules(path) if n.startswith("xent")} - {"xent"}
    assert not [n for n in names if not any(f"{n}.".startswith(f"{f}.") for f in FORMULAS)]
    assert "array_api_compat" not in set(modules(path))


@inside("losses")
def test_losses_run_nothing(path):
    assert not [n for n in modules(path) if n.startswith("xent.engines")]


@inside("engines")
def test_engines_know_no_loss(path):
    assert not [n for n in modules(path) if n.startswith(("xent.losses", "xent.kernels"))]


def name_of(path):
    """Return the name of the module that a file is."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def test_imports_go_one_way():
    """Those inside functions are counted too; a circle is named by the error."""
    names = {name_of(path) for path in FILES}
    graph = {}
    for path in FILES:
        found = set(modules(path)) & names
        packages = {n for n in found if any(other.startswith(f"{n}.") for other in found)}
        graph[name_of(path)] = found - packages - {name_of(path)}
    TopologicalSorter(graph).prepare()


APART = {
    "xent": {"nn": "xent.nn.torch or xent.nn.keras", "testing": "xent.testing"},
    "xent.nn": {"torch": "xent.nn.torch", "keras": "xent.nn.keras"},
}
"""What a module does not import by itself, and what is to be imported."""


@pytest.mark.parametrize("module", APART)
def test_what_is_not_imported_says_so(module):
    code = f"""
import {module} as m
for name in {[*APART[module], "softmin"]}:
    assert not hasattr(m, name)
    try:
        getattr(m, name)
    except AttributeError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *apart, other = done.stdout.splitlines()
    for line, (name, path) in zip(apart, APART[module].items(), strict=True):
        lacks = f"module {module!r} has no attribute {name!r}"
        assert line == f"{lacks}; it is imported by itself: import {path}"
    assert other == f"module {module!r} has no attribute 'softmin'"


def test_the_examples_of_the_rules_would_be_found(tmp_path):
    file = tmp_path / "loss.py"
    file.write_text("def f():\n    from torch import nn\n    import xent.engines.numpy\n")
    assert set(imported(file)) == {"torch", "xent"}
    assert [n for n in modules(file) if "engine" in n]

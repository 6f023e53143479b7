"""Every check of the project. `nox` alone runs what each change must pass on a machine without a GPU.

Each session installs the package as a user would, from the wheel that pip builds, and `src/` is
never on the path. A session that is named after a library fails where that library is missing.
"""

import os
import re
import shutil
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "virtualenv"  # so that pip, as configured, installs
nox.options.reuse_venv = "yes"
os.environ.setdefault(
    "PIP_COMPILE", "0"
)  # what is imported compiles itself; all of torch takes longer

PYPROJECT = nox.project.load_toml("pyproject.toml")
LIBRARIES = ("numpy", "strict", "torch", "jax", "dask", "cupy")
DESKTOP = LIBRARIES[:-1]
SUITE = "conformance"
"""The folder of the other distribution, which has the version of this one and is released with it."""
ON_GPU = ("cupy",)
CUDA = {"cupy": "cupy", "jax": "jax-cuda", "torch": "torch"}
"""The extra that installs each library for a GPU."""
EVERY = {"XENT_EVERY": "1"}
"""What has the tests try every loss where each costs a compilation, or processes; else they try some."""
BRIEFLY = ("--one-in=16",)
"""What has them try a sixteenth of each test's cases on a library but NumPy; `nox -s every` tries all."""
COSTLY = ("jax",)
"""Where each conformance case is a compilation: `nox` tries one in four; `nox -s every` tries all."""
SHARED = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
"""Has no thread spin while it waits: those of one test process would on another's cores."""
PROCESSES = f"--processes={len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else 1}"
"""Has the conformance suite share its cases, but on a GPU, of which there is one."""
SEEN = ["--system-site-packages"]
"""How an environment sees what the machine has installed."""
# These use several libraries at once; the doctest session has them all.
DOCUMENTATION = ("tests/documents", "tests/benchmarks", "tests/keras")


def group(*names: str) -> tuple[str, ...]:
    """Return what the dependency groups list."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def install(session: nox.Session, *extras: str, groups: tuple[str, ...] = ()) -> None:
    """Install the package with its extras; torch in the one version that is tested."""
    pinned = ("torch",) if "torch" in extras else ()
    session.install(f".[{','.join(extras)}]" if extras else ".", *group(*groups, *pinned))


def install_for_gpu(session: nox.Session, *libraries: str, groups: tuple[str, ...]) -> None:
    """Install the package, and the libraries where none of them is there.

    A machine that has one is used as it is: another one's CUDA beside that of the first would not load.
    """
    ask = f"from importlib.util import find_spec; print(*filter(find_spec, {libraries!r}))"
    there = session.run("python", "-c", ask, silent=True)
    install(session, *([] if there.split() else map(CUDA.get, libraries)), groups=groups)


def need_gpu(session: nox.Session) -> None:
    """Skip, with a word, where there is no GPU."""
    if shutil.which("nvidia-smi") is None:
        session.skip("there is no GPU here: nvidia-smi is not on the path")


def pytest(session: nox.Session, *libraries: str, options: tuple[str, ...] = ()) -> None:
    """Run the tests of some libraries; one that is missing is an error."""
    chosen = [f"--{option}={name}" for name in libraries for option in ("backend", "require")]
    ignored = [f"--ignore={path}" for path in DOCUMENTATION]
    parallel = ("-n=auto", "--dist=worksteal")
    words = ("tests", *parallel, *chosen, *ignored, *options, *session.posargs)
    session.run("pytest", *words, env=SHARED)


def suite(session: nox.Session, library: str, *options: str) -> None:
    """Run the conformance suite on a library."""
    words = ("python", "-m", "conformance", "--backend", library, "--quiet")
    shared = [] if library in ON_GPU else [PROCESSES]
    session.run(*words, *shared, *options, env=SHARED)


@nox.session
def lint(session: nox.Session) -> None:
    """The rules and the format of every Python file."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types in src/; no library is installed, as none is imported."""
    session.install(*group("types"))
    session.run("mypy")


@nox.session
def typing(session: nox.Session) -> None:
    """Users' scripts under two type checkers: an error where a line says that it is wrong, nowhere else."""
    install(session, "numpy", "torch", "jax", "dask", groups=("typing",))
    session.chdir("tests/typing")  # where the package is not found but where it is installed
    wrong = {
        (path.name, str(number))
        for path in Path().glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.endswith("# wrong")
    }
    unannotated = "../../examples/phuber_loss.py"  # which mypy, if strict, refuses as such
    for checker in (("mypy", "--strict", "--config-file="), ("pyright", unannotated)):
        said = session.run(*checker, ".", success_codes=[1], silent=True)
        found = set(re.findall(r"(\w+\.py):(\d+)\D.* error: ", said))
        if found != wrong:
            session.error(
                f"{said}\n{checker[0]} misses {wrong - found}, and rejects {found - wrong}"
            )


def _register(library: str) -> None:
    """Make the two sessions of a library."""
    default = library not in ON_GPU
    made = {"default": default, "venv_params": [] if default else SEEN}

    def prepare(session: nox.Session, groups: tuple[str, ...]) -> None:
        if default:
            install(session, library, groups=groups)
        else:
            need_gpu(session)
            install_for_gpu(session, library, groups=groups)

    @nox.session(name=f"tests-{library}", **made)
    def tests(session: nox.Session) -> None:
        prepare(session, ("test",))
        pytest(session, library, options=BRIEFLY if default else ())

    @nox.session(name=f"conformance-{library}", **made)
    def conformance(session: nox.Session) -> None:
        prepare(session, ("conformance",))
        suite(session, library, *(["--one-in=4"] if library in COSTLY else []), *session.posargs)

    tests.__doc__ = f"The tests on {library}."
    conformance.__doc__ = f"The documents' values on {library}."


for _library in LIBRARIES:
    _register(_library)


@nox.session
def doctest(session: nox.Session) -> None:
    """Every example: in docstrings, in the README, in examples/."""
    groups = ("test", "example", "peers", "bench", "boosting", "frameworks")
    install(session, "numpy", "torch", "jax", "dask", groups=groups)
    alone = SHARED | {"OMP_NUM_THREADS": "1"}  # examples are processes of their own
    keras = {"KERAS_BACKEND": "numpy"}  # which nobody else has chosen
    cupy = "--ignore-glob=/*/engines/cupy/*"  # which can't be imported without a GPU
    every = ("-n=auto", "--doctest-modules", cupy, "--pyargs", "xent", *session.posargs)
    session.run("pytest", *every, env=alone | keras)
    required = [f"--require={library}" for library in ("numpy", "torch", "jax")]
    mixed = "tests/laws/test_mixed.py"  # two libraries in one call
    words = ("-n=auto", *required, *DOCUMENTATION, mixed, *session.posargs)
    session.run("pytest", *words, env=alone)


@nox.session
def build(session: nox.Session) -> None:
    """The sdist and the wheel, the suite's too, and the tests of the package against that wheel."""
    session.install(*group("build", "test"))
    wheel, suite = _built(session), _built(session, SUITE)
    contents = zipfile.ZipFile(wheel).namelist()
    strangers = [name for name in contents if not name.startswith(("xent/", "array_api_xent-"))]
    if "xent/py.typed" not in contents or strangers:
        session.error(f"the wheel holds {strangers}, or lacks py.typed: {contents}")
    session.install("--force-reinstall", "--no-deps", str(wheel), str(suite))
    session.install(f"{wheel}[numpy]", str(suite))
    session.run("pytest", "tests/package", "--backend=numpy", *session.posargs)
    session.chdir(session.create_tmp())  # where `conformance` is what was installed
    session.run("python", "-m", "conformance", "--only", "d2-", "--quiet", "--html", "report.html")


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Which small faults in the formulas the conformance suite sees, in minutes."""
    install(session, "numpy", groups=("conformance",))
    session.run("python", "-m", "conformance", "faults", *session.posargs)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """What a pushed tag releases, in dist/, the suite with it: of this version, whose changes are told."""
    version = PYPROJECT["project"]["version"]
    tag = session.run(
        "git", "describe", "--tags", "--exact-match", "--dirty", external=True, silent=True
    )
    if tag.strip() != f"v{version}":
        session.error(f"the tree is {tag.strip()}, not v{version}")
    told = Path("CHANGELOG.md").read_text(encoding="utf-8")
    if told.count(f"\n## [{version}]") != 1:
        session.error(f"CHANGELOG.md has not one section of {version}")
    if re.search(r"^## \[Unreleased\]\s+(?!## )\S", told, re.MULTILINE):
        session.error(f"CHANGELOG.md has changes that stand under Unreleased, not under {version}")
    others = session.run("git", "status", "--porcelain", external=True, silent=True)
    if others.strip():
        session.error(f"what is no part of the tag would be built with it:\n{others}")
    session.install(*group("build"))
    for source in (".", SUITE):
        shutil.copytree(_built(session, source).parent, "dist", dirs_exist_ok=True)


def _built(session: nox.Session, source: str = ".") -> Path:
    """Return a wheel beside the sdist that it is made from: the same bytes twice, with sound metadata."""
    made = [Path(session.create_tmp(), "built", source, name) for name in ("dist", "again")]
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)
        session.run_install("python", "-m", "build", f"--outdir={folder}", source)
    first, second = ({x.name: x.read_bytes() for x in folder.iterdir()} for folder in made)
    if first != second:
        session.error(
            f"built twice, these differ: {[x for x in first if first[x] != second.get(x)]}"
        )
    files = sorted(map(str, made[0].iterdir()))
    session.run("twine", "check", "--strict", *files)
    (wheel,) = made[0].glob("*.whl")
    return wheel


@nox.session(default=False)
@nox.parametrize("library", ["strict", "torch", "jax", "dask"])
def every(session: nox.Session, library: str) -> None:
    """The tests of every loss and case on a library of which its own sessions try some."""
    install(session, library, groups=("test", "conformance"))
    session.env.update(EVERY)
    pytest(session, library)
    if library in COSTLY:
        suite(session, library)


def _aged(age: str, relation: str) -> None:
    """Make the session of the oldest, or the newest, version of each library that its extra takes."""

    @nox.session(name=age, default=False)
    @nox.parametrize("library", [name for name in LIBRARIES if name not in ON_GPU])
    def aged(session: nox.Session, library: str) -> None:
        project = PYPROJECT["project"]
        floors = [*project["dependencies"], *project["optional-dependencies"][library]]
        chosen = [floor.replace(">=", relation) for floor in floors]
        session.install("--upgrade", ".", *chosen, *group("test"))
        pytest(session, library, options=("-m", "not pinned"))

    aged.__doc__ = (
        f"The tests on the {age} version of a library, but for what holds of the pinned one."
    )


_aged("oldest", "==")
_aged("newest", ">=")


@nox.session(name="distributed-torch", default=False)
def distributed_torch(session: nox.Session) -> None:
    """DTensors on four processes: every loss in every placement."""
    install(session, "torch", groups=("test",))
    required = ("--backend=torch", "--require=torch")
    session.run("pytest", "tests/distributed", *required, *session.posargs, env=EVERY)


@nox.session(name="distributed-dask", default=False)
def distributed_dask(session: nox.Session) -> None:
    """Two processes of 400 MB each on an array of 4 GB, which takes minutes."""
    install(session, "numpy", "dask", groups=("test", "distributed-dask"))
    options = ("--backend=dask", "--require=dask", *session.posargs)
    tests = (f"tests/distributed/test_dask_{name}.py" for name in ("chunks", "workers"))
    session.run("pytest", *tests, *options, env={"XENT_GIGABYTES": "4"})
    session.run("pytest", "tests/documents/test_examples_chunked.py")


@nox.session(name="distributed-jax", default=False)
def distributed_jax(session: nox.Session) -> None:
    """JAX on eight devices that a processor is taken for: every loss and placement."""
    install(session, "jax", groups=("test",))
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", **EVERY}
    chosen = ("--backend=jax", "--require=jax", *session.posargs)
    session.run("pytest", "tests/distributed", *chosen, env=flags)


SITE = Path("docs/_build")
SUPPORT = {"XENT_SUPPORT": str((SITE / "support.json").resolve())}


@nox.session(default=False)
def support(session: nox.Session) -> None:
    """The table of what runs where, made by tests that are its cells: minutes."""
    install(session, *DESKTOP, groups=("test",))
    chosen = [f"--{option}={name}" for name in DESKTOP for option in ("backend", "require")]
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", **SUPPORT, **SHARED}
    session.run("pytest", "tests/support", "-n=auto", *chosen, *session.posargs, env=flags)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The site, in docs/_build/html: every cell runs, a warning is an error. First `nox -s support`."""
    install(session, *DESKTOP, groups=("docs",))
    for made in (SITE / "html", Path("docs/reference/generated")):
        shutil.rmtree(made, ignore_errors=True)
    strict = ("-n", "-W", "--keep-going", "-E", "-j", "2")
    session.run("sphinx-build", "-b", "html", *strict, "docs", str(SITE / "html"), env=SUPPORT)
    session.run("python", "docs/_ext/links.py", str(SITE / "html"))


@nox.session(default=False)
def site(session: nox.Session) -> None:
    """Every page that `docs` built, in Chromium, which must be installed; axe-core comes by npm."""
    session.install(*group("site"))
    axe = SITE / "axe"
    session.run("npm", "install", "--silent", f"--prefix={axe}", "axe-core@4.14.1", external=True)
    where = {
        "XENT_SITE": str(SITE / "html"),
        "XENT_AXE": str(axe / "node_modules/axe-core/axe.min.js"),
    }
    session.run("pytest", "tests/site", "--noconftest", "-n=auto", *session.posargs, env=where)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """The benchmarks, quickly; arguments after `--` go to them."""
    install(session, "numpy", "torch", "jax", groups=("bench",))
    session.run("python", "-m", "benchmarks", *(session.posargs or ("--quick",)))


@nox.session(default=False)
def counts(session: nox.Session) -> None:
    """What calls ask of a device, counted where there is none, is what is held."""
    install(session, "numpy", "torch", "jax", groups=("bench",))
    session.run("python", "-m", "benchmarks", "counts", "--check", *session.posargs)


@nox.session(default=False, venv_params=SEEN)
def gpu(session: nox.Session) -> None:
    """The tests and the conformance suite on CuPy, torch CUDA and JAX CUDA."""
    need_gpu(session)
    install_for_gpu(session, *CUDA, groups=("test",))
    pytest(session, "cupy", "torch-cuda", "jax-cuda")
    session.run("python", "-m", "conformance", "--backend", "cupy")

"""The libraries, and the ways of calling them, that the laws are held to."""

import shutil
import warnings
from enum import Enum
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec

import ml_dtypes
import numpy as np

LIBRARIES = ("numpy", "strict", "torch", "jax", "dask", "cupy")
ON_GPU = ("cupy", "torch-cuda", "jax-cuda")
KNOWN = (*LIBRARIES, "torch-cuda", "jax-cuda")
_NUMPY = (np.ndarray, np.generic)
_MODULES = {"strict": "array_api_strict", "torch-cuda": "torch", "jax-cuda": "jax"}


class Backend(Enum):
    """A library and how it is called; the value is its name in a test's id."""

    NUMPY = "numpy"
    READ_ONLY = "numpy-read-only"
    STRICT = "strict"
    TORCH = "torch"
    COMPILED = "torch-compiled"
    JAX = "jax"
    JITTED = "jax-jitted"
    DASK = "dask"
    CUPY = "cupy"
    TORCH_CUDA = "torch-cuda"
    JAX_CUDA = "jax-cuda"

    def __str__(self):
        return self.value

    @property
    def library(self):
        """What ``--backend`` calls it."""
        if self.value in KNOWN:
            return self.value
        return self.value.partition("-")[0]

    @property
    def module(self):
        return import_module(_MODULES.get(self.library, self.library))

    @property
    def compiles(self):
        """Whether the caller compiles the call, rather than xent or nobody."""
        return self in (Backend.COMPILED, Backend.JITTED)

    @property
    def is_slow(self):
        """Whether each new shape, dtype or option costs it a compilation or a graph."""
        return self.library.startswith(("jax", "dask")) or self is Backend.COMPILED

    @property
    def examples(self):
        """How many examples a property is tried on."""
        return 200 if self is Backend.NUMPY else 8 if self.is_slow else 20

    @property
    def is_lazy(self):
        return self is Backend.DASK

    @property
    def flushes(self):
        """Whether it takes subnormal numbers for 0."""
        return self.library.startswith("jax")

    # --- arrays ---

    def has(self, dtype):
        """Whether arrays of this floating dtype can be made."""
        return dtype not in {
            "strict": ("float16", "bfloat16"),
            "dask": ("bfloat16",),
            "cupy": ("bfloat16",),
        }.get(self.library, ())

    def asarray(self, x):
        """Return a NumPy array as one of the library."""
        x = np.array(x)
        match self.library:
            case "numpy":
                x.flags.writeable = self is Backend.NUMPY
                return x
            case "torch" | "torch-cuda":
                return _torch(x).to("cuda" if self is Backend.TORCH_CUDA else "cpu")
            case "jax" | "jax-cuda":
                jax = self.module
                device = jax.devices("cuda" if self is Backend.JAX_CUDA else "cpu")[0]
                return jax.device_put(x, device)
            case "dask":
                chunks = tuple(max(1, (n + 1) // 2) for n in x.shape)
                return import_module("dask.array").from_array(x, chunks=chunks)
        return self.module.asarray(x)

    def numbers(self, x):
        """Return an array of the library, or a tuple of them, as NumPy's."""
        if isinstance(x, tuple):
            return tuple(map(self.numbers, x))
        match self.library:
            case "torch" | "torch-cuda":
                x = x.detach().cpu()
                if x.dtype == self.module.bfloat16:
                    return x.float().numpy().astype(ml_dtypes.bfloat16)
                return x.numpy()
            case "dask":
                x = x.compute()
            case "cupy":
                x = x.get()
        return np.asarray(x)

    def owns(self, x):
        """Whether ``x`` is an array of the library, where the library's arrays are."""
        match self.library:
            case "numpy":
                return type(x) is np.ndarray if np.ndim(x) else isinstance(x, np.generic)
            case "strict":
                return type(x).__module__ == "array_api_strict._array_object"
            case "torch" | "torch-cuda":
                here = "cuda" if self is Backend.TORCH_CUDA else "cpu"
                return isinstance(x, self.module.Tensor) and x.device.type == here
            case "jax" | "jax-cuda":
                here = "gpu" if self is Backend.JAX_CUDA else "cpu"
                return isinstance(x, self.module.Array) and next(iter(x.devices())).platform == here
            case "dask":
                return isinstance(x, import_module("dask.array").Array)
        return isinstance(x, self.module.ndarray)

    def dtype_of(self, x):
        """Return the name of a dtype."""
        return str(getattr(x.dtype, "name", None) or x.dtype).rpartition(".")[2]

    # --- calls ---

    def call(self, function, /, **given):
        """Return ``function`` of NumPy arrays as arrays of the library, and of what is no array."""
        arrays = {k: self.asarray(x) for k, x in given.items() if isinstance(x, _NUMPY)}
        function = partial(function, **{k: x for k, x in given.items() if k not in arrays})
        if self is Backend.JITTED:
            return self.module.jit(function)(**arrays)
        if self is Backend.COMPILED:
            return _compiled(self.module, function, arrays)
        return function(**arrays)

    def run(self, function, /, **given):
        """Return the result of a call as NumPy's arrays."""
        return self.numbers(self.call(function, **given))


def converted(given, asarray):
    """Return the arguments, each NumPy array among them as ``asarray`` makes it."""
    return {k: asarray(x) if isinstance(x, np.ndarray) else x for k, x in given.items()}


def _torch(x):
    torch = import_module("torch")
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.astype(np.float32)).to(torch.bfloat16)
    return torch.from_numpy(x)


def _compiled(torch, function, arrays):
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what the compiler thinks of array-api-compat
        return torch.compile(function, fullgraph=True, backend="eager")(**arrays)


@cache
def missing(library):
    """Return why a library cannot be tested here, None where it can."""
    module = _MODULES.get(library, library)
    if find_spec(module) is None:
        return f"{module} is not installed"
    if library in ON_GPU and shutil.which("nvidia-smi") is None:
        return f"{library}: there is no GPU here"
    return None


def start(libraries):
    """Do what libraries need before their first array."""
    chosen = set(libraries)
    if chosen & {"jax", "jax-cuda"}:
        import_module("jax").config.update("jax_enable_x64", True)
    if (
        "jax-cuda" in chosen
    ):  # a product of float32 has 10 bits of each factor there, if nobody asks for all
        import_module("jax").config.update("jax_default_matmul_precision", "highest")

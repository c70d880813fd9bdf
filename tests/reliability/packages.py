"""It installs elsewhere: wheel and sdist in empty environments, other Pythons and NumPys; licences that allow it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from .promise import ROOT, Outcome, promise, shown

CHAPTER = "Platforms"
SMOKE = Path(__file__).parent / "smoke.py"
AGREES = Path(__file__).parent / "agrees.py"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
TORCHES = ("torch==2.7.*", "torch")  # the oldest that pyproject.toml allows, and the newest: 5 GB each
NUMPYS = ("2.0", "2.1", "2.2", "2.3", "2.4")  # and the newest
PERMISSIVE = r"BSD|MIT|Apache|PSF|Python|ISC|HPND|MPL|Mozilla|Unlicense|CC0|Zlib"


def said(command: list[str], **options: object) -> str:
    """The last line that a command prints; RuntimeError with its last line of errors if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[1:4]))}: {(done.stderr or done.stdout).strip()[-200:]}")
    return str((done.stdout.strip().splitlines() or [""])[-1])


def environment(folder: Path, python: str, *packages: str) -> str:
    """The Python of a new environment with these packages, as wheels; RuntimeError where that cannot be had."""
    said([python, "-m", "venv", str(folder)])
    found = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    said([found, "-m", "pip", "install", "--quiet", "--only-binary", "numpy", *packages])
    return found


def built(folder: Path) -> list[Path]:
    """A wheel and an sdist, built from a copy of the sources."""
    sources = folder / "sources"
    left_out = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist", "*-report", "tests", "parity")
    shutil.copytree(ROOT, sources, ignore=left_out)
    said([sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(sources)])
    return sorted((folder / "dist").iterdir())


@promise(CHAPTER, "Wheel and sdist build, install in an empty environment, and pass a smoke test there")
def package(quick: bool) -> Outcome:
    if find_spec("build") is None:
        return Outcome("needs the package 'build'", not_run=True)
    sizes, wrong = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            for file in shown(built(folder), "packages"):
                python = environment(folder / file.suffix, sys.executable, str(file))
                said([python, str(SMOKE)], cwd=folder)
                sizes.append(f"{file.name} ({file.stat().st_size // 1000} kB)")
        except RuntimeError as error:
            wrong.append(str(error))
    return Outcome(", ".join(sizes), tuple(wrong))


def pythons() -> dict[str, str]:
    """The Pythons that are to be had here, by version: this one, and those that are found by their names."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for version in PYTHONS:
        path = shutil.which(f"python{version}")
        if path and not subprocess.run([path, "--version"], capture_output=True).returncode:
            found.setdefault(version, path)
    return found


@promise(CHAPTER, "It works, with torch's numbers, on Python 3.11 to 3.14 and NumPy 2.0 to the newest, as far as they "
                  "can be had where this page is written")
def platforms(quick: bool) -> Outcome:
    if quick:
        return Outcome(smoke(sys.executable))
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    pairs = [(version, numpy) for version in pythons() for numpy in (*NUMPYS * (version == this), "newest")]
    worked, wrong, absent = [], [], [f"Python {version}" for version in PYTHONS if version not in pythons()]
    with tempfile.TemporaryDirectory() as folder:
        for version, numpy in shown(pairs, "platforms"):
            wanted = "numpy" if numpy == "newest" else f"numpy=={numpy}.*"
            try:
                python = environment(Path(folder, f"{version}-{numpy}"), pythons()[version], wanted)
            except RuntimeError:
                absent.append(f"NumPy {numpy} for Python {version}")
                continue
            try:
                worked.append(smoke(python))
            except RuntimeError as error:
                wrong.append(f"Python {version}, NumPy {numpy}: {error}")
    figure = "; ".join(dict.fromkeys(worked)) + (f"; not to be had here: {', '.join(absent)}" if absent else "")
    return Outcome(figure, tuple(wrong))


@promise(CHAPTER, "Beside torch 2.7 and the newest torch: the same draws, the same training, files that pass both ways",
         by_name_only=True)
def torches(quick: bool) -> Outcome:
    if quick:
        return Outcome("only in the long form", not_run=True)
    worked, wrong = [], []
    for wanted in shown(TORCHES, "torches"):
        with tempfile.TemporaryDirectory() as folder:
            try:
                python = environment(Path(folder, "environment"), sys.executable, wanted, "numpy")
                worked.append(said([python, "-W", "ignore", str(AGREES)], env=os.environ | {"PYTHONPATH": str(ROOT)}))
            except RuntimeError as error:
                wrong.append(f"{wanted}: {error}")
    return Outcome("; ".join(worked), tuple(wrong))


def smoke(python: str) -> str:
    """The versions that the smoke test ran with."""
    line = said([python, str(SMOKE)], env=os.environ | {"PYTHONPATH": str(ROOT)})
    return line.rpartition(", minigrad")[0]


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """The installed packages that one needs, and those that they need."""
    found, pending = set(), [(name, extras)]
    for one, wanted in pending:  # the list grows while it is read
        for line in metadata.requires(one) or []:
            requirement = re.match(r"([\w.-]+)", line)
            extra = re.search(r"extra == ['\"](\w+)['\"]", line)
            other = requirement.group(1).lower() if requirement else ""
            if (extra is None or extra.group(1) in wanted) and other not in found and installed(other):
                found.add(other)
                pending.append((other, frozenset()))
    return found


def installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def licence(name: str) -> str:
    """What a package says of its licence, in a few words."""
    about = metadata.metadata(name)
    classifiers = [line.rpartition(":: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License")]
    words = [about.get("License-Expression"), *classifiers, about.get("License")]
    return next((word.strip().splitlines()[0][:60] for word in words if word and word.strip()), "none given")


@promise(CHAPTER, "Licences: all that is installed may be used and passed on freely")
def licences(quick: bool) -> Outcome:
    of_minigrad, everything = needed("minigrad"), needed("minigrad", frozenset({"parity", "dev", "bench"}))
    wrong = [f"{name}: {licence(name)}" for name in sorted(everything) if not re.search(PERMISSIVE, licence(name))]
    kinds = Counter((re.search(PERMISSIVE, licence(name)) or ["unknown"])[0] for name in everything)
    alone = ", ".join(f"{name} ({licence(name)})" for name in sorted(of_minigrad))
    together = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return Outcome(f"minigrad (MIT) needs {alone}; with torch and the tools {len(everything)} packages: {together}",
                   tuple(wrong))

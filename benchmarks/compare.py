"""Compare the integration with an earlier commit, in alternating runs on one machine.

Each side is measured by its own benchmark, as the current one may not fit the earlier code.
"""

from pathlib import Path
from statistics import median
import subprocess
import tarfile
import tempfile

from .child import ROOT, run
from .report import Table, figures_of

ROUNDS = 3
RUNS = (("weight", "ours", "times"), ("weight", "ours", "memory"), ("push",))
ROWS = (
    ("importing it", "import_ms", "{:.1f} ms"),
    ("setting it up", "set_up_ms", "{:.1f} ms"),
    ("memory, imported and set up", "memory_kib", "{:,.0f} KiB"),
    ("push to state", "push_ours_median_ms", "{:.2f} ms"),
    ("push to state, of the native automation's", "push_ratio_to_native", "{:.2f}"),
)

type Figures = dict[str, list[float]]


def check_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder. Raise CalledProcessError if there is none."""
    archive = folder / "commit.tar"
    command = ["git", "archive", f"--output={archive}", commit]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def alternate(folders: list[Path]) -> list[Figures]:
    """Measure in each folder in turn, several times."""
    found: list[Figures] = [{} for _ in folders]
    for _ in range(ROUNDS):
        for arguments in RUNS:
            for folder, figures in zip(folders, found, strict=True):
                for name, value in figures_of(run(*arguments, root=folder)).items():
                    figures.setdefault(name, []).append(value)
    return found


def table_of(commit: str, now: Figures, then: Figures) -> Table:
    """Return the medians of both sides, and of the pairwise ratios."""
    table = Table(f"Beside {commit}, {ROUNDS} rounds", ["", "now", "then", "now of then"])
    for label, name, form in ROWS:
        ratio = median(a / b for a, b in zip(now[name], then[name], strict=True))
        cells = (form.format(median(side[name])) for side in (now, then))
        table.rows.append([label, *cells, f"{ratio:.2f}"])
        table.figures |= {name: median(now[name]), f"then_{name}": median(then[name])}
    return table


def tables(commit: str) -> list[Table]:
    """Return the table."""
    with tempfile.TemporaryDirectory() as folder:
        check_out(commit, Path(folder))
        return [table_of(commit, *alternate([ROOT, Path(folder)]))]

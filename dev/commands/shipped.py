"""What is shipped: the files that .funcignore lists, and no others."""

from pathlib import Path

LIST = ".funcignore"


def patterns(root: Path) -> list[str]:
    """The lines that take a file in, as patterns of `Path.glob`.

    A line that ends with a slash only opens folders.
    """
    lines = [line.strip() for line in (root / LIST).read_text("utf-8").splitlines()]
    return [
        line.removeprefix("!/")
        for line in lines
        if line.startswith("!/") and not line.endswith("/")
    ]


def shipped(root: Path) -> list[Path]:
    """The files themselves, sorted.

    FileNotFoundError if a line of the list finds nothing: the folder is not whole.
    """
    found: set[Path] = set()
    for pattern in patterns(root):
        files = {path for path in root.glob(pattern) if path.is_file()}
        if not files:
            raise FileNotFoundError(
                f"{pattern} of {LIST} is not in {root.name}: take a whole copy of the repository."
            )
        found |= files
    return sorted(found)

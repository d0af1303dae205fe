"""Which files a vector store takes in, and what may go wrong on the way."""

from dataclasses import dataclass, field
from pathlib import PurePath

from playground.openai.errors import JsonObject
from playground.openai.extract import Code, Look

# https://platform.openai.com/docs/assistants/tools/file-search#supported-files
SUPPORTED = frozenset(
    [
        ".c",
        ".cpp",
        ".cs",
        ".css",
        ".doc",
        ".docx",
        ".go",
        ".html",
        ".java",
        ".js",
        ".json",
        ".md",
        ".pdf",
        ".php",
        ".pptx",
        ".py",
        ".rb",
        ".sh",
        ".tex",
        ".ts",
        ".txt",
    ]
)


@dataclass
class Indexing:
    """How taking files in goes; may be changed while the server runs.

    `slow` has seconds for files by name, in place of `seconds`. `odd` is what happens now and then to good files, by the
    end of their name (".md" → "server_error"); each entry fails `times`.
    """

    seconds: float = 0.05
    slow: dict[str, float] = field(default_factory=dict)
    odd: dict[str, tuple[Code, int]] = field(default_factory=dict)

    def fail(self, name: str, code: Code = "server_error", times: int = 1) -> None:
        """Let the next files whose name ends so fail."""
        self.odd[name] = code, times

    def fault(self, filename: str, looked: Look) -> JsonObject | None:
        """The `last_error` that a file gets; None for one that goes in."""
        suffix = PurePath(filename).suffix.lower()
        if suffix not in SUPPORTED:
            message = f"The file type {suffix or 'without an extension'} is not supported for retrieval."
            return {"code": "unsupported_file", "message": message}
        if looked.fault:
            return dict(zip(("code", "message"), looked.fault, strict=True))
        return self._mishap(filename)

    def _mishap(self, filename: str) -> JsonObject | None:
        name = next((end for end in self.odd if filename.endswith(end)), None)
        if name is None:
            return None
        code, times = self.odd.pop(name)
        if times > 1:
            self.odd[name] = code, times - 1
        return {"code": code, "message": "An internal error occurred."}

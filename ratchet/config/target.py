"""Table `[[target]]` of `classifier.toml`: where the adapter will run.

Add here a setting of a target; what a place can run is `ratchet/deployment/profiles.py`.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from ratchet.config.validation import STRICT


@dataclass(frozen=True)
class Target:
    """Deployment target: a profile of `ratchet/deployment/`, and the limits of it that count."""

    __pydantic_config__ = STRICT

    name: str
    accept: Literal["documented", "proven"] = "proven"
    export: Literal["", "onnx", "onnx_int8", "gguf_f16", "gguf_q8_0", "gguf_q4_k_m", "gguf_q4_0"] = ""
    """Export that answers requests, when the target's runtime loads one; empty for its plainest."""

    def as_json(self) -> dict[str, object]:
        """Return every setting as JSON types.

        `export`, added later, is in it only when it is not the plainest of an earlier version.
        """
        return {key: value for key, value in asdict(self).items() if key != "export" or value not in {"", "onnx"}}

"""Hands in a model, proves a decision, and has its proof verified.

Usage: quick.py MODEL.onnx CALIBRATION.json INPUT.json [URL]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from apodict_client import ApodictError, Client


def main(model: str, calibration: str, record: str, url: str = "http://127.0.0.1:8451") -> None:
    """Do all of it, and print what the proof says."""
    inputs = json.loads(Path(record).read_text())["inputs"]
    with Client(url) as client:
        compiled = client.compile(Path(model), Path(calibration))
        assert compiled.program is not None
        print(f"{compiled.id} ({compiled.name}): {compiled.state}")
        job = client.prove(compiled.id, inputs, context=bytes(31) + b"\x01")
        proof = client.proof(job.proofs[0].id)
        print(f"{proof.id}: proved in {job.proofs[0].prove_ms:.1f} ms, {proof.verification.outputs}")
        verified = client.verify(client.proof_file(proof.id))
        print(f"valid: {verified.valid}; reference string: {verified.srs}")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except ApodictError as error:
        sys.exit(f"error: {error}")

#!/usr/bin/env bash
# Proves this story's decisions, verifies them in Rust and on an EVM, and shows that forgeries are refused.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ./story.sh
# Its output is in basis points: the usual target of 0.0005 of them is out of reach, and nobody needs it (TOLERANCE in decision.py).
prove_story supply_adjustment --allow-error

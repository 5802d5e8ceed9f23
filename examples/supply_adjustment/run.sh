#!/usr/bin/env bash
# Proves this story's decisions, verifies them in Rust and on an EVM, and shows that forgeries are refused.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ./story.sh
prove_story supply_adjustment

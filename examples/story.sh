# Sourced by each story's run.sh: compile, keys, one proof per input, verification in Rust and on an EVM, refusals.
# Needs bash, Python 3 and `apodict`: $APODICT if set, else the one that cargo builds from this repository.
# shellcheck shell=bash

read -ra apodict <<<"${APODICT:-cargo run --quiet --locked --release --package apodict --}"

# say TEXT: a line of progress, on stderr as the tool's own.
say() { printf '%s\n' "$*" >&2; }

# refuse NAME ARGUMENTS..: runs `apodict verify ARGUMENTS..`, which must exit with 3, the code of an invalid proof.
refuse() {
    local name=$1 code=0
    shift
    "${apodict[@]}" verify "$@" >"$work/refused.json" 2>"$work/refused.log" || code=$?
    if [ "$code" -ne 3 ]; then
        cat "$work/refused.json" "$work/refused.log" >&2
        say "FAIL $name: expected exit code 3, got $code"
        return 1
    fi
    printf 'refused, exit code 3: %s\n' "$name"
}

# prove_story STORY OPTIONS..: everything, in a temporary folder that is removed at the end; the options are for `apodict compile`. Run
# from examples/.
prove_story() {
    local story=$1 index=0 input name context first="" first_context="" other
    shift
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT

    say "compile $story"
    "${apodict[@]}" compile "$story/model.onnx" --calibrate "$story/calibration.json" "$@" \
        -o "$work/model.apo" >&2
    "${apodict[@]}" inspect "$work/model.apo" --model "$story/model.onnx" --calibrate "$story/calibration.json" "$@"
    "${apodict[@]}" keys "$work/model.apo" -o "$work/keys" >&2

    for input in "$story"/inputs/*.json; do
        name=$(basename "$input" .json)
        index=$((index + 1))
        # In a protocol: the digest of chain, consumer, subject, nonce and deadline.
        context=$(printf '0x%064x' "$index")
        say "prove $name"
        "${apodict[@]}" prove "$work/model.apo" --input "$input" --keys "$work/keys" --context "$context" \
            -o "$work/$name.proof.json" --json >"$work/$name.proved.json"
        "${apodict[@]}" verify "$work/$name.proof.json" --key "$work/keys/vk.json" --context "$context" --evm --json \
            >"$work/$name.verified.json"
        if [ -z "$first" ]; then first=$work/$name.proof.json first_context=$context; fi
    done
    printf '\n'
    python3 -m artifacts.proofs report "$story" "$work"
    printf '\n'

    python3 -m artifacts.proofs tamper byte "$first" "$work/byte.json"
    python3 -m artifacts.proofs tamper output "$first" "$work/output.json"
    other=$(printf '0x%064x' 0xbad)
    refuse "a proof with one bit changed" "$work/byte.json" --key "$work/keys/vk.json" --context "$first_context" --evm
    refuse "another output than was proved" "$work/output.json" --key "$work/keys/vk.json" --context "$first_context" --evm
    refuse "a proof that is bound to another use" "$first" --key "$work/keys/vk.json" --context "$other"
}

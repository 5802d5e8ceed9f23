// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Rendered by apodict-solidity: do not edit, run `cargo xtask contracts bless`.

import {IHalo2Verifier} from "./IHalo2Verifier.sol";

/// @title Verifier of halo2 proofs for the shape `sealed`: KZG on BN254, SHPLONK, Keccak transcript.
/// @notice Callers must pin `keyCodeHash`, compute context and inputs themselves and decode the outputs: see IHalo2Verifier.
/// @dev 2 advice columns, 2 fixed columns, 0 columns with copy constraints, 2 gate polynomials, degree
/// 4, 5 blinding factors. A proof has 8 points and 5 scalars: 672 bytes. Serves every k and every number of
/// instances: both come with the key.
///
/// All values live in memory at fixed addresses; only what the first hash covers has a variable end. What is hashed is
/// what is computed with: the proof is copied from calldata once, and no value is read from two places. Sums are reduced
/// lazily (5r < 2^256): a value stands for its residue, `mulmod` reduces it. Every check either reverts at once or clears
/// `ok`, which is looked at before the function can return. Gas is checked once, before the work: behind that check
/// nothing fails for want of it.
///
/// Memory:
///   0x0000 ACC                        a point to be scaled, SCALAR behind it
///   0x0040 SCALAR                     what ACC is multiplied with
///   0x0060 SCALED                     the multiple; input of ECADD together with ADDEND
///   0x00a0 ADDEND
///   0x00e0 SUM                        all terms so far; then the first input of the pairing
///   0x0120 TERM                       the next term, input of ECADD together with SUM
///   0x0160 PAIRING_REST               the pairing takes 12 words from SUM on
///   0x0260 KEY_SHAPE                  digest of the shape
///   0x0280 KEY_DIGEST                 digest of the key
///   0x02a0 KEY_PORTS                  hash of the ports, keccak256(abi.encode(ports))
///   0x02c0 KEY_LOG_ROWS               k = log2 of the rows
///   0x02e0 KEY_NUM_INSTANCES          length of the instance column
///   0x0300 KEY_ROWS_INVERSE           1 / n
///   0x0320 KEY_ROOT_MINUS_6           omega^rotation
///   0x0340 KEY_ROOT_MINUS_5           omega^rotation
///   0x0360 KEY_ROOT_MINUS_4           omega^rotation
///   0x0380 KEY_ROOT_MINUS_3           omega^rotation
///   0x03a0 KEY_ROOT_MINUS_2           omega^rotation
///   0x03c0 KEY_ROOT_MINUS_1           omega^rotation
///   0x03e0 KEY_ROOT_1                 omega^rotation
///   0x0400 KEY_TRANSCRIPT_REPR        halo2's hash of the key
///   0x0420 KEY_FIXED_0                commitment to a fixed column
///   0x0460 KEY_FIXED_1                commitment to a fixed column
///   0x04a0 KEY_G1                     [1]_1
///   0x04e0 KEY_G2                     [1]_2
///   0x0560 KEY_NEGATED_S_G2           -[s]_2
///   0x05e0 HASH_1                     hash of everything before
///   0x0600 ADVICE_1                   commitment to advice column 1
///   0x0640 HASH_2                     hash of everything before
///   0x0660 RANDOM                     commitment to the random polynomial
///   0x06a0 HASH_3                     hash of everything before
///   0x06c0 QUOTIENT_0                 commitment to quotient piece 0
///   0x0700 QUOTIENT_1                 commitment to quotient piece 1
///   0x0740 QUOTIENT_2                 commitment to quotient piece 2
///   0x0780 HASH_4                     hash of everything before
///   0x07a0 EVAL_ADVICE_0              evaluation of advice query 0
///   0x07c0 EVAL_ADVICE_1              evaluation of advice query 1
///   0x07e0 EVAL_FIXED_0               evaluation of fixed query 0
///   0x0800 EVAL_FIXED_1               evaluation of fixed query 1
///   0x0820 EVAL_RANDOM                evaluation of the random polynomial
///   0x0840 HASH_5                     hash of everything before
///   0x0860 OPENING_QUOTIENT           opening quotient W
///   0x08a0 HASH_6                     hash of everything before
///   0x08c0 OPENING_PROOF              opening proof W'
///   0x0900 CHALLENGE_0                challenge
///   0x0920 BETA                       challenge
///   0x0940 GAMMA                      challenge
///   0x0960 Y                          challenge
///   0x0980 X                          challenge
///   0x09a0 OPENING_Y                  challenge
///   0x09c0 OPENING_V                  challenge
///   0x09e0 OPENING_U                  challenge
///   0x0a00 X_TO_N                     x^n
///   0x0a20 BLIND_NUMERATOR
///   0x0a40 U_MINUS_X                  u - x * omega^rotation
///   0x0a60 INVERSE_VANISHING          x^n - 1; then its inverse
///   0x0a80 EVAL_QUOTIENT              what the quotient must be at x
///   0x0aa0 CLAIMED                    all claimed evaluations, interpolated at u and combined
///   0x0ac0 QUOTIENT                   commitment to the quotient, its pieces folded
///   0x0b00 TRANSCRIPT                 transcript repr, then instances, then `tail`: first phase
contract Halo2VerifierSealed is IHalo2Verifier {
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant R_TIMES_2 = 0x60c89ce5c263405370a08b6d0302b0ba5067d090f372e12287c3eb27e0000002;
    uint256 private constant R_TIMES_3 = 0x912ceb58a394e07d28f0d12384840917789bb8d96d2c51b3cba5e0bbd0000003;
    uint256 private constant R_TIMES_4 = 0xc19139cb84c680a6e14116da06056174a0cfa121e6e5c2450f87d64fc0000004;
    uint256 private constant R_TIMES_5 = 0xf1f5883e65f820d099915c908786b9d1c903896a609f32d65369cbe3b0000005;
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    uint256 private constant ERROR_NON_CANONICAL_ENCODING = 0xb91b669d;
    uint256 private constant ERROR_WRONG_PROOF_LENGTH = 0xe2d2ab0a;
    uint256 private constant ERROR_WRONG_INSTANCE_COUNT = 0xf0e34da8;
    uint256 private constant ERROR_WRONG_KEY_CODE_HASH = 0x30126a88;
    uint256 private constant ERROR_WRONG_KEY_SHAPE = 0x7b829aff;
    uint256 private constant ERROR_INSTANCE_NOT_CANONICAL = 0xac607605;
    uint256 private constant ERROR_SCALAR_NOT_CANONICAL = 0x08d6caac;
    uint256 private constant ERROR_COORDINATE_NOT_CANONICAL = 0x2d9f437c;
    uint256 private constant ERROR_POINT_AT_INFINITY = 0x824fa20c;
    uint256 private constant ERROR_POINT_NOT_ON_CURVE = 0x8be2934e;
    uint256 private constant ERROR_DEGENERATE_CHALLENGE = 0x56a8acf5;
    uint256 private constant ERROR_INSUFFICIENT_GAS = 0x23e228cb;
    uint256 private constant ERROR_PRECOMPILE_FAILED = 0x84e81692;
    uint256 private constant ERROR_PROOF_REJECTED = 0xc3b0d8cd;
    uint256 private constant ACC = 0x0000;
    uint256 private constant SCALAR = 0x0040;
    uint256 private constant SCALED = 0x0060;
    uint256 private constant ADDEND = 0x00a0;
    uint256 private constant SUM = 0x00e0;
    uint256 private constant TERM = 0x0120;
    uint256 private constant PAIRING_REST = 0x0160;
    uint256 private constant KEY_SHAPE = 0x0260;
    uint256 private constant KEY_DIGEST = 0x0280;
    uint256 private constant KEY_PORTS = 0x02a0;
    uint256 private constant KEY_LOG_ROWS = 0x02c0;
    uint256 private constant KEY_NUM_INSTANCES = 0x02e0;
    uint256 private constant KEY_ROWS_INVERSE = 0x0300;
    uint256 private constant KEY_ROOT_MINUS_6 = 0x0320;
    uint256 private constant KEY_ROOT_MINUS_5 = 0x0340;
    uint256 private constant KEY_ROOT_MINUS_4 = 0x0360;
    uint256 private constant KEY_ROOT_MINUS_3 = 0x0380;
    uint256 private constant KEY_ROOT_MINUS_2 = 0x03a0;
    uint256 private constant KEY_ROOT_MINUS_1 = 0x03c0;
    uint256 private constant KEY_ROOT_1 = 0x03e0;
    uint256 private constant KEY_TRANSCRIPT_REPR = 0x0400;
    uint256 private constant KEY_FIXED_0 = 0x0420;
    uint256 private constant KEY_FIXED_1 = 0x0460;
    uint256 private constant KEY_G1 = 0x04a0;
    uint256 private constant KEY_G2 = 0x04e0;
    uint256 private constant KEY_NEGATED_S_G2 = 0x0560;
    uint256 private constant HASH_1 = 0x05e0;
    uint256 private constant ADVICE_1 = 0x0600;
    uint256 private constant HASH_2 = 0x0640;
    uint256 private constant RANDOM = 0x0660;
    uint256 private constant HASH_3 = 0x06a0;
    uint256 private constant QUOTIENT_0 = 0x06c0;
    uint256 private constant QUOTIENT_1 = 0x0700;
    uint256 private constant QUOTIENT_2 = 0x0740;
    uint256 private constant HASH_4 = 0x0780;
    uint256 private constant EVAL_ADVICE_0 = 0x07a0;
    uint256 private constant EVAL_ADVICE_1 = 0x07c0;
    uint256 private constant EVAL_FIXED_0 = 0x07e0;
    uint256 private constant EVAL_FIXED_1 = 0x0800;
    uint256 private constant EVAL_RANDOM = 0x0820;
    uint256 private constant HASH_5 = 0x0840;
    uint256 private constant OPENING_QUOTIENT = 0x0860;
    uint256 private constant HASH_6 = 0x08a0;
    uint256 private constant OPENING_PROOF = 0x08c0;
    uint256 private constant CHALLENGE_0 = 0x0900;
    uint256 private constant BETA = 0x0920;
    uint256 private constant GAMMA = 0x0940;
    uint256 private constant Y = 0x0960;
    uint256 private constant X = 0x0980;
    uint256 private constant OPENING_Y = 0x09a0;
    uint256 private constant OPENING_V = 0x09c0;
    uint256 private constant OPENING_U = 0x09e0;
    uint256 private constant X_TO_N = 0x0a00;
    uint256 private constant BLIND_NUMERATOR = 0x0a20;
    uint256 private constant U_MINUS_X = 0x0a40;
    uint256 private constant INVERSE_VANISHING = 0x0a60;
    uint256 private constant EVAL_QUOTIENT = 0x0a80;
    uint256 private constant CLAIMED = 0x0aa0;
    uint256 private constant QUOTIENT = 0x0ac0;
    uint256 private constant TRANSCRIPT = 0x0b00;
    uint256 private constant GAS_FIXED = 187407;
    uint256 private constant GAS_PER_INSTANCE = 107;
    uint256 private constant GAS_PER_LOG_ROW = 85;

    /// @inheritdoc IHalo2Verifier
    bytes32 public constant SHAPE_DIGEST = 0xcaa4e7df1eb7247a9be330c12cb7a75e16dd3b21d8abc5056f509be149ef841c;
    /// @inheritdoc IHalo2Verifier
    uint256 public constant KEY_BYTES = 0x380;

    /// @dev Doubles the generator in two ways, then asks for a pairing that holds and for one that does not.
    constructor() {
        bool ok;
        assembly {
            mstore(0x00, 1)
            mstore(0x20, 2)
            mstore(0x40, 2)
            ok := and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, 0x00, 0x60, 0x80, 0x40))
            mstore(0x40, 1)
            mstore(0x60, 2)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, 0x00, 0x80, 0xc0, 0x40)))
            ok := and(ok, eq(keccak256(0x80, 0x40), keccak256(0xc0, 0x40)))

            mstore(0x40, 0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2)
            mstore(0x60, 0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed)
            mstore(0x80, 0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b)
            mstore(0xa0, 0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa)
            mcopy(0xc0, 0x00, 0xc0)
            mstore(0xe0, sub(P, 2))
            ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, 0x00, 0x180, 0x180, 0x20)))
            ok := and(ok, eq(mload(0x180), 1))
            mstore(0xe0, 2)
            ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, 0x00, 0x180, 0x180, 0x20)))
            ok := and(ok, iszero(mload(0x180)))

            // Solidity goes on from here: its free memory pointer and zero slot as it left them.
            mstore(0x40, 0x80)
            mstore(0x60, 0)
        }
        if (!ok) revert PrecompileSelfTestFailed();
    }

    /// @inheritdoc IHalo2Verifier
    function verifyProof(address, bytes32, bytes calldata, uint256[] calldata) external view returns (bool) {
        assembly {
            function refuse(error) {
                mstore(0x00, error)
                revert(0x1c, 0x04)
            }
            function refuseWith(error, argument) {
                mstore(0x00, error)
                mstore(0x20, argument)
                revert(0x1c, 0x24)
            }
            function refuseUnequal(error, expected, got) {
                mstore(0x00, error)
                mstore(0x20, expected)
                mstore(0x40, got)
                revert(0x1c, 0x44)
            }
            // Some element is not what it must be: find the first one and say which.
            function refusePoints(at, end, index) {
                for {} lt(at, end) { at := add(at, 0x40) } {
                    let x := mload(at)
                    let y := mload(add(at, 0x20))
                    if iszero(and(lt(x, P), lt(y, P))) { refuseWith(ERROR_COORDINATE_NOT_CANONICAL, index) }
                    if iszero(or(x, y)) { refuseWith(ERROR_POINT_AT_INFINITY, index) }
                    if iszero(eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))) { refuseWith(ERROR_POINT_NOT_ON_CURVE, index) }
                    index := add(index, 1)
                }
            }
            function refuseScalars(error, at, end, index) {
                for {} lt(at, end) { at := add(at, 0x20) } {
                    if iszero(lt(mload(at), R)) { refuseWith(error, index) }
                    index := add(index, 1)
                }
            }
            function refuseElements(tail) {
                refuseScalars(ERROR_INSTANCE_NOT_CANONICAL, add(TRANSCRIPT, 0x20), tail, 0)
                refusePoints(tail, add(tail, 0x40), 0)
                refusePoints(ADVICE_1, add(ADVICE_1, 0x40), 1)
                refusePoints(RANDOM, add(RANDOM, 0x40), 2)
                refusePoints(QUOTIENT_0, add(QUOTIENT_0, 0xc0), 3)
                refuseScalars(ERROR_SCALAR_NOT_CANONICAL, EVAL_ADVICE_0, add(EVAL_ADVICE_0, 0xa0), 6)
                refusePoints(OPENING_QUOTIENT, add(OPENING_QUOTIENT, 0x40), 11)
                refusePoints(OPENING_PROOF, add(OPENING_PROOF, 0x40), 12)
            }
            let r := R

            // ---- Key: its code is what the caller pinned, and it is for this shape. Before the proof, of whose length it would say nothing.
            if iszero(eq(extcodehash(calldataload(0x04)), calldataload(0x24))) {
                refuseUnequal(ERROR_WRONG_KEY_CODE_HASH, calldataload(0x24), extcodehash(calldataload(0x04)))
            }
            extcodecopy(calldataload(0x04), KEY_SHAPE, 0x01, 0x380)
            if iszero(eq(mload(KEY_SHAPE), SHAPE_DIGEST)) { refuseUnequal(ERROR_WRONG_KEY_SHAPE, SHAPE_DIGEST, mload(KEY_SHAPE)) }

            // ---- Calldata: selector, key, hash, two offsets, then length and bytes of the proof, length and words of the instances.
            if iszero(eq(calldataload(0x44), 0x80)) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            if iszero(eq(calldataload(0x84), 0x2a0)) { refuseUnequal(ERROR_WRONG_PROOF_LENGTH, 0x2a0, calldataload(0x84)) }
            if iszero(eq(calldataload(0x64), 0x340)) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            let count := calldataload(0x344)
            if iszero(eq(calldatasize(), add(0x364, shl(5, count)))) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            if iszero(eq(count, mload(KEY_NUM_INSTANCES))) { refuseUnequal(ERROR_WRONG_INSTANCE_COUNT, mload(KEY_NUM_INSTANCES), count) }

            // ---- Gas: enough for all that follows, so that nothing below fails for want of it.
            {
                let words := add(count, 0x5c)
                let needed := add(add(GAS_FIXED, mul(count, GAS_PER_INSTANCE)), add(mul(mload(KEY_LOG_ROWS), GAS_PER_LOG_ROW), shr(9, mul(words, words))))
                if lt(gas(), needed) { refuseUnequal(ERROR_INSUFFICIENT_GAS, needed, gas()) }
            }

            // ---- Transcript: keccak256 of all that came since the last hash, that hash in front.
            let tail := add(add(TRANSCRIPT, 0x20), shl(5, count))
            mstore(TRANSCRIPT, mload(KEY_TRANSCRIPT_REPR))
            calldatacopy(add(TRANSCRIPT, 0x20), 0x364, shl(5, count))
            calldatacopy(tail, 0xa4, 0x40)
            calldatacopy(ADVICE_1, 0xe4, 0x40)
            calldatacopy(RANDOM, 0x124, 0x40)
            calldatacopy(QUOTIENT_0, 0x164, 0xc0)
            calldatacopy(EVAL_ADVICE_0, 0x224, 0xa0)
            calldatacopy(OPENING_QUOTIENT, 0x2c4, 0x40)
            calldatacopy(OPENING_PROOF, 0x304, 0x40)
            let hash
            hash := keccak256(TRANSCRIPT, sub(add(tail, 0x40), TRANSCRIPT))
            mstore(CHALLENGE_0, mod(hash, r))
            mstore(HASH_1, hash)
            hash := keccak256(HASH_1, 0x60)
            mstore(0x00, hash)
            mstore8(0x20, 1)
            hash := keccak256(0x00, 0x21)
            mstore(BETA, mod(hash, r))
            mstore(0x00, hash)
            mstore8(0x20, 1)
            hash := keccak256(0x00, 0x21)
            mstore(GAMMA, mod(hash, r))
            mstore(HASH_2, hash)
            hash := keccak256(HASH_2, 0x60)
            mstore(Y, mod(hash, r))
            mstore(HASH_3, hash)
            hash := keccak256(HASH_3, 0xe0)
            mstore(X, mod(hash, r))
            mstore(HASH_4, hash)
            hash := keccak256(HASH_4, 0xc0)
            mstore(OPENING_Y, mod(hash, r))
            mstore(0x00, hash)
            mstore8(0x20, 1)
            hash := keccak256(0x00, 0x21)
            mstore(OPENING_V, mod(hash, r))
            mstore(HASH_5, hash)
            hash := keccak256(HASH_5, 0x60)
            mstore(OPENING_U, mod(hash, r))
            mstore(HASH_6, hash)

            // ---- Elements: coordinates below p, on the curve (the identity's zeros are not), scalars below r.
            let ok := 1
            {
                let x := mload(tail)
                let y := mload(add(tail, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(ADVICE_1)
                let y := mload(add(ADVICE_1, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(RANDOM)
                let y := mload(add(RANDOM, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(QUOTIENT_0)
                let y := mload(add(QUOTIENT_0, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(QUOTIENT_1)
                let y := mload(add(QUOTIENT_1, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(QUOTIENT_2)
                let y := mload(add(QUOTIENT_2, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            ok := and(ok, lt(mload(EVAL_ADVICE_0), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_1), r))
            ok := and(ok, lt(mload(EVAL_FIXED_0), r))
            ok := and(ok, lt(mload(EVAL_FIXED_1), r))
            ok := and(ok, lt(mload(EVAL_RANDOM), r))
            {
                let x := mload(OPENING_QUOTIENT)
                let y := mload(add(OPENING_QUOTIENT, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(OPENING_PROOF)
                let y := mload(add(OPENING_PROOF, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }

            // ---- Denominators. A sum of fractions is built as one: a/b + c/d = (ad + cb) / bd.
            {
                let x := mload(X)
                let power := x
                for { let k := mload(KEY_LOG_ROWS) } k { k := sub(k, 1) } {
                    power := mulmod(power, power, r)
                }
                mstore(X_TO_N, power)
                mstore(INVERSE_VANISHING, addmod(power, sub(r, 1), r))
            }
            for { let at := add(TRANSCRIPT, 0x20) } lt(at, tail) { at := add(at, 0x20) } {
                ok := and(ok, lt(mload(at), r))
            }
            if iszero(ok) { refuseElements(tail) }
            {
                let x := mload(X)
                let u := mload(OPENING_U)
                mstore(U_MINUS_X, addmod(u, sub(r, x), r))
            }

            // ---- One inversion, a^(r-2), for all denominators; it fails only if one of them is zero.
            {
                let product := mload(INVERSE_VANISHING)
                mstore(0x00, 0x20)
                mstore(0x20, 0x20)
                mstore(0x40, 0x20)
                mstore(0x60, product)
                mstore(0x80, sub(r, 2))
                mstore(0xa0, r)
                if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 0x05, 0x00, 0xc0, 0x00, 0x20))) { refuse(ERROR_PRECOMPILE_FAILED) }
                let inverse := mload(0x00)
                if iszero(eq(mulmod(inverse, product, r), 1)) {
                    // Only zero has no inverse: of anything else, the answer is wrong.
                    if product { refuse(ERROR_PRECOMPILE_FAILED) }
                    refuse(ERROR_DEGENERATE_CHALLENGE)
                }
                mstore(INVERSE_VANISHING, inverse)
            }

            // ---- Lagrange polynomials at x: l_i = (x^n - 1) / n * omega^i / (x - omega^i).
            {
                let common := mulmod(add(mload(X_TO_N), sub(r, 1)), mload(KEY_ROWS_INVERSE), r)
            }

            // ---- Constraints, folded by powers of y; the quotient times x^n - 1 must be their sum.
            {
                let y := mload(Y)
                let sum
                // gate 0
                sum := mulmod(mload(EVAL_FIXED_0), add(mload(EVAL_ADVICE_1), sub(r, mulmod(mload(EVAL_ADVICE_0), mload(CHALLENGE_0), r))), r)
                // gate 1
                sum := add(mulmod(mload(EVAL_FIXED_1), add(mload(EVAL_ADVICE_1), sub(r, mulmod(mload(CHALLENGE_0), mulmod(mload(EVAL_ADVICE_0), mulmod(mload(EVAL_ADVICE_0), mload(EVAL_ADVICE_0), r), r), r))), r), mulmod(sum, y, r))
                mstore(EVAL_QUOTIENT, mulmod(sum, mload(INVERSE_VANISHING), r))
            }

            // ---- SHPLONK: claimed evaluations, by powers of y inside a group, by v and T_0 / T_i between groups.
            {
                let y := mload(OPENING_Y)
                let total
                // group 0: 6 polynomials at x * omega^0
                {
                    let value
                    let at0 := mload(EVAL_RANDOM)
                    at0 := add(mulmod(at0, y, r), mload(EVAL_QUOTIENT))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_1))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_0))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_1))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_0))
                    value := at0
                    total := mod(value, r)
                }
                mstore(CLAIMED, total)
            }

            // ---- Quotient: sum of x^(n i) * [h_i].
            mcopy(ACC, QUOTIENT_2, 0x40)
            mstore(SCALAR, mload(X_TO_N))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, QUOTIENT, 0x40)))

            // ---- All commitments: groups by powers of y, then summed, the first group as it is.
            // group 0
            mcopy(ACC, RANDOM, 0x40)
            mstore(SCALAR, mload(OPENING_Y))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, ADVICE_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, tail, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, SUM, 0x40)))

            // ---- Minus the claims, minus T_0 W, plus u W'.
            mcopy(ACC, KEY_G1, 0x40)
            mstore(SCALAR, sub(r, mload(CLAIMED)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, TERM, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SUM, 0x80, SUM, 0x40)))
            mcopy(ACC, OPENING_QUOTIENT, 0x40)
            mstore(SCALAR, sub(r, mload(U_MINUS_X)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, TERM, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SUM, 0x80, SUM, 0x40)))
            mcopy(ACC, OPENING_PROOF, 0x40)
            mstore(SCALAR, mload(OPENING_U))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, TERM, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SUM, 0x80, SUM, 0x40)))

            // ---- e(SUM, [1]_2) * e(W', -[s]_2) = 1
            mcopy(add(SUM, 0x40), KEY_G2, 0x80)
            mcopy(add(SUM, 0xc0), OPENING_PROOF, 0x40)
            mcopy(add(SUM, 0x100), KEY_NEGATED_S_G2, 0x80)
            ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, SUM, 0x180, 0x00, 0x20)))
            if iszero(ok) { refuse(ERROR_PRECOMPILE_FAILED) }
            if iszero(eq(mload(0x00), 1)) { refuse(ERROR_PROOF_REJECTED) }
            mstore(0x00, 1)
            return(0x00, 0x20)
        }
    }
}

// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Rendered by apodict-solidity: do not edit, run `cargo xtask contracts bless`.

import {IHalo2Verifier} from "./IHalo2Verifier.sol";

/// @title Verifier of halo2 proofs for the shape `lean`: KZG on BN254, SHPLONK, Keccak transcript.
/// @notice Callers must pin `keyCodeHash`, compute context and inputs themselves and decode the outputs: see IHalo2Verifier.
/// @dev 5 advice columns, 9 fixed columns, 3 columns with copy constraints, 4 gate polynomials, degree
/// 5, 5 blinding factors. A proof has 13 points and 23 scalars: 1568 bytes. Serves every k and every number of
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
///   0x0400 KEY_INTERPOLATION_1_0      Lagrange denominator, inverted, without its powers of x
///   0x0420 KEY_INTERPOLATION_1_1      Lagrange denominator, inverted, without its powers of x
///   0x0440 KEY_TRANSCRIPT_REPR        halo2's hash of the key
///   0x0460 KEY_FIXED_0                commitment to a fixed column
///   0x04a0 KEY_FIXED_1                commitment to a fixed column
///   0x04e0 KEY_FIXED_2                commitment to a fixed column
///   0x0520 KEY_FIXED_3                commitment to a fixed column
///   0x0560 KEY_FIXED_4                commitment to a fixed column
///   0x05a0 KEY_FIXED_5                commitment to a fixed column
///   0x05e0 KEY_FIXED_6                commitment to a fixed column
///   0x0620 KEY_FIXED_7                commitment to a fixed column
///   0x0660 KEY_FIXED_8                commitment to a fixed column
///   0x06a0 KEY_PERMUTATION_0          commitment to a permutation polynomial
///   0x06e0 KEY_PERMUTATION_1          commitment to a permutation polynomial
///   0x0720 KEY_PERMUTATION_2          commitment to a permutation polynomial
///   0x0760 KEY_G1                     [1]_1
///   0x07a0 KEY_G2                     [1]_2
///   0x0820 KEY_NEGATED_S_G2           -[s]_2
///   0x08a0 HASH_1                     hash of everything before
///   0x08c0 ADVICE_4                   commitment to advice column 4
///   0x0900 HASH_2                     hash of everything before
///   0x0920 PRODUCT_0                  commitment to permutation product 0
///   0x0960 RANDOM                     commitment to the random polynomial
///   0x09a0 HASH_3                     hash of everything before
///   0x09c0 QUOTIENT_0                 commitment to quotient piece 0
///   0x0a00 QUOTIENT_1                 commitment to quotient piece 1
///   0x0a40 QUOTIENT_2                 commitment to quotient piece 2
///   0x0a80 QUOTIENT_3                 commitment to quotient piece 3
///   0x0ac0 HASH_4                     hash of everything before
///   0x0ae0 EVAL_ADVICE_0              evaluation of advice query 0
///   0x0b00 EVAL_ADVICE_1              evaluation of advice query 1
///   0x0b20 EVAL_ADVICE_2              evaluation of advice query 2
///   0x0b40 EVAL_ADVICE_3              evaluation of advice query 3
///   0x0b60 EVAL_ADVICE_4              evaluation of advice query 4
///   0x0b80 EVAL_ADVICE_5              evaluation of advice query 5
///   0x0ba0 EVAL_ADVICE_6              evaluation of advice query 6
///   0x0bc0 EVAL_FIXED_0               evaluation of fixed query 0
///   0x0be0 EVAL_FIXED_1               evaluation of fixed query 1
///   0x0c00 EVAL_FIXED_2               evaluation of fixed query 2
///   0x0c20 EVAL_FIXED_3               evaluation of fixed query 3
///   0x0c40 EVAL_FIXED_4               evaluation of fixed query 4
///   0x0c60 EVAL_FIXED_5               evaluation of fixed query 5
///   0x0c80 EVAL_FIXED_6               evaluation of fixed query 6
///   0x0ca0 EVAL_FIXED_7               evaluation of fixed query 7
///   0x0cc0 EVAL_FIXED_8               evaluation of fixed query 8
///   0x0ce0 EVAL_FIXED_9               evaluation of fixed query 9
///   0x0d00 EVAL_RANDOM                evaluation of the random polynomial
///   0x0d20 EVAL_PERMUTATION_0         evaluation of permutation polynomial 0
///   0x0d40 EVAL_PERMUTATION_1         evaluation of permutation polynomial 1
///   0x0d60 EVAL_PERMUTATION_2         evaluation of permutation polynomial 2
///   0x0d80 EVAL_PRODUCT_0             evaluation of permutation product 0 at x
///   0x0da0 EVAL_PRODUCT_0_NEXT        evaluation of permutation product 0 at the next row
///   0x0dc0 HASH_5                     hash of everything before
///   0x0de0 OPENING_QUOTIENT           opening quotient W
///   0x0e20 HASH_6                     hash of everything before
///   0x0e40 OPENING_PROOF              opening proof W'
///   0x0e80 CHALLENGE_0                challenge
///   0x0ea0 CHALLENGE_1                challenge
///   0x0ec0 BETA                       challenge
///   0x0ee0 GAMMA                      challenge
///   0x0f00 Y                          challenge
///   0x0f20 X                          challenge
///   0x0f40 OPENING_Y                  challenge
///   0x0f60 OPENING_V                  challenge
///   0x0f80 OPENING_U                  challenge
///   0x0fa0 X_TO_N                     x^n
///   0x0fc0 BLIND_NUMERATOR
///   0x0fe0 INSTANCE_NUMERATOR
///   0x1000 U_MINUS_X                  u - x * omega^rotation
///   0x1020 U_MINUS_X_1                u - x * omega^rotation
///   0x1040 VANISHING_1                vanishing polynomial of the group at u
///   0x1060 INVERSE_VANISHING          x^n - 1; then its inverse
///   0x1080 INVERSE_FIRST              x - 1; then its inverse
///   0x10a0 INVERSE_LAST               x - omega^last; then its inverse
///   0x10c0 INVERSE_BLIND              product of x - omega^i over the blinded rows; then its inverse
///   0x10e0 INVERSE_INSTANCES          product of x - omega^i over the rows of the instances; then its inverse
///   0x1100 INVERSE_X                  x; then its inverse
///   0x1120 INVERSE_GROUP_1            vanishing polynomial of the group at u; then its inverse
///   0x1140 PREFIX_1                   product of the denominators before
///   0x1160 PREFIX_2                   product of the denominators before
///   0x1180 PREFIX_3                   product of the denominators before
///   0x11a0 PREFIX_4                   product of the denominators before
///   0x11c0 PREFIX_5                   product of the denominators before
///   0x11e0 PREFIX_6                   product of the denominators before
///   0x1200 L_FIRST                    Lagrange polynomial at x
///   0x1220 L_LAST                     Lagrange polynomial at x
///   0x1240 ACTIVE                     1 - l_last - l_blind: the rows that the permutation argument binds
///   0x1260 EVAL_INSTANCE              the instance column at x * omega^0
///   0x1280 EVAL_QUOTIENT              what the quotient must be at x
///   0x12a0 SHARED_0                   a value that constraints share, not reduced
///   0x12c0 SHARED_1                   a value that constraints share, not reduced
///   0x12e0 GROUP_FACTOR_1             v^i * T_0(u) / T_i(u)
///   0x1300 CLAIMED                    all claimed evaluations, interpolated at u and combined
///   0x1320 QUOTIENT                   commitment to the quotient, its pieces folded
///   0x1360 TRANSCRIPT                 transcript repr, then instances, then `tail`: first phase
contract Halo2VerifierLean is IHalo2Verifier {
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
    uint256 private constant KEY_INTERPOLATION_1_0 = 0x0400;
    uint256 private constant KEY_INTERPOLATION_1_1 = 0x0420;
    uint256 private constant KEY_TRANSCRIPT_REPR = 0x0440;
    uint256 private constant KEY_FIXED_0 = 0x0460;
    uint256 private constant KEY_FIXED_1 = 0x04a0;
    uint256 private constant KEY_FIXED_2 = 0x04e0;
    uint256 private constant KEY_FIXED_3 = 0x0520;
    uint256 private constant KEY_FIXED_4 = 0x0560;
    uint256 private constant KEY_FIXED_5 = 0x05a0;
    uint256 private constant KEY_FIXED_6 = 0x05e0;
    uint256 private constant KEY_FIXED_7 = 0x0620;
    uint256 private constant KEY_FIXED_8 = 0x0660;
    uint256 private constant KEY_PERMUTATION_0 = 0x06a0;
    uint256 private constant KEY_PERMUTATION_1 = 0x06e0;
    uint256 private constant KEY_PERMUTATION_2 = 0x0720;
    uint256 private constant KEY_G1 = 0x0760;
    uint256 private constant KEY_G2 = 0x07a0;
    uint256 private constant KEY_NEGATED_S_G2 = 0x0820;
    uint256 private constant HASH_1 = 0x08a0;
    uint256 private constant ADVICE_4 = 0x08c0;
    uint256 private constant HASH_2 = 0x0900;
    uint256 private constant PRODUCT_0 = 0x0920;
    uint256 private constant RANDOM = 0x0960;
    uint256 private constant HASH_3 = 0x09a0;
    uint256 private constant QUOTIENT_0 = 0x09c0;
    uint256 private constant QUOTIENT_1 = 0x0a00;
    uint256 private constant QUOTIENT_2 = 0x0a40;
    uint256 private constant QUOTIENT_3 = 0x0a80;
    uint256 private constant HASH_4 = 0x0ac0;
    uint256 private constant EVAL_ADVICE_0 = 0x0ae0;
    uint256 private constant EVAL_ADVICE_1 = 0x0b00;
    uint256 private constant EVAL_ADVICE_2 = 0x0b20;
    uint256 private constant EVAL_ADVICE_3 = 0x0b40;
    uint256 private constant EVAL_ADVICE_4 = 0x0b60;
    uint256 private constant EVAL_ADVICE_5 = 0x0b80;
    uint256 private constant EVAL_ADVICE_6 = 0x0ba0;
    uint256 private constant EVAL_FIXED_0 = 0x0bc0;
    uint256 private constant EVAL_FIXED_1 = 0x0be0;
    uint256 private constant EVAL_FIXED_2 = 0x0c00;
    uint256 private constant EVAL_FIXED_3 = 0x0c20;
    uint256 private constant EVAL_FIXED_4 = 0x0c40;
    uint256 private constant EVAL_FIXED_5 = 0x0c60;
    uint256 private constant EVAL_FIXED_6 = 0x0c80;
    uint256 private constant EVAL_FIXED_7 = 0x0ca0;
    uint256 private constant EVAL_FIXED_8 = 0x0cc0;
    uint256 private constant EVAL_FIXED_9 = 0x0ce0;
    uint256 private constant EVAL_RANDOM = 0x0d00;
    uint256 private constant EVAL_PERMUTATION_0 = 0x0d20;
    uint256 private constant EVAL_PERMUTATION_1 = 0x0d40;
    uint256 private constant EVAL_PERMUTATION_2 = 0x0d60;
    uint256 private constant EVAL_PRODUCT_0 = 0x0d80;
    uint256 private constant EVAL_PRODUCT_0_NEXT = 0x0da0;
    uint256 private constant HASH_5 = 0x0dc0;
    uint256 private constant OPENING_QUOTIENT = 0x0de0;
    uint256 private constant HASH_6 = 0x0e20;
    uint256 private constant OPENING_PROOF = 0x0e40;
    uint256 private constant CHALLENGE_0 = 0x0e80;
    uint256 private constant CHALLENGE_1 = 0x0ea0;
    uint256 private constant BETA = 0x0ec0;
    uint256 private constant GAMMA = 0x0ee0;
    uint256 private constant Y = 0x0f00;
    uint256 private constant X = 0x0f20;
    uint256 private constant OPENING_Y = 0x0f40;
    uint256 private constant OPENING_V = 0x0f60;
    uint256 private constant OPENING_U = 0x0f80;
    uint256 private constant X_TO_N = 0x0fa0;
    uint256 private constant BLIND_NUMERATOR = 0x0fc0;
    uint256 private constant INSTANCE_NUMERATOR = 0x0fe0;
    uint256 private constant U_MINUS_X = 0x1000;
    uint256 private constant U_MINUS_X_1 = 0x1020;
    uint256 private constant VANISHING_1 = 0x1040;
    uint256 private constant INVERSE_VANISHING = 0x1060;
    uint256 private constant INVERSE_FIRST = 0x1080;
    uint256 private constant INVERSE_LAST = 0x10a0;
    uint256 private constant INVERSE_BLIND = 0x10c0;
    uint256 private constant INVERSE_INSTANCES = 0x10e0;
    uint256 private constant INVERSE_X = 0x1100;
    uint256 private constant INVERSE_GROUP_1 = 0x1120;
    uint256 private constant PREFIX_1 = 0x1140;
    uint256 private constant PREFIX_2 = 0x1160;
    uint256 private constant PREFIX_3 = 0x1180;
    uint256 private constant PREFIX_4 = 0x11a0;
    uint256 private constant PREFIX_5 = 0x11c0;
    uint256 private constant PREFIX_6 = 0x11e0;
    uint256 private constant L_FIRST = 0x1200;
    uint256 private constant L_LAST = 0x1220;
    uint256 private constant ACTIVE = 0x1240;
    uint256 private constant EVAL_INSTANCE = 0x1260;
    uint256 private constant EVAL_QUOTIENT = 0x1280;
    uint256 private constant SHARED_0 = 0x12a0;
    uint256 private constant SHARED_1 = 0x12c0;
    uint256 private constant GROUP_FACTOR_1 = 0x12e0;
    uint256 private constant CLAIMED = 0x1300;
    uint256 private constant QUOTIENT = 0x1320;
    uint256 private constant TRANSCRIPT = 0x1360;
    uint256 private constant GAS_FIXED = 289188;
    uint256 private constant GAS_PER_INSTANCE = 244;
    uint256 private constant GAS_PER_LOG_ROW = 85;

    /// @inheritdoc IHalo2Verifier
    bytes32 public constant SHAPE_DIGEST = 0xe4220c4b02470741d70bd56d2f955ee5173d2fd87e8cf23f0deff14a468cc294;
    /// @inheritdoc IHalo2Verifier
    uint256 public constant KEY_BYTES = 0x640;

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
                refusePoints(tail, add(tail, 0x100), 0)
                refusePoints(ADVICE_4, add(ADVICE_4, 0x40), 4)
                refusePoints(PRODUCT_0, add(PRODUCT_0, 0x80), 5)
                refusePoints(QUOTIENT_0, add(QUOTIENT_0, 0x100), 7)
                refuseScalars(ERROR_SCALAR_NOT_CANONICAL, EVAL_ADVICE_0, add(EVAL_ADVICE_0, 0x2e0), 11)
                refusePoints(OPENING_QUOTIENT, add(OPENING_QUOTIENT, 0x40), 34)
                refusePoints(OPENING_PROOF, add(OPENING_PROOF, 0x40), 35)
            }
            let r := R

            // ---- Key: its code is what the caller pinned, and it is for this shape. Before the proof, of whose length it would say nothing.
            if iszero(eq(extcodehash(calldataload(0x04)), calldataload(0x24))) {
                refuseUnequal(ERROR_WRONG_KEY_CODE_HASH, calldataload(0x24), extcodehash(calldataload(0x04)))
            }
            extcodecopy(calldataload(0x04), KEY_SHAPE, 0x01, 0x640)
            if iszero(eq(mload(KEY_SHAPE), SHAPE_DIGEST)) { refuseUnequal(ERROR_WRONG_KEY_SHAPE, SHAPE_DIGEST, mload(KEY_SHAPE)) }

            // ---- Calldata: selector, key, hash, two offsets, then length and bytes of the proof, length and words of the instances.
            if iszero(eq(calldataload(0x44), 0x80)) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            if iszero(eq(calldataload(0x84), 0x620)) { refuseUnequal(ERROR_WRONG_PROOF_LENGTH, 0x620, calldataload(0x84)) }
            if iszero(eq(calldataload(0x64), 0x6c0)) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            let count := calldataload(0x6c4)
            if iszero(eq(calldatasize(), add(0x6e4, shl(5, count)))) { refuse(ERROR_NON_CANONICAL_ENCODING) }
            if iszero(eq(count, mload(KEY_NUM_INSTANCES))) { refuseUnequal(ERROR_WRONG_INSTANCE_COUNT, mload(KEY_NUM_INSTANCES), count) }

            // ---- Gas: enough for all that follows, so that nothing below fails for want of it.
            {
                let words := add(count, 0xa5)
                let needed := add(add(GAS_FIXED, mul(count, GAS_PER_INSTANCE)), add(mul(mload(KEY_LOG_ROWS), GAS_PER_LOG_ROW), shr(9, mul(words, words))))
                if lt(gas(), needed) { refuseUnequal(ERROR_INSUFFICIENT_GAS, needed, gas()) }
            }

            // ---- Transcript: keccak256 of all that came since the last hash, that hash in front.
            let tail := add(add(TRANSCRIPT, 0x20), shl(5, count))
            mstore(TRANSCRIPT, mload(KEY_TRANSCRIPT_REPR))
            calldatacopy(add(TRANSCRIPT, 0x20), 0x6e4, shl(5, count))
            calldatacopy(tail, 0xa4, 0x100)
            calldatacopy(ADVICE_4, 0x1a4, 0x40)
            calldatacopy(PRODUCT_0, 0x1e4, 0x80)
            calldatacopy(QUOTIENT_0, 0x264, 0x100)
            calldatacopy(EVAL_ADVICE_0, 0x364, 0x2e0)
            calldatacopy(OPENING_QUOTIENT, 0x644, 0x40)
            calldatacopy(OPENING_PROOF, 0x684, 0x40)
            let hash
            hash := keccak256(TRANSCRIPT, sub(add(tail, 0x100), TRANSCRIPT))
            mstore(CHALLENGE_0, mod(hash, r))
            mstore(0x00, hash)
            mstore8(0x20, 1)
            hash := keccak256(0x00, 0x21)
            mstore(CHALLENGE_1, mod(hash, r))
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
            hash := keccak256(HASH_2, 0xa0)
            mstore(Y, mod(hash, r))
            mstore(HASH_3, hash)
            hash := keccak256(HASH_3, 0x120)
            mstore(X, mod(hash, r))
            mstore(HASH_4, hash)
            hash := keccak256(HASH_4, 0x300)
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
                let x := mload(add(tail, 0x40))
                let y := mload(add(tail, 0x60))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(add(tail, 0x80))
                let y := mload(add(tail, 0xa0))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(add(tail, 0xc0))
                let y := mload(add(tail, 0xe0))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(ADVICE_4)
                let y := mload(add(ADVICE_4, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            {
                let x := mload(PRODUCT_0)
                let y := mload(add(PRODUCT_0, 0x20))
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
            {
                let x := mload(QUOTIENT_3)
                let y := mload(add(QUOTIENT_3, 0x20))
                ok := and(ok, and(and(lt(x, P), lt(y, P)), eq(mulmod(y, y, P), addmod(mulmod(x, mulmod(x, x, P), P), 3, P))))
            }
            ok := and(ok, lt(mload(EVAL_ADVICE_0), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_1), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_2), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_3), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_4), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_5), r))
            ok := and(ok, lt(mload(EVAL_ADVICE_6), r))
            ok := and(ok, lt(mload(EVAL_FIXED_0), r))
            ok := and(ok, lt(mload(EVAL_FIXED_1), r))
            ok := and(ok, lt(mload(EVAL_FIXED_2), r))
            ok := and(ok, lt(mload(EVAL_FIXED_3), r))
            ok := and(ok, lt(mload(EVAL_FIXED_4), r))
            ok := and(ok, lt(mload(EVAL_FIXED_5), r))
            ok := and(ok, lt(mload(EVAL_FIXED_6), r))
            ok := and(ok, lt(mload(EVAL_FIXED_7), r))
            ok := and(ok, lt(mload(EVAL_FIXED_8), r))
            ok := and(ok, lt(mload(EVAL_FIXED_9), r))
            ok := and(ok, lt(mload(EVAL_RANDOM), r))
            ok := and(ok, lt(mload(EVAL_PERMUTATION_0), r))
            ok := and(ok, lt(mload(EVAL_PERMUTATION_1), r))
            ok := and(ok, lt(mload(EVAL_PERMUTATION_2), r))
            ok := and(ok, lt(mload(EVAL_PRODUCT_0), r))
            ok := and(ok, lt(mload(EVAL_PRODUCT_0_NEXT), r))
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
                mstore(INVERSE_FIRST, addmod(x, sub(r, 1), r))
                mstore(INVERSE_LAST, addmod(x, sub(r, mload(KEY_ROOT_MINUS_6)), r))
                // l_blind: sum of omega^i / (x - omega^i) over the rows between l_last and the end
                let numerator := mload(KEY_ROOT_MINUS_1)
                let denominator := add(x, sub(r, numerator))
                {
                    let root := mload(KEY_ROOT_MINUS_2)
                    let difference := add(x, sub(r, root))
                    numerator := add(mulmod(numerator, difference, r), mulmod(root, denominator, r))
                    denominator := mulmod(denominator, difference, r)
                }
                {
                    let root := mload(KEY_ROOT_MINUS_3)
                    let difference := add(x, sub(r, root))
                    numerator := add(mulmod(numerator, difference, r), mulmod(root, denominator, r))
                    denominator := mulmod(denominator, difference, r)
                }
                {
                    let root := mload(KEY_ROOT_MINUS_4)
                    let difference := add(x, sub(r, root))
                    numerator := add(mulmod(numerator, difference, r), mulmod(root, denominator, r))
                    denominator := mulmod(denominator, difference, r)
                }
                {
                    let root := mload(KEY_ROOT_MINUS_5)
                    let difference := add(x, sub(r, root))
                    numerator := add(mulmod(numerator, difference, r), mulmod(root, denominator, r))
                    denominator := mulmod(denominator, difference, r)
                }
                mstore(BLIND_NUMERATOR, numerator)
                mstore(INVERSE_BLIND, denominator)
            }
            {
                // The instance column at x * omega^0: sum of instance * omega^i / (x - omega^i), i from 0
                let x := mload(X)
                let omega := mload(KEY_ROOT_1)
                let root := 1
                let numerator := 0
                let denominator := 1
                for { let at := add(TRANSCRIPT, 0x20) } lt(at, tail) { at := add(at, 0x20) } {
                    let instance := mload(at)
                    ok := and(ok, lt(instance, r))
                    let difference := add(x, sub(r, root))
                    numerator := add(mulmod(numerator, difference, r), mulmod(mulmod(instance, root, r), denominator, r))
                    denominator := mulmod(denominator, difference, r)
                    root := mulmod(root, omega, r)
                }
                mstore(INSTANCE_NUMERATOR, numerator)
                mstore(INVERSE_INSTANCES, denominator)
            }
            if iszero(ok) { refuseElements(tail) }
            {
                let x := mload(X)
                let u := mload(OPENING_U)
                mstore(U_MINUS_X, addmod(u, sub(r, x), r))
                mstore(U_MINUS_X_1, addmod(u, sub(r, mulmod(x, mload(KEY_ROOT_1), r)), r))
                mstore(VANISHING_1, mulmod(mload(U_MINUS_X), mload(U_MINUS_X_1), r))
                mstore(INVERSE_GROUP_1, mload(VANISHING_1))
                mstore(INVERSE_X, x)
            }

            // ---- One inversion, a^(r-2), for all denominators; it fails only if one of them is zero.
            {
                let product := mload(INVERSE_VANISHING)
                mstore(PREFIX_1, product)
                product := mulmod(product, mload(INVERSE_FIRST), r)
                mstore(PREFIX_2, product)
                product := mulmod(product, mload(INVERSE_LAST), r)
                mstore(PREFIX_3, product)
                product := mulmod(product, mload(INVERSE_BLIND), r)
                mstore(PREFIX_4, product)
                product := mulmod(product, mload(INVERSE_INSTANCES), r)
                mstore(PREFIX_5, product)
                product := mulmod(product, mload(INVERSE_X), r)
                mstore(PREFIX_6, product)
                product := mulmod(product, mload(INVERSE_GROUP_1), r)
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
                {
                    let denominator := mload(INVERSE_GROUP_1)
                    mstore(INVERSE_GROUP_1, mulmod(inverse, mload(PREFIX_6), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                {
                    let denominator := mload(INVERSE_X)
                    mstore(INVERSE_X, mulmod(inverse, mload(PREFIX_5), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                {
                    let denominator := mload(INVERSE_INSTANCES)
                    mstore(INVERSE_INSTANCES, mulmod(inverse, mload(PREFIX_4), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                {
                    let denominator := mload(INVERSE_BLIND)
                    mstore(INVERSE_BLIND, mulmod(inverse, mload(PREFIX_3), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                {
                    let denominator := mload(INVERSE_LAST)
                    mstore(INVERSE_LAST, mulmod(inverse, mload(PREFIX_2), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                {
                    let denominator := mload(INVERSE_FIRST)
                    mstore(INVERSE_FIRST, mulmod(inverse, mload(PREFIX_1), r))
                    inverse := mulmod(inverse, denominator, r)
                }
                mstore(INVERSE_VANISHING, inverse)
            }

            // ---- Lagrange polynomials at x: l_i = (x^n - 1) / n * omega^i / (x - omega^i).
            {
                let common := mulmod(add(mload(X_TO_N), sub(r, 1)), mload(KEY_ROWS_INVERSE), r)
                mstore(L_FIRST, mulmod(common, mload(INVERSE_FIRST), r))
                let last := mulmod(mulmod(common, mload(KEY_ROOT_MINUS_6), r), mload(INVERSE_LAST), r)
                mstore(L_LAST, last)
                let blind := mulmod(mulmod(common, mload(BLIND_NUMERATOR), r), mload(INVERSE_BLIND), r)
                mstore(ACTIVE, addmod(1, sub(R_TIMES_2, add(last, blind)), r))
                mstore(EVAL_INSTANCE, mulmod(mulmod(common, mload(INSTANCE_NUMERATOR), r), mload(INVERSE_INSTANCES), r))
            }

            // ---- Constraints, folded by powers of y; the quotient times x^n - 1 must be their sum.
            {
                let y := mload(Y)
                let sum
                // gate 0
                sum := add(add(mulmod(mload(EVAL_FIXED_0), add(mload(EVAL_ADVICE_3), sub(r, mload(EVAL_ADVICE_2))), r), sub(R_TIMES_2, add(mulmod(mload(EVAL_FIXED_1), mload(EVAL_ADVICE_0), r), mulmod(mload(EVAL_FIXED_2), mload(EVAL_ADVICE_1), r)))), sub(r, mulmod(mload(EVAL_FIXED_3), mulmod(mload(EVAL_ADVICE_0), mload(EVAL_ADVICE_1), r), r)))
                // gate 1
                sum := add(mulmod(mload(EVAL_ADVICE_2), mload(EVAL_FIXED_4), r), mulmod(sum, y, r))
                // gate 2
                sum := add(mulmod(mload(EVAL_ADVICE_4), add(mload(EVAL_FIXED_0), sub(r, mload(EVAL_FIXED_5))), r), mulmod(sum, y, r))
                // gate 3
                mstore(SHARED_0, add(mload(CHALLENGE_1), mulmod(mload(EVAL_FIXED_6), add(mload(EVAL_ADVICE_0), mulmod(mload(CHALLENGE_0), add(mload(EVAL_ADVICE_1), mload(CHALLENGE_0)), r)), r)))
                sum := add(mulmod(mload(EVAL_FIXED_0), add(mulmod(mload(SHARED_0), mload(EVAL_ADVICE_6), r), mulmod(add(0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000000, mulmod(mload(SHARED_0), add(mload(EVAL_ADVICE_4), sub(r, mload(EVAL_ADVICE_5))), r)), add(add(mload(CHALLENGE_1), mload(EVAL_FIXED_7)), mulmod(mload(CHALLENGE_0), add(mload(EVAL_FIXED_8), mulmod(mload(CHALLENGE_0), mload(EVAL_FIXED_9), r)), r)), r)), r), mulmod(sum, y, r))
                // permutation product 0 starts at 1
                sum := add(mulmod(mload(L_FIRST), add(1, sub(r, mload(EVAL_PRODUCT_0))), r), mulmod(sum, y, r))
                // the last permutation product ends at 0 or 1
                sum := add(mulmod(mload(L_LAST), add(sub(r, mload(EVAL_PRODUCT_0)), mulmod(mload(EVAL_PRODUCT_0), mload(EVAL_PRODUCT_0), r)), r), mulmod(sum, y, r))
                // permutation product 0 steps as its columns say
                mstore(SHARED_1, mulmod(mload(BETA), mload(X), r))
                sum := add(mulmod(mload(ACTIVE), add(mulmod(add(add(mload(GAMMA), mload(EVAL_INSTANCE)), mulmod(mload(BETA), mload(EVAL_PERMUTATION_2), r)), mulmod(add(add(mload(EVAL_ADVICE_1), mload(GAMMA)), mulmod(mload(BETA), mload(EVAL_PERMUTATION_1), r)), mulmod(mload(EVAL_PRODUCT_0_NEXT), add(add(mload(EVAL_ADVICE_0), mload(GAMMA)), mulmod(mload(BETA), mload(EVAL_PERMUTATION_0), r)), r), r), r), sub(r, mulmod(add(add(mload(GAMMA), mload(EVAL_INSTANCE)), mulmod(mload(SHARED_1), 0x13b360d4e82fe915fed16081038f98c211427b87a281bd733c277dbadf10372b, r)), mulmod(mulmod(mload(EVAL_PRODUCT_0), add(mload(SHARED_1), add(mload(EVAL_ADVICE_0), mload(GAMMA))), r), add(add(mload(EVAL_ADVICE_1), mload(GAMMA)), mulmod(mload(SHARED_1), 0x09226b6e22c6f0ca64ec26aad4c86e715b5f898e5e963f25870e56bbe533e9a2, r)), r), r))), r), mulmod(sum, y, r))
                mstore(EVAL_QUOTIENT, mulmod(sum, mload(INVERSE_VANISHING), r))
            }

            // ---- SHPLONK: claimed evaluations, by powers of y inside a group, by v and T_0 / T_i between groups.
            {
                let y := mload(OPENING_Y)
                let total
                let power := 1
                // group 0: 16 polynomials at x * omega^0
                {
                    let value
                    let at0 := mload(EVAL_RANDOM)
                    at0 := add(mulmod(at0, y, r), mload(EVAL_QUOTIENT))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_PERMUTATION_2))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_PERMUTATION_1))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_PERMUTATION_0))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_9))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_8))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_7))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_6))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_4))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_3))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_2))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_FIXED_1))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_6))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_1))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_0))
                    value := at0
                    total := value
                }
                // group 1: 4 polynomials at x * omega^0, x * omega^1
                {
                    let value
                    let at0 := mload(EVAL_FIXED_0)
                    at0 := add(mulmod(at0, y, r), mload(EVAL_PRODUCT_0))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_5))
                    at0 := add(mulmod(at0, y, r), mload(EVAL_ADVICE_2))
                    value := addmod(value, mulmod(at0, mulmod(mulmod(mload(KEY_INTERPOLATION_1_0), mload(U_MINUS_X_1), r), mload(INVERSE_X), r), r), r)
                    let at1 := mload(EVAL_FIXED_5)
                    at1 := add(mulmod(at1, y, r), mload(EVAL_PRODUCT_0_NEXT))
                    at1 := add(mulmod(at1, y, r), mload(EVAL_ADVICE_4))
                    at1 := add(mulmod(at1, y, r), mload(EVAL_ADVICE_3))
                    value := addmod(value, mulmod(at1, mulmod(mulmod(mload(KEY_INTERPOLATION_1_1), mload(U_MINUS_X), r), mload(INVERSE_X), r), r), r)
                    power := mload(OPENING_V)
                    let factor := mulmod(mulmod(power, mload(U_MINUS_X), r), mload(INVERSE_GROUP_1), r)
                    mstore(GROUP_FACTOR_1, factor)
                    total := addmod(total, mulmod(factor, value, r), r)
                }
                mstore(CLAIMED, total)
            }

            // ---- Quotient: sum of x^(n i) * [h_i].
            mcopy(ACC, QUOTIENT_3, 0x40)
            mstore(SCALAR, mload(X_TO_N))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT_2, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, QUOTIENT, 0x40)))

            // ---- All commitments: groups by powers of y, then summed, the first group as it is.
            // group 1
            mcopy(ACC, KEY_FIXED_5, 0x40)
            mstore(SCALAR, mload(OPENING_Y))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, PRODUCT_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, ADVICE_4, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, add(tail, 0x80), 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            mstore(SCALAR, mload(GROUP_FACTOR_1))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SUM, 0x40)))
            // group 0
            mcopy(ACC, RANDOM, 0x40)
            mstore(SCALAR, mload(OPENING_Y))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, QUOTIENT, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_PERMUTATION_2, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_PERMUTATION_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_PERMUTATION_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_8, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_7, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_6, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_3, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_4, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_2, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_1, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, KEY_FIXED_0, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, add(tail, 0xc0), 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, add(tail, 0x40), 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, ACC, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, SCALED, 0x40)))
            mcopy(ADDEND, tail, 0x40)
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SCALED, 0x80, TERM, 0x40)))
            ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, SUM, 0x80, SUM, 0x40)))

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

//! SHPLONK: the scalars, the combination of all commitments, the pairing. Equations as in `apodict_verifier`'s
//! `bdfg21`: with `T_i` the vanishing polynomial of group `i` at `u`,
//!
//! `e(sum_i v^i (T_0 / T_i) sum_j y^j (C_ij - [r_ij(u)]) - T_0 W + u W', [1]_2) = e(W', [s]_2)`

use super::{
    Plan,
    code::Code,
    constraints::{distance_name, vanishing_name},
};
use crate::{
    key_layout::KeyField,
    memory::{commitment_name, element_name, evaluation_name},
};
use apodict_verifier::{Element, OpeningGroup};

/// Name of the word with `v^i * T_0 / T_i`, for groups after the first.
fn factor_name(group: usize) -> String {
    format!("GROUP_FACTOR_{group}")
}

/// What the generator is multiplied with: minus the combination of all claimed evaluations, interpolated at `u`.
pub(super) fn scalars(plan: &mut Plan<'_>) -> Code {
    for group in 1..plan.groups.len() {
        plan.memory.allocate(factor_name(group), 1, "v^i * T_0(u) / T_i(u)");
    }
    plan.memory.allocate("CLAIMED", 1, "all claimed evaluations, interpolated at u and combined");

    let mut code = Code::default();
    code.section("SHPLONK: claimed evaluations, by powers of y inside a group, by v and T_0 / T_i between groups.");
    code.lines(["{", "let y := mload(OPENING_Y)", "let total"]);
    if plan.groups.len() > 1 {
        code.line("let power := 1");
    }
    for (index, group) in plan.groups.iter().enumerate() {
        let points =
            group.rotations.iter().map(|rotation| format!("x * omega^{rotation}")).collect::<Vec<_>>().join(", ");
        code.line(format!("// group {index}: {} polynomials at {points}", group.openings.len()));
        code.line("{");
        code.append(group_value(index, group));
        if index == 0 {
            // `value` is lazy; with other groups, `addmod` reduces the sum.
            code.line(if plan.groups.len() == 1 { "total := mod(value, r)" } else { "total := value" });
        } else {
            code.lines([
                match index {
                    1 => "power := mload(OPENING_V)".to_owned(),
                    _ => "power := mulmod(power, mload(OPENING_V), r)".into(),
                },
                format!(
                    "let factor := mulmod(mulmod(power, mload({}), r), mload(INVERSE_GROUP_{index}), r)",
                    vanishing_name(plan, 0)
                ),
                format!("mstore({}, factor)", factor_name(index)),
                "total := addmod(total, mulmod(factor, value, r), r)".into(),
            ]);
        }
        code.line("}");
    }
    code.lines(["mstore(CLAIMED, total)", "}"]);
    code
}

/// `value`: sum over the group's points of the point's Lagrange basis at `u` times `sum_j y^j * evaluation_j`.
fn group_value(index: usize, group: &OpeningGroup) -> Code {
    let mut code = Code::default();
    let num_points = group.rotations.len();
    code.line("let value");
    for (point, _) in group.rotations.iter().enumerate() {
        let evaluations: Vec<String> = group
            .openings
            .iter()
            .filter_map(|opening| opening.evaluations.get(point))
            .map(|evaluation| format!("mload({})", evaluation_name(*evaluation)))
            .collect();
        let mut combined = evaluations.iter().rev();
        code.line(format!("let at{point} := {}", combined.next().cloned().unwrap_or_default()));
        for evaluation in combined {
            code.line(format!("at{point} := add(mulmod(at{point}, y, r), {evaluation})"));
        }
        if num_points == 1 {
            code.line(format!("value := at{point}"));
            continue;
        }
        // prod_{m != point} (u - x_m) / (x_point - x_m), where x_point - x_m = x * (omega^point - omega^m)
        let basis = group.rotations.iter().enumerate().filter(|(other, _)| *other != point).fold(
            format!("mload({})", KeyField::Interpolation { group: index, point }.name()),
            |product, (_, rotation)| {
                format!("mulmod(mulmod({product}, mload({}), r), mload(INVERSE_X), r)", distance_name(*rotation))
            },
        );
        code.line(format!("value := addmod(value, mulmod(at{point}, {basis}, r), r)"));
    }
    code
}

/// The combination of all commitments, and the pairing.
pub(super) fn points(plan: &mut Plan<'_>) -> Code {
    plan.memory.allocate("QUOTIENT", 2, "commitment to the quotient, its pieces folded");
    let plan = &*plan;
    let mut code = Code::default();
    code.section("Quotient: sum of x^(n i) * [h_i].");
    let pieces: Vec<String> =
        (0..plan.cs.num_quotient_pieces()).map(|piece| element_name(Element::QuotientCommitment(piece))).collect();
    code.append(fold(plan, &pieces, "mload(X_TO_N)", "QUOTIENT"));

    code.section("All commitments: groups by powers of y, then summed, the first group as it is.");
    let num_groups = plan.groups.len();
    for (index, group) in plan.groups.iter().enumerate().rev() {
        let names: Vec<String> = group.openings.iter().map(|opening| commitment_name(opening.polynomial)).collect();
        let is_first_term = index + 1 == num_groups;
        let target = if is_first_term { "SUM" } else { "TERM" };
        code.line(format!("// group {index}"));
        if index == 0 {
            code.append(fold(plan, &names, "mload(OPENING_Y)", target));
        } else {
            code.append(fold(plan, &names, "mload(OPENING_Y)", "ACC"));
            code.line(format!("mstore(SCALAR, mload({}))", factor_name(index)));
            code.line(scale(target));
        }
        if !is_first_term {
            code.line(add("SUM", "SUM"));
        }
    }

    code.section("Minus the claims, minus T_0 W, plus u W'.");
    let terms = [
        (KeyField::G1.name(), "sub(r, mload(CLAIMED))".to_owned()),
        (element_name(Element::OpeningQuotient), format!("sub(r, mload({}))", vanishing_name(plan, 0))),
        (element_name(Element::OpeningProof), "mload(OPENING_U)".into()),
    ];
    for (point, scalar) in terms {
        code.lines([
            format!("mcopy(ACC, {}, 0x40)", plan.address(&point)),
            format!("mstore(SCALAR, {scalar})"),
            scale("TERM"),
            add("SUM", "SUM"),
        ]);
    }

    code.section("e(SUM, [1]_2) * e(W', -[s]_2) = 1");
    code.lines([
        "mcopy(add(SUM, 0x40), KEY_G2, 0x80)".to_owned(),
        format!("mcopy(add(SUM, 0xc0), {}, 0x40)", element_name(Element::OpeningProof)),
        "mcopy(add(SUM, 0x100), KEY_NEGATED_S_G2, 0x80)".into(),
        "ok := and(ok, and(eq(returndatasize(), 0x20), staticcall(gas(), 0x08, SUM, 0x180, 0x00, 0x20)))".into(),
        "if iszero(ok) { refuse(ERROR_PRECOMPILE_FAILED) }".into(),
        "if iszero(eq(mload(0x00), 1)) { refuse(ERROR_PROOF_REJECTED) }".into(),
        "mstore(0x00, 1)".into(),
        "return(0x00, 0x20)".into(),
    ]);
    code
}

/// `target := sum_i scalar^i * point_i` (Horner): one multiplication for each point but the last.
fn fold(plan: &Plan<'_>, points: &[String], scalar: &str, target: &str) -> Code {
    let mut code = Code::default();
    let Some((last, rest)) = points.split_last() else { return code };
    if rest.is_empty() {
        code.line(format!("mcopy({target}, {}, 0x40)", plan.address(last)));
        return code;
    }
    code.line(format!("mcopy(ACC, {}, 0x40)", plan.address(last)));
    code.line(format!("mstore(SCALAR, {scalar})"));
    for (position, point) in rest.iter().enumerate().rev() {
        code.lines([
            scale("SCALED"),
            format!("mcopy(ADDEND, {}, 0x40)", plan.address(point)),
            add("SCALED", if position == 0 { target } else { "ACC" }),
        ]);
    }
    code
}

/// `target := SCALAR * ACC`
fn scale(target: &str) -> String {
    format!("ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x07, ACC, 0x60, {target}, 0x40)))")
}

/// `target :=` the sum of the two points from `pair` on.
fn add(pair: &str, target: &str) -> String {
    format!("ok := and(ok, and(eq(returndatasize(), 0x40), staticcall(gas(), 0x06, {pair}, 0x80, {target}, 0x40)))")
}

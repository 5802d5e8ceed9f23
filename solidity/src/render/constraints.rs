//! The quotient's value at `x`: Lagrange polynomials, one inversion for everything, gates, permutation argument.

use super::{
    Plan,
    code::{Code, Runs},
};
use crate::{
    arithmetic::{Arithmetic, Value, Writer, multiple_of_r},
    key_layout::KeyField,
    memory::{challenge_name, evaluation_name, instance_name},
};
use apodict_verifier::{Challenge, Column, ColumnKind, ConstraintSystem, DELTA, Evaluation, Expression, Fr, Query};
use ark_ff::{Field, One};

/// Name of the word with `u - x * omega^rotation`.
pub(super) fn distance_name(rotation: i32) -> String {
    match rotation {
        0 => "U_MINUS_X".into(),
        rotation if rotation < 0 => format!("U_MINUS_X_MINUS_{}", rotation.unsigned_abs()),
        rotation => format!("U_MINUS_X_{rotation}"),
    }
}

/// Name of the word with the vanishing polynomial of a group's points at `u`.
pub(super) fn vanishing_name(plan: &Plan<'_>, group: usize) -> String {
    match plan.groups.get(group).map(|group| group.rotations.as_slice()) {
        Some([rotation]) => distance_name(*rotation),
        _ => format!("VANISHING_{group}"),
    }
}

/// All that must be inverted, in the order of the batch: names of words that hold a denominator, then its inverse.
fn inverted_words(plan: &Plan<'_>) -> Vec<(String, &'static str)> {
    let mut words = vec![("INVERSE_VANISHING".to_owned(), "x^n - 1")];
    if plan.has_permutation() {
        words.push(("INVERSE_FIRST".into(), "x - 1"));
        words.push(("INVERSE_LAST".into(), "x - omega^last"));
        words.push(("INVERSE_BLIND".into(), "product of x - omega^i over the blinded rows"));
    }
    words.extend(plan.instance_rotations().into_iter().map(|rotation| {
        (instance_name("INVERSE_INSTANCES", rotation), "product of x - omega^i over the rows of the instances")
    }));
    if plan.groups.iter().any(|group| group.rotations.len() > 1) {
        words.push(("INVERSE_X".into(), "x"));
    }
    words.extend(
        (1..plan.groups.len())
            .map(|group| (format!("INVERSE_GROUP_{group}"), "vanishing polynomial of the group at u")),
    );
    words
}

/// Numerators and denominators, and all inverses from one exponentiation.
pub(super) fn denominators(plan: &mut Plan<'_>) -> Code {
    let cs = plan.cs;
    let words = inverted_words(plan);
    let rotations = plan.rotations();
    let instance_rotations = plan.instance_rotations();
    let memory = &mut plan.memory;
    memory.allocate("X_TO_N", 1, "x^n");
    memory.allocate("BLIND_NUMERATOR", 1, "");
    for rotation in &instance_rotations {
        memory.allocate(instance_name("INSTANCE_NUMERATOR", *rotation), 1, "");
    }
    for rotation in &rotations {
        memory.allocate(distance_name(*rotation), 1, "u - x * omega^rotation");
    }
    for (group, rotations) in plan.groups.iter().map(|group| &group.rotations).enumerate() {
        if rotations.len() > 1 {
            memory.allocate(format!("VANISHING_{group}"), 1, "vanishing polynomial of the group at u");
        }
    }
    for (name, description) in &words {
        memory.allocate(name, 1, format!("{description}; then its inverse"));
    }
    for index in 1..words.len() {
        memory.allocate(format!("PREFIX_{index}"), 1, "product of the denominators before");
    }

    let mut code = Code::default();
    code.section("Denominators. A sum of fractions is built as one: a/b + c/d = (ad + cb) / bd.");
    code.lines(["{", "let x := mload(X)", "let power := x"]);
    code.repeated(
        Runs::PerLogRow,
        "for { let k := mload(KEY_LOG_ROWS) } k { k := sub(k, 1) } {",
        ["power := mulmod(power, power, r)"],
    );
    code.lines(["mstore(X_TO_N, power)", "mstore(INVERSE_VANISHING, addmod(power, sub(r, 1), r))"]);
    if plan.has_permutation() {
        let last = last_row(cs.blinding_factors);
        code.line("mstore(INVERSE_FIRST, addmod(x, sub(r, 1), r))");
        code.line(format!("mstore(INVERSE_LAST, addmod(x, sub(r, mload({})), r))", KeyField::Root(last).name()));
        code.line("// l_blind: sum of omega^i / (x - omega^i) over the rows between l_last and the end");
        for row in 1..last.unsigned_abs() {
            let root = format!("mload({})", KeyField::Root(-i32::try_from(row).unwrap_or(i32::MAX)).name());
            if row == 1 {
                code.line(format!("let numerator := {root}"));
                code.line("let denominator := add(x, sub(r, numerator))");
            } else {
                code.lines([
                    "{".into(),
                    format!("let root := {root}"),
                    "let difference := add(x, sub(r, root))".into(),
                    "numerator := add(mulmod(numerator, difference, r), mulmod(root, denominator, r))".into(),
                    "denominator := mulmod(denominator, difference, r)".to_owned(),
                    "}".into(),
                ]);
            }
        }
        if cs.blinding_factors == 0 {
            code.lines(["let numerator := 0", "let denominator := 1"]);
        }
        code.lines(["mstore(BLIND_NUMERATOR, numerator)", "mstore(INVERSE_BLIND, denominator)"]);
    }
    code.line("}");

    code.append(instances(plan));

    code.lines(["{", "let x := mload(X)", "let u := mload(OPENING_U)"]);
    for rotation in &rotations {
        let distance = match rotation {
            0 => "addmod(u, sub(r, x), r)".into(),
            _ => format!("addmod(u, sub(r, mulmod(x, mload({}), r)), r)", KeyField::Root(*rotation).name()),
        };
        code.line(format!("mstore({}, {distance})", distance_name(*rotation)));
    }
    for (group, rotations) in plan.groups.iter().map(|group| &group.rotations).enumerate() {
        if let [first, rest @ ..] = rotations.as_slice()
            && !rest.is_empty()
        {
            let product = rest.iter().fold(format!("mload({})", distance_name(*first)), |product, rotation| {
                format!("mulmod({product}, mload({}), r)", distance_name(*rotation))
            });
            code.line(format!("mstore(VANISHING_{group}, {product})"));
        }
        if group > 0 {
            code.line(format!("mstore(INVERSE_GROUP_{group}, mload({}))", vanishing_name(plan, group)));
        }
    }
    if words.iter().any(|(name, _)| name == "INVERSE_X") {
        code.line("mstore(INVERSE_X, x)");
    }
    code.line("}");
    code.append(batch_inversion(&words));
    code
}

fn last_row(blinding_factors: usize) -> i32 {
    -i32::try_from(blinding_factors).unwrap_or(i32::MAX).saturating_add(1)
}

/// `at` is the address of an instance.
const FOR_EACH_INSTANCE: &str = "for { let at := add(TRANSCRIPT, 0x20) } lt(at, tail) { at := add(at, 0x20) } {";

/// The instance column at each of its rotations as a fraction, and the check of each instance.
fn instances(plan: &Plan<'_>) -> Code {
    let mut code = Code::default();
    let rotations = plan.instance_rotations();
    for (position, rotation) in rotations.iter().enumerate() {
        let first_root = match rotation {
            0 => "1".to_owned(),
            _ => format!("mload({})", KeyField::Root(-rotation).name()),
        };
        code.lines([
            "{".to_owned(),
            format!(
                "// The instance column at x * omega^{rotation}: sum of instance * omega^i / (x - omega^i), i from {}",
                -rotation
            ),
            "let x := mload(X)".into(),
            "let omega := mload(KEY_ROOT_1)".into(),
            format!("let root := {first_root}"),
            "let numerator := 0".into(),
            "let denominator := 1".into(),
        ]);
        let mut body = vec!["let instance := mload(at)"];
        if position == 0 {
            body.push("ok := and(ok, lt(instance, r))");
        }
        body.extend([
            "let difference := add(x, sub(r, root))",
            "numerator := add(mulmod(numerator, difference, r), mulmod(mulmod(instance, root, r), denominator, r))",
            "denominator := mulmod(denominator, difference, r)",
            "root := mulmod(root, omega, r)",
        ]);
        code.repeated(Runs::PerInstance, FOR_EACH_INSTANCE, body);
        code.lines([
            format!("mstore({}, numerator)", instance_name("INSTANCE_NUMERATOR", *rotation)),
            format!("mstore({}, denominator)", instance_name("INVERSE_INSTANCES", *rotation)),
            "}".into(),
        ]);
    }
    if rotations.is_empty() {
        code.repeated(Runs::PerInstance, FOR_EACH_INSTANCE, ["ok := and(ok, lt(mload(at), r))"]);
    }
    code.line("if iszero(ok) { refuseElements(tail) }");
    code
}

/// Montgomery's trick: one inversion, three products for each denominator.
fn batch_inversion(words: &[(String, &'static str)]) -> Code {
    let mut code = Code::default();
    code.section("One inversion, a^(r-2), for all denominators; it fails only if one of them is zero.");
    code.line("{");
    for (index, (name, _)) in words.iter().enumerate() {
        if index == 0 {
            code.line(format!("let product := mload({name})"));
        } else {
            code.line(format!("mstore(PREFIX_{index}, product)"));
            code.line(format!("product := mulmod(product, mload({name}), r)"));
        }
    }
    code.lines([
        "mstore(0x00, 0x20)",
        "mstore(0x20, 0x20)",
        "mstore(0x40, 0x20)",
        "mstore(0x60, product)",
        "mstore(0x80, sub(r, 2))",
        "mstore(0xa0, r)",
        "if iszero(and(eq(returndatasize(), 0x20), staticcall(gas(), 0x05, 0x00, 0xc0, 0x00, 0x20))) { refuse(ERROR_PRECOMPILE_FAILED) }",
        "let inverse := mload(0x00)",
        "if iszero(eq(mulmod(inverse, product, r), 1)) {",
        "// Only zero has no inverse: of anything else, the answer is wrong.",
        "if product { refuse(ERROR_PRECOMPILE_FAILED) }",
        "refuse(ERROR_DEGENERATE_CHALLENGE)",
        "}",
    ]);
    for (index, (name, _)) in words.iter().enumerate().rev() {
        if index == 0 {
            code.line(format!("mstore({name}, inverse)"));
        } else {
            code.lines([
                "{".into(),
                format!("let denominator := mload({name})"),
                format!("mstore({name}, mulmod(inverse, mload(PREFIX_{index}), r))"),
                "inverse := mulmod(inverse, denominator, r)".to_owned(),
                "}".into(),
            ]);
        }
    }
    code.line("}");
    code
}

/// Lagrange polynomials at `x`, then all constraints folded by powers of `y`, over `x^n - 1`.
pub(super) fn quotient_evaluation(plan: &mut Plan<'_>) -> Code {
    let cs = plan.cs;
    let mut code = Code::default();
    code.section("Lagrange polynomials at x: l_i = (x^n - 1) / n * omega^i / (x - omega^i).");
    code.line("{");
    code.line("let common := mulmod(add(mload(X_TO_N), sub(r, 1)), mload(KEY_ROWS_INVERSE), r)");
    if plan.has_permutation() {
        for name in ["L_FIRST", "L_LAST"] {
            plan.memory.allocate(name, 1, "Lagrange polynomial at x");
        }
        plan.memory.allocate("ACTIVE", 1, "1 - l_last - l_blind: the rows that the permutation argument binds");
        let root = KeyField::Root(last_row(cs.blinding_factors)).name();
        code.line("mstore(L_FIRST, mulmod(common, mload(INVERSE_FIRST), r))");
        code.line(format!("let last := mulmod(mulmod(common, mload({root}), r), mload(INVERSE_LAST), r)"));
        code.line("mstore(L_LAST, last)");
        code.line("let blind := mulmod(mulmod(common, mload(BLIND_NUMERATOR), r), mload(INVERSE_BLIND), r)");
        code.line(format!("mstore(ACTIVE, addmod(1, sub({}, add(last, blind)), r))", multiple_of_r(2)));
    }
    for rotation in plan.instance_rotations() {
        let name = instance_name("EVAL_INSTANCE", rotation);
        code.line(format!(
            "mstore({name}, mulmod(mulmod(common, mload({}), r), mload({}), r))",
            instance_name("INSTANCE_NUMERATOR", rotation),
            instance_name("INVERSE_INSTANCES", rotation)
        ));
        plan.memory.allocate(name, 1, format!("the instance column at x * omega^{rotation}"));
    }
    code.line("}");

    let mut values = Arithmetic::default();
    let mut roots = Vec::new();
    for (gate, expression) in cs.gates.iter().enumerate() {
        roots.push((format!("gate {gate}"), value_of(cs, &mut values, expression)));
    }
    if plan.has_permutation() {
        permutation(plan, &mut values, &mut roots);
    }

    code.section("Constraints, folded by powers of y; the quotient times x^n - 1 must be their sum.");
    code.lines(["{", "let y := mload(Y)", "let sum"]);
    let all: Vec<Value> = roots.iter().map(|(_, value)| *value).collect();
    let mut writer = Writer::new(&values, &all);
    for (position, (what, value)) in roots.iter().enumerate() {
        let mut before = Vec::new();
        let folded = match position {
            0 => writer.expression(*value, &mut before).0,
            _ => writer.fold("sum", "y", *value, &mut before),
        };
        code.line(format!("// {what}"));
        code.lines(before);
        code.line(format!("sum := {folded}"));
    }
    plan.memory.allocate("EVAL_QUOTIENT", 1, "what the quotient must be at x");
    code.line("mstore(EVAL_QUOTIENT, mulmod(sum, mload(INVERSE_VANISHING), r))");
    code.line("}");
    for name in &writer.stored {
        plan.memory.allocate(name, 1, "a value that constraints share, not reduced");
    }
    code
}

fn value_of(cs: &ConstraintSystem, values: &mut Arithmetic, expression: &Expression) -> Value {
    match expression {
        Expression::Constant(constant) => values.constant(*constant),
        Expression::Fixed(query) => values.word(evaluation_name(Evaluation::Fixed(*query))),
        Expression::Advice(query) => values.word(evaluation_name(Evaluation::Advice(*query))),
        Expression::Instance(query) => {
            // `validate` has refused a query that does not exist.
            let rotation = cs.instance_queries.get(*query).map_or(0, |query| query.rotation);
            values.word(instance_name("EVAL_INSTANCE", rotation))
        }
        Expression::Challenge(index) => values.word(challenge_name(Challenge::Circuit(*index))),
        Expression::Negated(a) => {
            let a = value_of(cs, values, a);
            values.negated(a)
        }
        Expression::Sum(a, b) => {
            let (a, b) = (value_of(cs, values, a), value_of(cs, values, b));
            values.sum(a, b)
        }
        Expression::Product(a, b) => {
            let (a, b) = (value_of(cs, values, a), value_of(cs, values, b));
            values.product(a, b)
        }
        Expression::Scaled(a, factor) => {
            let (a, factor) = (value_of(cs, values, a), values.constant(*factor));
            values.product(a, factor)
        }
    }
}

/// Evaluation of a column of the permutation argument on the current row.
fn current(plan: &Plan<'_>, values: &mut Arithmetic, column: Column) -> Value {
    let at = |queries: &[Query]| queries.iter().position(|query| *query == Query { column: column.index, rotation: 0 });
    // `validate` has refused a column that is not queried there.
    let name = match column.kind {
        ColumnKind::Advice => at(&plan.cs.advice_queries).map(|query| evaluation_name(Evaluation::Advice(query))),
        ColumnKind::Fixed => at(&plan.cs.fixed_queries).map(|query| evaluation_name(Evaluation::Fixed(query))),
        ColumnKind::Instance => Some("EVAL_INSTANCE".into()),
    };
    values.word(name.unwrap_or_default())
}

/// halo2's permutation argument: the products start at 1, end at 0 or 1, hand over, and step as the columns say.
fn permutation(plan: &Plan<'_>, values: &mut Arithmetic, roots: &mut Vec<(String, Value)>) {
    let num_products = plan.cs.num_permutation_products();
    let eval = |values: &mut Arithmetic, evaluation| values.word(evaluation_name(evaluation));
    let one = values.constant(Fr::one());
    let (first, last, active) = (values.word("L_FIRST"), values.word("L_LAST"), values.word("ACTIVE"));

    // l_first * (1 - z_0)
    let z = eval(values, Evaluation::Product(0));
    let difference = values.difference(one, z);
    roots.push(("permutation product 0 starts at 1".into(), values.product(first, difference)));

    // l_last * (z^2 - z), for the last product
    let z = eval(values, Evaluation::Product(num_products - 1));
    let square = values.product(z, z);
    let difference = values.difference(square, z);
    roots.push(("the last permutation product ends at 0 or 1".into(), values.product(last, difference)));

    // l_first * (z_i - z_(i-1)(omega^last x))
    for chunk in 1..num_products {
        let z = eval(values, Evaluation::Product(chunk));
        let previous = eval(values, Evaluation::ProductLast(chunk - 1));
        let difference = values.difference(z, previous);
        roots.push((
            format!("permutation product {chunk} goes on from the one before"),
            values.product(first, difference),
        ));
    }

    // active * (z(omega x) * prod (e + beta * sigma + gamma) - z(x) * prod (e + beta * delta^i * x + gamma))
    let (beta, gamma, x) = (values.word("BETA"), values.word("GAMMA"), values.word("X"));
    let beta_x = values.product(beta, x);
    let chunk_len = plan.cs.permutation_chunk_len();
    for (chunk, columns) in plan.cs.permutation_columns.chunks(chunk_len).enumerate() {
        let mut left = eval(values, Evaluation::ProductNext(chunk));
        let mut right = eval(values, Evaluation::Product(chunk));
        for (offset, column) in columns.iter().enumerate() {
            let index = chunk * chunk_len + offset;
            let cell = current(plan, values, *column);
            let blinded = values.sum(cell, gamma);

            let sigma = eval(values, Evaluation::Permutation(index));
            let permuted = values.product(beta, sigma);
            let factor = values.sum(blinded, permuted);
            left = values.product(left, factor);

            let delta = values.constant(DELTA.pow([index as u64]));
            let identity = values.product(beta_x, delta);
            let factor = values.sum(blinded, identity);
            right = values.product(right, factor);
        }
        let difference = values.difference(left, right);
        roots.push((
            format!("permutation product {chunk} steps as its columns say"),
            values.product(active, difference),
        ));
    }
}

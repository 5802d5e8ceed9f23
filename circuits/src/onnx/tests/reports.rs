//! One run tells everything that stands in the way of a model.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{SparseTensorProto, TensorProto};

use super::super::fixture::{int, value_info};
use super::{Dim, Error, Fixture, import_default};

fn problems(fixture: &Fixture) -> Vec<Error> {
    match import_default(fixture).unwrap_err() {
        Error::Several { problems, more: 0 } => problems,
        other => panic!("{other}"),
    }
}

#[test]
fn names_every_operator_with_its_number_and_what_to_do() {
    let mut fixture = Fixture::new(13)
        .input("x", &[1])
        .node("Loop", &["x"], "a", &[])
        .node("Relu", &["a"], "b", &[])
        .node("Loop", &["b"], "c", &[])
        .node("QLinearMatMul", &["c"], "d", &[])
        .node("DictVectorizer", &["d"], "e", &[])
        .node("Made", &["x"], "f", &[])
        .node("Gelu", &["x"], "g", &[])
        .output("e");
    fixture.graph().node[4].domain = "ai.onnx.ml".into();
    fixture.graph().node[5].domain = "com.acme".into();
    fixture.graph().node[6].domain = "com.microsoft".into();
    let error = import_default(&fixture).unwrap_err();
    let Error::UnknownOperators { operators, .. } = &error else { panic!("{error}") };
    let counts: Vec<_> = operators.iter().map(|operator| (&*operator.operator, operator.count)).collect();
    let expected = [
        ("Loop", 2),
        ("QLinearMatMul", 1),
        ("ai.onnx.ml:DictVectorizer", 1),
        ("com.acme:Made", 1),
        ("com.microsoft:Gelu", 1),
    ];
    assert_eq!(counts, expected);
    let text = error.to_string();
    for words in [
        "operator `Loop` of 2 nodes (the first is `the Loop`) is not supported: a circuit has no loops",
        "not supported yet: export the model in float32",
        "operator `ai.onnx.ml:DictVectorizer` of node `the DictVectorizer` is not supported",
        "encode them before the model",
        "inline_local_functions",
        "before it was optimized",
        "supported are: Abs, Acos",
    ] {
        assert!(text.contains(words), "`{words}` is not in: {text}");
    }
}

#[test]
fn every_operator_with_advice_has_one() {
    use super::super::advice::of;
    for (domain, operator, words) in [
        ("", "Scan", "unrolled"),
        ("ai.onnx", "Loop", "unrolled"),
        ("", "QLinearConv", "not supported yet"),
        ("", "DequantizeLinear", "not supported yet"),
        ("", "SequenceAt", "sequences"),
        ("", "SplitToSequence", "sequences"),
        ("", "OptionalGetElement", "optional"),
        ("", "StringNormalizer", "strings"),
        ("", "TfIdfVectorizer", "strings"),
        ("", "NonMaxSuppression", "shape"),
        ("", "RandomNormal", "chance"),
        ("", "BatchNormalization", "model.eval()"),
        ("ai.onnx.ml", "CategoryMapper", "strings"),
        ("ai.onnx.ml", "TreeEnsembleRegressor", "trees"),
        ("ai.onnx.preview.training", "Adam", "inference"),
    ] {
        assert!(of(domain, operator).contains(words), "{domain}:{operator}: {}", of(domain, operator));
    }
    assert_eq!(of("", "Det"), "");
}

#[test]
fn tells_operators_and_dimensions_and_nodes_in_one_run() {
    let mut fixture = Fixture::new(13)
        .typed_input("x", DataType::Float, &[Dim::Symbol("batch"), Dim::Symbol("sequence length")])
        .typed_input("tokens", DataType::Int64, &[Dim::Symbol("batch"), Dim::Symbol("")])
        .typed_input("words", DataType::String, &[Dim::Number(1)])
        .input("z", &[2, 2])
        .node("Made", &["x"], "a", &[])
        // These wait for what failed, and are passed over.
        .node("Add", &["a", "z"], "b", &[])
        .node("Squeeze", &["words"], "c", &[])
        // This fails by itself.
        .node("Concat", &["z"], "d", &[])
        .node("Softmax", &["z"], "e", &[int("axis", 5)])
        .node("Relu", &["z"], "f", &[])
        .output("b")
        .output("c")
        .output("ghost");
    let values = TensorProto { name: "rare".into(), ..Default::default() };
    fixture.graph().sparse_initializer.push(SparseTensorProto { values: Some(values), ..Default::default() });
    fixture.graph().output.push(value_info("f", DataType::Int64, &[Dim::Number(2)]));
    let problems = problems(&fixture);
    let expected = [
        "operator `Made`",
        "input `words`: elements of type STRING",
        "`--dim 'sequence length=NUMBER'`",
        "`--dim 'tokens[1]=NUMBER'`",
        "`rare` is sparse",
        "Concat `the Concat`",
        "axis 5",
        "`ghost`",
        "output `f` is declared as",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, words) in problems.iter().zip(expected) {
        assert!(problem.to_string().contains(words), "`{words}` is not in: {problem}");
    }
    let whole = import_default(&fixture).unwrap_err().to_string();
    assert!(whole.starts_with("9 things stand in the way of this model:\n- operator `Made`"), "{whole}");
}

#[test]
fn one_problem_is_told_by_itself_and_many_by_their_number() {
    let broken = |count: usize| {
        let fixture = Fixture::new(13).input("z", &[2]).output("z");
        (0..count).fold(fixture, |fixture, at| fixture.node("Softmax", &["z"], &format!("s{at}"), &[int("axis", 5)]))
    };
    assert!(matches!(import_default(&broken(1)), Err(Error::Node { .. })));
    let error = import_default(&broken(70)).unwrap_err();
    let Error::Several { problems, more } = &error else { panic!("{error}") };
    assert_eq!((problems.len(), *more), (64, 6));
    assert!(error.to_string().starts_with("70 things") && error.to_string().ends_with("- and 6 more"), "{error}");
}

/// What is unsupported in the branch that is taken is told; what is in the other does not matter.
#[test]
fn branches_are_surveyed_when_they_are_taken() {
    let branch = |op: &str, name: &str| Fixture::new(13).node(op, &["x"], "z", &[]).output("z").branch(name);
    for (taken, fails) in [(1.0, true), (0.0, false)] {
        let attributes = [branch("Loop", "then_branch"), branch("Relu", "else_branch")];
        let fixture = Fixture::new(13)
            .input("x", &[1])
            .weights("zero", &[], &[0.5])
            .weights("c", &[], &[taken])
            .node("Greater", &["c", "zero"], "yes", &[])
            .node("If", &["yes"], "y", &attributes)
            .output("y");
        match import_default(&fixture) {
            Ok(_) => assert!(!fails),
            Err(error) => assert!(fails && error.to_string().contains("operator `Loop`"), "{error}"),
        }
    }
}

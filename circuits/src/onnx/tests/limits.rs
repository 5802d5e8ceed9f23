//! What is refused for its size, before it takes memory or time.

use tract_onnx::pb::{OperatorSetIdProto, TensorProto};

use super::super::Limits;
use super::super::fixture::{floats, ints, string};
use super::refusals::{linear, linear_with};
use super::{Error, Fixture, ImportOptions, import, import_default};

#[test]
fn refuses_what_is_too_large() {
    let small = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        ImportOptions { limits, ..Default::default() }
    };
    for (options, word) in [
        (small(|limits| limits.max_model_bytes = 100), "bytes in the file, the limit is 100"),
        (small(|limits| limits.max_nodes = 1), "nodes, the limit is 1"),
        (small(|limits| limits.max_nodes = 0), "messages in the file"),
        (small(|limits| limits.max_elements = 3), "elements in a tensor, the limit is 3"),
        (small(|limits| limits.max_elements = 9), "elements in all tensors together, the limit is 9"),
        (small(|limits| limits.max_operations = 5), "arithmetic operations, the limit is 5"),
    ] {
        let error = import(&linear().bytes(), &options).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    // A few bytes that would need terabytes, and constants that would take years.
    let outer = Fixture::new(13)
        .input("a", &[1 << 20, 1])
        .input("b", &[1, 1 << 20])
        .node("Add", &["a", "b"], "y", &[])
        .output("y");
    let gathered = Fixture::new(13)
        .input("x", &[1 << 20])
        .integers("i", &[64], &[0; 64])
        .node("Unsqueeze", &["x", "axis"], "t", &[])
        .integers("axis", &[1], &[0])
        .node("Gather", &["t", "i"], "y", &[])
        .output("y");
    let filled =
        Fixture::new(13).integers("s", &[2], &[1 << 20, 1 << 11]).node("ConstantOfShape", &["s"], "y", &[]).output("y");
    let counted = Fixture::new(13)
        .integers("a", &[], &[0])
        .integers("b", &[], &[1 << 52])
        .integers("c", &[], &[1])
        .node("Range", &["a", "b", "c"], "y", &[])
        .output("y");
    let expanded = Fixture::new(13)
        .input("x", &[1])
        .integers("s", &[3], &[i64::MAX, i64::MAX, i64::MAX])
        .node("Expand", &["x", "s"], "y", &[])
        .output("y");
    for fixture in [outer, gathered, filled, counted, expanded] {
        assert!(matches!(import_default(&fixture), Err(Error::TooLarge { .. })));
    }
}

/// A machine of many classes has few numbers in the file, and a matrix of all of them by each pair of classes.
#[test]
fn support_vectors_of_many_classes_stay_within_the_limits() {
    let classes = 40;
    let pairs = classes * (classes - 1) / 2;
    let numbers = |len: usize| vec![0.5; len];
    let mut fixture = Fixture::new(13).input("x", &[1, 1]).node_of(
        "SVMClassifier",
        &["x"],
        &["label", "scores"],
        &[
            string("kernel_type", "LINEAR"),
            floats("support_vectors", &numbers(classes)),
            floats("coefficients", &numbers(classes * (classes - 1))),
            floats("rho", &numbers(pairs)),
            ints("vectors_per_class", &vec![1; classes]),
            ints("classlabels_ints", &(0..classes as i64).collect::<Vec<_>>()),
        ],
    );
    fixture.graph().node[0].domain = "ai.onnx.ml".into();
    fixture.proto.opset_import.push(OperatorSetIdProto { domain: "ai.onnx.ml".into(), version: 1 });
    let fixture = fixture.output("label");
    import_default(&fixture).unwrap();
    let limits = Limits { max_elements: 20_000, ..Limits::default() };
    let error = import(&fixture.bytes(), &ImportOptions { limits, ..Default::default() }).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// The limit on messages bounds what decoding allocates, whatever the two bytes of each stand for.
#[test]
fn empty_messages_stay_within_the_memory_that_is_documented() {
    use tract_onnx::pb::{AttributeProto, NodeProto, ValueInfoProto};
    let largest =
        [size_of::<AttributeProto>(), size_of::<NodeProto>(), size_of::<TensorProto>(), size_of::<ValueInfoProto>()];
    let messages = Limits::default().max_nodes * super::super::RECORDS_PER_NODE;
    assert!(largest.into_iter().all(|size| size * messages <= 256 << 20), "{largest:?} times {messages}");
    let crowded = linear_with(|f| f.graph().node[0].attribute = vec![AttributeProto::default(); messages]);
    let error = import_default(&crowded).unwrap_err();
    assert!(matches!(error, Error::TooLarge { what: "messages in the file", .. }), "{error}");
}

//! Every reason for which import refuses a model, with the words a user gets.

use std::collections::BTreeMap;

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{OperatorSetIdProto, SparseTensorProto, TensorProto};

use super::super::fixture::{float, float_tensor, int, ints, tensor, value_info};
use super::{Dim, Fixture, ImportOptions, import, import_default};

/// `y = x * w + b`, as everything here starts from.
pub(super) fn linear() -> Fixture {
    Fixture::new(13)
        .input("x", &[1, 2])
        .weights("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])
        .weights("b", &[2], &[0.5, -0.5])
        .node("MatMul", &["x", "w"], "product", &[])
        .node("Add", &["product", "b"], "y", &[])
        .output("y")
}

/// What `change` makes of [`linear`].
pub(super) fn linear_with(change: impl FnOnce(&mut Fixture)) -> Fixture {
    let mut fixture = linear();
    change(&mut fixture);
    fixture
}

/// One operator on `x [2, 3]`.
fn one(op: &str, opset: i64, operands: &[&str], attributes: &[tract_onnx::pb::AttributeProto]) -> Fixture {
    let inputs: Vec<&str> = std::iter::once("x").chain(operands.iter().copied()).collect();
    Fixture::new(opset)
        .input("x", &[2, 3])
        .weights("w", &[2], &[1.0, 2.0])
        .integers("i", &[1], &[7])
        .node(op, &inputs, "y", attributes)
        .output("y")
}

fn weights(fixture: &mut Fixture) -> &mut TensorProto {
    &mut fixture.graph().initializer[0]
}

#[test]
fn the_model_that_the_others_vary_is_accepted() {
    import_default(&linear()).unwrap();
}

/// What is wrong, the model, and what its error says.
type Case = (&'static str, Fixture, &'static [&'static str]);

fn check(cases: Vec<Case>) {
    for (name, fixture, words) in cases {
        let error = import_default(&fixture).expect_err(name).to_string();
        for word in words {
            assert!(error.contains(word), "{name}: `{word}` is not in: {error}");
        }
    }
}

#[test]
fn refuses_files_that_are_no_model() {
    check(vec![
        ("no IR version", linear_with(|f| f.proto.ir_version = 0), &["not an ONNX file", "IR version"]),
        ("no graph", linear_with(|f| f.proto.graph = None), &["not an ONNX file", "graph"]),
        ("no outputs", linear_with(|f| f.graph().output.clear()), &["no outputs"]),
        ("no operator set", linear_with(|f| f.proto.opset_import.clear()), &["operator set 0 of ai.onnx", "7 to 24"]),
        (
            "operator set 6",
            linear_with(|f| f.proto.opset_import[0].version = 6),
            &["operator set 6", "version_converter"],
        ),
        ("operator set 25", linear_with(|f| f.proto.opset_import[0].version = 25), &["operator set 25"]),
        (
            "two operator sets",
            linear_with(|f| f.proto.opset_import.push(OperatorSetIdProto { domain: "ai.onnx".into(), version: 14 })),
            &["more than one operator set"],
        ),
    ]);
    for bytes in [&b""[..], b"{\"inputs\": {}}", b"\x93NUMPY", b"PK\x03\x04", &[0xff; 64]] {
        let error = import(bytes, &ImportOptions::default()).unwrap_err().to_string();
        assert!(error.contains("not an ONNX file"), "{error}");
    }
}

#[test]
fn refuses_names_that_do_not_fit() {
    check(vec![
        ("two inputs of a name", linear().input("x", &[1]), &["`x`", "an input"]),
        ("two weights of a name", linear().weights("w", &[1], &[1.0]), &["`w`", "an initializer"]),
        ("two nodes yield a tensor", linear().node("Relu", &["x"], "y", &[]), &["`y`", "a node's output"]),
        ("a node yields a weight", linear().node("Relu", &["x"], "w", &[]), &["`w`", "a node's output"]),
        ("an output twice", linear().output("y"), &["`y`", "an output"]),
        ("an input without a name", linear().input("", &[1]), &["an input", "empty"]),
        ("a weight without a name", linear().weights("", &[1], &[1.0]), &["an initializer", "empty"]),
        (
            "a node reads nothing that is",
            linear().node("Add", &["x", "ghost"], "z", &[]),
            &["Add `the Add`", "`ghost`"],
        ),
        ("an output that nothing yields", linear().output("ghost"), &["list of outputs", "`ghost`"]),
        (
            "a cycle",
            linear().node("Add", &["x", "b2"], "a2", &[]).node("Relu", &["a2"], "b2", &[]),
            &["circle", "`the Add`", "`the Relu`"],
        ),
        (
            "two outputs of a node",
            linear_with(|f| f.graph().node[0].output.push("more".into())),
            &["`product`, `more`", "only 1"],
        ),
        ("no output of a node", linear_with(|f| f.graph().node[0].output.clear()), &["`product`, which no input"]),
    ]);
}

#[test]
fn refuses_unknown_operators_and_names_the_supported() {
    check(vec![
        (
            "Det",
            one("Det", 13, &[], &[]),
            &["`Det`", "node `the Det`", "supported are: Abs, Acos, Acosh, Add", "Unsqueeze", "ai.onnx.ml:Scaler"],
        ),
        ("another domain", linear_with(|f| f.graph().node[0].domain = "com.acme".into()), &["`com.acme:MatMul`"]),
        (
            "a function's attribute",
            linear_with(|f| {
                f.graph().node[0]
                    .attribute
                    .push(tract_onnx::pb::AttributeProto { ref_attr_name: "alpha".into(), ..int("axis", 0) });
            }),
            &["inline functions"],
        ),
    ]);
}

#[test]
fn refuses_damaged_and_unsupported_tensors() {
    check(vec![
        (
            "NaN",
            linear_with(|f| weights(f).float_data[2] = f32::NAN),
            &["initializer `w`", "NaN", "element 2", "finite"],
        ),
        ("infinity", linear_with(|f| weights(f).float_data[0] = f32::INFINITY), &["inf", "finite"]),
        (
            "NaN in raw data",
            linear_with(|f| {
                weights(f).float_data.clear();
                weights(f).raw_data =
                    [1.0f32, 2.0, f32::NAN, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
            }),
            &["NaN", "element 2"],
        ),
        ("infinite attribute", one("LeakyRelu", 13, &[], &[float("alpha", f32::INFINITY)]), &["`alpha`", "inf"]),
        ("NaN attribute", one("Clip", 9, &[], &[float("min", f32::NAN)]), &["`min`", "NaN"]),
        (
            "too few values",
            linear_with(|f| {
                weights(f).float_data.pop();
            }),
            &["`w`", "needs 4 elements", "3 are stored"],
        ),
        (
            "too much raw data",
            linear_with(|f| {
                weights(f).float_data.clear();
                weights(f).raw_data = vec![0; 17];
            }),
            &["needs 16 bytes of raw_data", "17"],
        ),
        ("data stored twice", linear_with(|f| weights(f).raw_data = vec![0; 16]), &["stored twice"]),
        ("data of another type", linear_with(|f| weights(f).int64_data = vec![1; 4]), &["int64_data"]),
        ("negative dimension", linear_with(|f| weights(f).dims[0] = -2), &["negative"]),
        ("dimensions that overflow", linear_with(|f| weights(f).dims = vec![i64::MAX, i64::MAX, 0]), &["too large"]),
        (
            "2^31 elements",
            linear_with(|f| weights(f).dims = vec![1 << 31]),
            &["2147483648 elements", "limit is 16777216"],
        ),
        (
            "an empty tensor with a long axis",
            linear_with(|f| weights(f).dims = vec![0, 1 << 40]),
            &["1099511627776 elements", "limit is 16777216"],
        ),
        ("rank 33", linear_with(|f| weights(f).dims = vec![1; 33]), &["rank is 33"]),
        (
            "external data",
            linear_with(|f| weights(f).data_location = Some(DataLocation::External as i32)),
            &["another file"],
        ),
        (
            "floats of 8 bits",
            linear_with(|f| weights(f).data_type = DataType::Float8e4m3fn as i32),
            &["FLOAT8E4M3FN", "supported are", "without quantization"],
        ),
        (
            "the bits of half floats in 32 bits",
            linear_with(|f| {
                weights(f).data_type = DataType::Float16 as i32;
                weights(f).float_data.clear();
                weights(f).int32_data = vec![1 << 16; 4];
            }),
            &["65536", "bits of a half"],
        ),
        (
            "an infinite half float",
            linear_with(|f| {
                weights(f).data_type = DataType::Float16 as i32;
                weights(f).float_data.clear();
                weights(f).int32_data = vec![0, 0x7c00, 0, 0];
            }),
            &["`w`", "inf", "element 1"],
        ),
        (
            "256 in a byte",
            linear_with(|f| {
                weights(f).data_type = DataType::Uint8 as i32;
                weights(f).float_data.clear();
                weights(f).int32_data = vec![0, 0, 0, 256];
            }),
            &["256", "uint8"],
        ),
        (
            "2^63 in 64 bits without sign",
            linear_with(|f| {
                weights(f).data_type = DataType::Uint64 as i32;
                weights(f).float_data.clear();
                weights(f).uint64_data = vec![0, 0, 0, 1 << 63];
            }),
            &["9223372036854775808", "2^53"],
        ),
        ("strings", linear_with(|f| weights(f).data_type = DataType::String as i32), &["STRING", "encode strings"]),
        ("no such type", linear_with(|f| weights(f).data_type = 99), &["number 99"]),
        ("segments", linear_with(|f| weights(f).segment = Some(Default::default())), &["segments"]),
        ("sparse", linear_with(|f| f.graph().sparse_initializer.push(SparseTensorProto::default())), &["sparse"]),
        (
            "arithmetic with an integer beyond 2^53",
            linear().integers("big", &[1], &[(1 << 53) + 1]).node("Add", &["big", "big"], "z", &[]).output("z"),
            &["Add `the Add`", "9007199254740993", "2^53"],
        ),
        (
            "a sum beyond 2^53",
            linear().integers("big", &[1], &[(1 << 53) - 1]).node("Add", &["big", "big"], "z", &[]).output("z"),
            &["while computing constants", "2^53"],
        ),
        (
            "an output beyond 2^53",
            linear().integers("big", &[1], &[i64::MIN]).node("Identity", &["big"], "z", &[]).output("z"),
            &["output `z`", "-9223372036854775808"],
        ),
        (
            "a boolean of 2",
            linear_with(|f| {
                let proto = TensorProto {
                    name: "t".into(),
                    data_type: DataType::Bool as i32,
                    int32_data: vec![2],
                    dims: vec![1],
                    ..Default::default()
                };
                f.graph().initializer.push(proto);
            }),
            &["boolean", "2"],
        ),
    ]);
}

#[test]
fn refuses_attributes_that_do_not_fit() {
    check(vec![
        ("unknown", one("Relu", 13, &[], &[int("beta", 1)]), &["`beta`", "Relu `the Relu`", "not known"]),
        ("of another operator set", one("Clip", 13, &[], &[float("min", 0.0)]), &["`min`", "operator set 13"]),
        ("not yet known", one("ArgMax", 11, &[], &[int("select_last_index", 1)]), &["`select_last_index`"]),
        ("of another type", one("Softmax", 13, &[], &[float("axis", 1.0)]), &["`axis`", "is FLOAT, expected INT"]),
        ("twice", one("Softmax", 13, &[], &[int("axis", 1), int("axis", 0)]), &["`axis`", "twice"]),
        ("missing", one("Concat", 13, &[], &[]), &["`axis`", "missing"]),
        ("no flag", one("ArgMax", 13, &[], &[int("keepdims", 2)]), &["`keepdims`", "expected 0 or 1"]),
        ("no type", one("Cast", 13, &[], &[int("to", 8)]), &["`to`", "STRING"]),
        ("an axis too far", one("Softmax", 13, &[], &[int("axis", 2)]), &["axis 2", "rank 2"]),
        ("an axis too far back", one("Softmax", 13, &[], &[int("axis", -3)]), &["axis -3"]),
        ("the least axis", one("Flatten", 13, &[], &[int("axis", i64::MIN)]), &["axis -9223372036854775808"]),
        ("an axis twice", one("ReduceSum", 11, &[], &[ints("axes", &[0, -2])]), &["twice"]),
        ("no permutation", one("Transpose", 13, &[], &[ints("perm", &[0, 0])]), &["twice"]),
        ("half a permutation", one("Transpose", 13, &[], &[ints("perm", &[0])]), &["no permutation"]),
        ("no tensor", one("Constant", 13, &[], &[]), &["at most 0"]),
        (
            "two values",
            Fixture::new(13).node("Constant", &[], "y", &[float("value_float", 1.0), int("value_int", 1)]).output("y"),
            &["more than one value"],
        ),
        ("no value", Fixture::new(11).node("Constant", &[], "y", &[]).output("y"), &["no value"]),
        (
            "a damaged value",
            Fixture::new(13).node("Constant", &[], "y", &[tensor("value", float_tensor("", &[2], &[1.0]))]).output("y"),
            &["value of Constant `the Constant`", "needs 2 elements"],
        ),
    ]);
}

#[test]
fn refuses_operands_that_do_not_fit() {
    let typed = |op: &str, element| {
        Fixture::new(14).typed_input("x", element, &[Dim::Number(2)]).node(op, &["x"], "y", &[]).output("y")
    };
    let computed = |op: &str| {
        Fixture::new(18)
            .input("x", &[2, 3])
            .typed_input("i", DataType::Int64, &[Dim::Number(1)])
            .node(op, &["x", "i"], "y", &[])
            .output("y")
    };
    check(vec![
        ("inner dimensions", one("MatMul", 13, &["w"], &[]), &["MatMul `the MatMul`", "3 and 2 differ"]),
        ("no broadcast", one("Add", 13, &["w"], &[]), &["[2, 3] and [2] do not broadcast"]),
        ("too few", one("Add", 13, &[], &[]), &["operand 1 (`B`) is missing"]),
        ("too many", one("Relu", 13, &["w"], &[]), &["2 operands, expected at most 1"]),
        ("left out", one("MatMul", 13, &["", "w"], &[]), &["at most 2"]),
        ("two types", one("Add", 13, &["i"], &[]), &["float32 and int64"]),
        ("Sigmoid of integers", typed("Sigmoid", DataType::Int64), &["int64, expected floats"]),
        ("mean of integers", typed("ReduceMean", DataType::Int32), &["int32, expected floats"]),
        ("Relu of booleans", typed("Relu", DataType::Bool), &["boolean"]),
        ("Gemm without C, long ago", one("Gemm", 9, &["w"], &[]), &["`C`", "operator set 11"]),
        ("Gemm of rank 1", one("Gemm", 13, &["w"], &[]), &["`B` has shape [2], expected rank 2"]),
        ("a shape that is computed", computed("Reshape"), &["`shape`", "computed from the inputs"]),
        ("axes that are computed", computed("ReduceMean"), &["`axes`", "computed from the inputs"]),
        ("places to write that are computed", computed("ScatterND"), &["`updates`"]),
        ("Gather by floats", one("Gather", 13, &["w"], &[]), &["`indices`", "float32"]),
        ("Gather beyond the end", one("Gather", 13, &["i"], &[]), &["index 7", "2 rows"]),
        ("Reshape to other sizes", one("Reshape", 13, &["i"], &[]), &["cannot reshape [2, 3] to [7]"]),
        ("Squeeze what is not 1", one("Squeeze", 11, &[], &[ints("axes", &[1])]), &["axis 1 of shape [2, 3] is not 1"]),
        ("Unsqueeze without axes", one("Unsqueeze", 13, &[], &[]), &["`axes` is missing"]),
        ("Concat of other shapes", one("Concat", 13, &["w"], &[int("axis", 0)]), &["[2, 3] and [2] differ"]),
        ("Clip to nothing", one("Clip", 9, &[], &[float("min", 1.0), float("max", -1.0)]), &["[1, -1]", "empty"]),
        ("Clip to many", one("Clip", 13, &["w"], &[]), &["`min` has 2 elements"]),
        ("bounds as operands, long ago", one("Clip", 9, &["w"], &[]), &["only from operator set 11"]),
        ("axes as operand, long ago", one("ReduceSum", 11, &["i"], &[]), &["only from operator set 13"]),
        ("NonZero of what is computed", one("NonZero", 13, &[], &[]), &["NonZero `the NonZero`", "fixed", "mask"]),
        ("Compress by what is computed", computed("Compress"), &["fixed", "mask"]),
        ("TopK of more than there are", one("TopK", 13, &["i"], &[]), &["not in 1 to 3"]),
        ("a remainder of floats", one("Mod", 13, &["x"], &[]), &["only with `fmod` = 1"]),
        (
            "division of constants by 0",
            one("Relu", 13, &[], &[]).integers("z", &[1], &[0]).node("Mod", &["i", "z"], "m", &[]),
            &["divides by 0"],
        ),
        (
            "a scalar has no axis",
            Fixture::new(13).input("x", &[]).node("ArgMax", &["x"], "y", &[]).output("y"),
            &["rank 0"],
        ),
        (
            "constants that overflow",
            Fixture::new(13)
                .weights("x", &[], &[f32::MAX])
                .weights("z", &[1], &[1.0])
                .node("Mul", &["x", "x"], "a", &[])
                .node("Mul", &["a", "a"], "b", &[])
                .node("Mul", &["b", "b"], "c", &[])
                .node("Mul", &["c", "c"], "y", &[])
                .output("y"),
            &["while computing constants", "inf"],
        ),
    ]);
}

#[test]
fn refuses_shapes_that_are_not_fixed() {
    let with = |dims: &[Dim]| {
        Fixture::new(13).typed_input("x", DataType::Float, dims).node("Relu", &["x"], "y", &[]).output("y")
    };
    use Dim::{Number, Symbol};
    check(vec![
        (
            "another open dimension",
            with(&[Symbol("batch"), Symbol("sequence")]),
            &["dimension 1 of input `x`", "`sequence`", "`--dim sequence=NUMBER`"],
        ),
        (
            "one without a name",
            with(&[Symbol("batch"), Symbol("")]),
            &["dimension 1", "unnamed", "`--dim 'x[1]=NUMBER'`"],
        ),
        ("one of -1", with(&[Number(2), Number(-1)]), &["`--dim 'x[1]=NUMBER'`"]),
        ("only one dimension, and open", with(&[Symbol("N")]), &["dimension 0", "`--dim N=NUMBER`"]),
        ("the same inside", with(&[Symbol("N"), Symbol("N")]), &["dimension 0", "`N`"]),
        ("0", with(&[Number(0), Number(2)]), &["dimension 0", "is 0"]),
        (
            "two batches",
            with(&[Symbol("a"), Number(2)]).typed_input("z", DataType::Float, &[Symbol("b"), Number(2)]),
            &["`a`"],
        ),
        ("no shape", linear_with(|f| f.graph().input[0].r#type = None), &["`x`", "type and shape"]),
        (
            "strings",
            Fixture::new(13).typed_input("x", DataType::String, &[Number(1)]).output("x"),
            &["input `x`", "STRING"],
        ),
        ("a huge input", with(&[Number(i64::MAX), Number(i64::MAX)]), &["too large"]),
    ]);
    let options = |dims: &[(&str, usize)]| ImportOptions {
        dims: dims.iter().map(|&(key, number)| (key.to_owned(), number)).collect::<BTreeMap<_, _>>(),
        ..Default::default()
    };
    let open = with(&[Symbol("batch"), Symbol("sequence"), Symbol("")]).bytes();
    for (dims, word) in [
        (&[("length", 3)][..], "open are: batch, sequence, x[2]"),
        (&[("sequence", 0), ("x[2]", 1)], "option `sequence` is 0"),
        (&[("sequence", 3)], "`--dim 'x[2]=NUMBER'`"),
    ] {
        let error = import(&open, &options(dims)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let model = import(&open, &options(&[("sequence", 3), ("x[2]", 4)])).unwrap();
    assert_eq!(model.graph().nodes[0].shape, [1, 3, 4]);
}

#[test]
fn refuses_outputs_that_are_not_as_declared() {
    use Dim::{Number, Symbol};
    let declared = |element, dims: &[Dim]| linear_with(|f| f.graph().output = vec![value_info("y", element, dims)]);
    import_default(&declared(DataType::Float, &[Symbol("batch"), Number(2)])).unwrap();
    check(vec![("type", declared(DataType::Int64, &[Number(1), Number(2)]), &["`y`", "int64", "float32"])]);
}

//! Models as exporters write them: versions, types, chains of shapes, branches, names, several outputs.

use std::path::Path;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{FunctionProto, OperatorSetIdProto, TensorProto};

use super::super::fixture::{float, int, int_tensor, ints, tensor, value_info};
use super::super::{Dimension, ImportOptions, import, import_file};
use super::{Dim, Fixture, floats, import_default, outputs};
use crate::float::{ElementType, Tensor, Values, execute};
use crate::onnx::Reference;
use crate::quantize::RealRange;
use crate::{CompileOptions, compile};

/// The only output of a model that needs no input.
fn constant(fixture: Fixture) -> (Vec<usize>, Vec<f64>) {
    let model = import_default(&fixture.output("y")).unwrap();
    outputs(&model, &[]).swap_remove(0)
}

#[test]
fn every_version_is_read() {
    for opset in 7..=24 {
        for ir_version in [3, 4, 7, 10, 11, 12, 13] {
            let mut fixture = Fixture::new(opset)
                .input("x", &[1, 2])
                .weights("w", &[2, 1], &[2.0, 3.0])
                .node("MatMul", &["x", "w"], "y", &[])
                .output("y");
            fixture.proto.ir_version = ir_version;
            let model = import_default(&fixture).unwrap();
            assert_eq!(model.opset(), opset);
            assert_eq!(outputs(&model, &[floats(&[1, 2], &[10.0, 1.0])]), [(vec![1, 1], vec![23.0])]);
        }
    }
}

/// Each node is read by the version of its own domain, which must be one that is known.
#[test]
fn each_domain_has_a_version() {
    let with = |domain: &str, version| {
        let mut fixture = Fixture::new(13).input("x", &[1]).node("Relu", &["x"], "y", &[]).output("y");
        fixture.proto.opset_import.push(OperatorSetIdProto { domain: domain.into(), version });
        fixture
    };
    // What no node uses is not looked at.
    for (domain, version) in [("ai.onnx.ml", 99), ("com.acme", 1), ("ai.onnx", 13)] {
        assert_eq!(import_default(&with(domain, version)).unwrap().opset(), 13);
    }
    let error = import_default(&with("ai.onnx", 14)).unwrap_err().to_string();
    assert!(error.contains("more than one operator set of ai.onnx"), "{error}");
}

/// `x [n, 6]` in the shape that PyTorch computes for `view(x.size(0), -1, 3)`.
#[test]
fn chains_of_shapes_become_constants() {
    let fixture = Fixture::new(13)
        .typed_input("x", DataType::Float, &[Dim::Symbol("batch"), Dim::Number(6)])
        .node("Shape", &["x"], "shape", &[])
        .integers("zero", &[], &[0])
        .node("Gather", &["shape", "zero"], "batch", &[int("axis", 0)])
        .integers("axes", &[1], &[0])
        .node("Unsqueeze", &["batch", "axes"], "batch_1d", &[])
        .node("Constant", &[], "rest", &[tensor("value", int_tensor("", &[1], &[-1]))])
        .node("Constant", &[], "three", &[ints("value_ints", &[3])])
        .node("Concat", &["batch_1d", "rest", "three"], "target", &[int("axis", 0)])
        .node("Reshape", &["x", "target"], "y", &[])
        .output("y");
    let options = ImportOptions { dims: [("batch".to_owned(), 4)].into(), ..Default::default() };
    let model = import(&fixture.bytes(), &options).unwrap();
    assert_eq!(model.graph().node(model.graph().outputs[0].node).shape, [4, 2, 3]);
    assert_eq!(model.graph().nodes.len(), 2, "only the input and the Reshape are left");
    assert_eq!(model.dimensions(), [Dimension { input: "x".into(), axis: 0, key: "batch".into(), number: 4 }]);
    let x = floats(&[4, 6], &(0..24).map(f64::from).collect::<Vec<_>>());
    assert_eq!(Reference::new(&model).unwrap().run(std::slice::from_ref(&x)).unwrap()[0].values, x.values);
}

#[test]
fn computes_constants_of_every_kind() {
    let empty: &[f64] = &[];
    let x = || Fixture::new(15).weights("x", &[2, 3, 4], &[0.0; 24]);
    for (what, fixture, shape, values) in [
        ("Shape", x().node("Shape", &["x"], "y", &[]), &[3][..], &[2.0, 3.0, 4.0][..]),
        ("a part of Shape", x().node("Shape", &["x"], "y", &[int("start", -2), int("end", 9)]), &[2], &[3.0, 4.0]),
        ("an empty Shape", x().node("Shape", &["x"], "y", &[int("start", 2), int("end", 1)]), &[0], empty),
        ("Size", x().node("Size", &["x"], "y", &[]), &[], &[24.0]),
        (
            "ConstantOfShape",
            x().integers("s", &[2], &[2, 1]).node(
                "ConstantOfShape",
                &["s"],
                "y",
                &[tensor("value", int_tensor("", &[1], &[7]))],
            ),
            &[2, 1],
            &[7.0, 7.0],
        ),
        (
            "ConstantOfShape without elements",
            x().integers("s", &[2], &[0, 3]).node("ConstantOfShape", &["s"], "y", &[]),
            &[0, 3],
            empty,
        ),
        (
            "Range",
            x().integers("a", &[], &[7]).integers("b", &[], &[0]).integers("c", &[], &[-3]).node(
                "Range",
                &["a", "b", "c"],
                "y",
                &[],
            ),
            &[3],
            &[7.0, 4.0, 1.0],
        ),
        (
            "Where of Equal",
            x().integers("a", &[3], &[1, -1, 2])
                .integers("b", &[], &[-1])
                .integers("c", &[], &[9])
                .node("Equal", &["a", "b"], "open", &[])
                .node("Where", &["open", "c", "a"], "y", &[]),
            &[3],
            &[1.0, 9.0, 2.0],
        ),
        (
            "Div, truncated",
            x().integers("a", &[2], &[-7, 7]).integers("b", &[], &[2]).node("Div", &["a", "b"], "y", &[]),
            &[2],
            &[-3.0, 3.0],
        ),
        (
            "Mod",
            x().integers("a", &[2], &[-7, 7]).integers("b", &[], &[3]).node("Mod", &["a", "b"], "y", &[]),
            &[2],
            &[2.0, 1.0],
        ),
        (
            "Expand",
            x().integers("a", &[2, 1], &[1, 2]).integers("s", &[1], &[2]).node("Expand", &["a", "s"], "y", &[]),
            &[2, 2],
            &[1.0, 1.0, 2.0, 2.0],
        ),
        ("CastLike", x().integers("a", &[1], &[2]).node("CastLike", &["a", "x"], "y", &[]), &[1], &[2.0]),
    ] {
        assert_eq!(constant(fixture), (shape.to_vec(), values.to_vec()), "{what}");
    }
}

/// The greatest integer stands for "to the end", and gets there by way of other nodes.
#[test]
fn slices_to_the_end() {
    let slice = |starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
        let len = [starts.len() as i64];
        Fixture::new(13)
            .input("x", &[2, 4])
            .integers("starts", &len, starts)
            .node("Constant", &[], "stored", &[tensor("value", int_tensor("", &len, ends))])
            .node("Identity", &["stored"], "ends", &[])
            .integers("axes", &len, axes)
            .integers("steps", &len, steps)
            .node("Slice", &["x", "starts", "ends", "axes", "steps"], "y", &[])
            .output("y")
    };
    let x = floats(&[2, 4], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    for (fixture, shape, values) in [
        (slice(&[1], &[i64::MAX], &[1], &[1]), &[2, 3][..], &[1.0, 2.0, 3.0, 5.0, 6.0, 7.0][..]),
        (slice(&[-1], &[i64::MIN], &[1], &[-2]), &[2, 2], &[3.0, 1.0, 7.0, 5.0]),
        (slice(&[-1, 1], &[i64::MAX, 3], &[-1, 0], &[1, 1]), &[1, 1], &[7.0]),
        (slice(&[i64::MIN], &[i64::MAX], &[1], &[i64::MAX]), &[2, 1], &[0.0, 4.0]),
    ] {
        let model = import_default(&fixture).unwrap();
        assert_eq!(outputs(&model, std::slice::from_ref(&x)), [(shape.to_vec(), values.to_vec())]);
        let reference = Reference::new(&model).and_then(|reference| reference.run(std::slice::from_ref(&x)));
        if let Ok(reference) = reference {
            assert_eq!(reference[0].values, Values::Float(values.to_vec()));
        }
    }
    let nothing = import_default(&slice(&[3], &[1], &[1], &[1])).unwrap();
    assert_eq!(outputs(&nothing, std::slice::from_ref(&x)), [(vec![2, 0], vec![])]);
    let old = Fixture::new(9)
        .input("x", &[2, 4])
        .node("Slice", &["x"], "y", &[ints("starts", &[1]), ints("ends", &[i64::MAX])])
        .output("y");
    assert_eq!(outputs(&import_default(&old).unwrap(), &[x]), [(vec![1, 4], vec![4.0, 5.0, 6.0, 7.0])]);
}

#[test]
fn a_node_may_have_several_outputs() {
    let x = floats(&[5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let three = |opset: i64, inputs: &[&str], attributes: &[_]| {
        Fixture::new(opset)
            .input("x", &[5])
            .integers("lengths", &[3], &[2, 2, 1])
            .node_of("Split", inputs, &["a", "", "c"], attributes)
            .output("c")
            .output("a")
    };
    for fixture in [
        three(13, &["x", "lengths"], &[]),
        three(11, &["x"], &[ints("split", &[2, 2, 1])]),
        three(18, &["x"], &[int("num_outputs", 3)]),
    ] {
        let model = import_default(&fixture).unwrap();
        assert_eq!(outputs(&model, std::slice::from_ref(&x)), [(vec![1], vec![4.0]), (vec![2], vec![0.0, 1.0])]);
        let names: Vec<_> = model.graph().nodes.iter().map(|node| (&*node.name, &*node.tensor)).collect();
        assert_eq!(names, [("x", "x"), ("the Split", "a"), ("the Split", "c")]);
        Reference::new(&model).unwrap_or_else(|error| panic!("{error}"));
    }
    let wrong = import_default(&three(13, &["x"], &[])).map(|model| outputs(&model, std::slice::from_ref(&x)));
    assert_eq!(wrong.unwrap(), [(vec![1], vec![4.0]), (vec![2], vec![0.0, 1.0])], "as equal as may be");
    let short = three(13, &["x", "short"], &[]).integers("short", &[2], &[2, 3]);
    assert!(import_default(&short).unwrap_err().to_string().contains("[2, 3] for 3 outputs"));
}

#[test]
fn dropout_drops_nothing() {
    let x = floats(&[2], &[1.0, -1.0]);
    for (opset, element) in [(7, ElementType::F32), (10, ElementType::Bool), (13, ElementType::Bool)] {
        let attributes = if opset < 12 { vec![float("ratio", 0.5)] } else { vec![] };
        let fixture = Fixture::new(opset)
            .input("x", &[2])
            .node_of("Dropout", &["x"], &["y", "mask"], &attributes)
            .output("y")
            .output("mask");
        let model = import_default(&fixture).unwrap();
        let expected = [(vec![2], vec![1.0, -1.0]), (vec![2], vec![1.0, 1.0])];
        assert_eq!(outputs(&model, std::slice::from_ref(&x)), expected);
        assert_eq!(model.graph().node(model.graph().outputs[1].node).element, element);
    }
    let training = |ratio: f32| {
        let mut fixture = Fixture::new(13)
            .input("x", &[2])
            .weights("ratio", &[], &[ratio])
            .node("Dropout", &["x", "ratio", "training"], "y", &[])
            .output("y");
        let (name, data_type) = ("training".to_owned(), DataType::Bool as i32);
        fixture.graph().initializer.push(TensorProto { name, data_type, int32_data: vec![1], ..Default::default() });
        fixture
    };
    import_default(&training(0.0)).unwrap();
    let error = import_default(&training(0.5)).unwrap_err().to_string();
    assert!(error.contains("training mode") && error.contains("model.eval()"), "{error}");
}

#[test]
fn reads_every_element_type() {
    let stored = |data_type: DataType| TensorProto { dims: vec![2], data_type: data_type as i32, ..Default::default() };
    for (what, proto, element, values) in [
        (
            "half floats",
            TensorProto { int32_data: vec![0x3c00, 0x8001], ..stored(DataType::Float16) },
            ElementType::F32,
            [1.0, -1.0 / 16_777_216.0],
        ),
        (
            "raw half floats",
            TensorProto { raw_data: vec![0xff, 0x7b, 0x55, 0x35], ..stored(DataType::Float16) },
            ElementType::F32,
            [65_504.0, 1365.0 / 4096.0],
        ),
        (
            "raw bfloats",
            TensorProto { raw_data: vec![0x80, 0x3f, 0x49, 0xc0], ..stored(DataType::Bfloat16) },
            ElementType::F32,
            [1.0, -3.140_625],
        ),
        (
            "raw bytes",
            TensorProto { raw_data: vec![0x80, 0x7f], ..stored(DataType::Int8) },
            ElementType::I8,
            [-128.0, 127.0],
        ),
        ("bytes", TensorProto { int32_data: vec![0, 255], ..stored(DataType::Uint8) }, ElementType::U8, [0.0, 255.0]),
        (
            "raw 16 bits",
            TensorProto { raw_data: vec![0, 0x80, 0xff, 0xff], ..stored(DataType::Int16) },
            ElementType::I16,
            [-32_768.0, -1.0],
        ),
        (
            "raw 16 bits without sign",
            TensorProto { raw_data: vec![0, 0x80, 0xff, 0xff], ..stored(DataType::Uint16) },
            ElementType::U16,
            [32_768.0, 65_535.0],
        ),
        (
            "32 bits without sign",
            TensorProto { uint64_data: vec![1, u32::MAX.into()], ..stored(DataType::Uint32) },
            ElementType::U32,
            [1.0, 4_294_967_295.0],
        ),
        (
            "raw 64 bits without sign",
            TensorProto { raw_data: [1u64, 1 << 52].map(u64::to_le_bytes).concat(), ..stored(DataType::Uint64) },
            ElementType::U64,
            [1.0, 4_503_599_627_370_496.0],
        ),
    ] {
        let model = import_default(&Fixture::new(13).node("Constant", &[], "y", &[tensor("value", proto)]).output("y"))
            .unwrap();
        assert_eq!(model.graph().node(model.graph().outputs[0].node).element, element, "{what}");
        assert_eq!(outputs(&model, &[]), [(vec![2], values.to_vec())], "{what}");
    }
    // Inputs: a half is given as a float, an integer must be one of its type.
    for (declared, element) in [
        (DataType::Float16, ElementType::F32),
        (DataType::Bfloat16, ElementType::F32),
        (DataType::Uint8, ElementType::U8),
        (DataType::Int16, ElementType::I16),
    ] {
        let fixture = Fixture::new(14).typed_input("x", declared, &[Dim::Number(1)]).output("x");
        assert_eq!(import_default(&fixture).unwrap().graph().nodes[0].element, element);
    }
    let byte =
        import_default(&Fixture::new(14).typed_input("x", DataType::Uint8, &[Dim::Number(1)]).output("x")).unwrap();
    for (value, fits) in [(-1, false), (0, true), (255, true), (256, false)] {
        let given = Tensor { shape: vec![1], values: Values::Int(vec![value]) };
        assert_eq!(execute(byte.graph(), &[given]).is_ok(), fits, "{value}");
    }
}

/// A function of the model's own hides the operator of its name: what it computes is not known here.
#[test]
fn functions_of_the_model_are_not_taken_for_operators() {
    let mut fixture = Fixture::new(13).input("x", &[1]).node("Relu", &["x"], "y", &[]).output("y");
    let function = FunctionProto { name: Some("Relu".into()), domain: Some("ai.onnx".into()), ..Default::default() };
    fixture.proto.functions.push(function);
    let error = import_default(&fixture).unwrap_err().to_string();
    assert!(error.contains("operator `Relu`") && error.contains("inline functions first"), "{error}");
    // One that no node calls does not matter.
    fixture.proto.functions[0].name = Some("Gelu".into());
    import_default(&fixture).unwrap();
}

/// What may wrap around is not data movement: it is to be proven that it does not.
#[test]
fn casts_to_narrower_types_compute_in_them() {
    let cast = |from: DataType, to: DataType| {
        let fixture = Fixture::new(13).typed_input("x", from, &[Dim::Number(1)]);
        import_default(&fixture.node("Cast", &["x"], "y", &[int("to", to as i64)]).output("y"))
    };
    for (from, to) in
        [(DataType::Int32, DataType::Uint8), (DataType::Uint8, DataType::Int8), (DataType::Int64, DataType::Uint64)]
    {
        let model = cast(from, to).unwrap();
        let y = model.graph().node(model.graph().outputs[0].node);
        assert_eq!(y.op, crate::float::Op::Clip { min: None, max: None }, "{from:?} to {to:?}");
    }
    for (from, to) in
        [(DataType::Uint8, DataType::Int16), (DataType::Int8, DataType::Float), (DataType::Uint16, DataType::Uint32)]
    {
        cast(from, to).unwrap();
    }
    let constant = Fixture::new(13).integers("a", &[1], &[300]).node("Cast", &["a"], "y", &[int("to", 2)]).output("y");
    assert!(import_default(&constant).unwrap_err().to_string().contains("300"));
}

#[test]
fn names_may_hold_anything() {
    let [x, w, y] = ["serving_default_dense_input:0", "model/dense/MatMul;kernel", "StatefulPartitionedCall:0 'ü'"];
    let fixture = Fixture::new(13)
        .typed_input(x, DataType::Float, &[Dim::Symbol("unk__6"), Dim::Number(2)])
        .weights(w, &[2, 1], &[1.0, 2.0])
        .node("MatMul", &[x, w], y, &[])
        .output(y);
    let model = import_default(&fixture).unwrap();
    assert_eq!(model.graph().outputs[0].name, y);
    assert_eq!(outputs(&model, &[floats(&[1, 2], &[1.0, 1.0])]), [(vec![1, 1], vec![3.0])]);
    let open = Fixture::new(13).typed_input(x, DataType::Float, &[Dim::Number(1), Dim::Symbol("")]).output(x);
    let error = import_default(&open).unwrap_err().to_string();
    assert!(error.contains("--dim 'serving_default_dense_input:0[1]=NUMBER'"), "{error}");
}

/// tf2onnx gives each input's batch a name of its own, PyTorch a name for each axis.
#[test]
fn placeholders_are_no_names() {
    for [a, b] in [["unk__90", "unk__91"], ["a_dynamic_axes_1", "b_dynamic_axes_1"]] {
        let fixture = Fixture::new(13)
            .typed_input("a", DataType::Float, &[Dim::Symbol(a), Dim::Number(2)])
            .typed_input("b", DataType::Float, &[Dim::Symbol(b), Dim::Number(2)])
            .node("Add", &["a", "b"], "y", &[])
            .output("y");
        let model = import_default(&fixture).unwrap();
        assert_eq!(model.graph().nodes[2].shape, [1, 2]);
        let dims = [(a.to_owned(), 3), (b.to_owned(), 3)].into();
        let model = import(&fixture.bytes(), &ImportOptions { dims, ..Default::default() }).unwrap();
        assert_eq!(model.graph().nodes[2].shape, [3, 2]);
    }
}

/// Outputs that nothing computes, that declare no shape, or that are declared as a sequence of maps, as ZipMap's are.
#[test]
fn outputs_may_be_anything() {
    let fixture = Fixture::new(13)
        .input("x", &[2])
        .weights("w", &[1], &[3.0])
        .node_of("Relu", &["x", ""], &["y", ""], &[])
        .output("x")
        .output("w")
        .output("y");
    let mut bytes = fixture.bytes();
    // model.graph.output: { name: "x2", type: { sequence_type: {} } }: messages that stand twice are merged.
    let output = [0x0a, 2, b'x', b'2', 0x12, 2, 0x22, 0];
    bytes.extend([0x3a, 2 + output.len() as u8, 0x62, output.len() as u8]);
    bytes.extend(output);
    // model.graph.node: { input: "x", output: "x2", op_type: "Identity" }.
    let node = [&[0x0a, 1, b'x', 0x12, 2, b'x', b'2', 0x22, 8][..], b"Identity"].concat();
    bytes.extend([0x3a, 2 + node.len() as u8, 0x0a, node.len() as u8]);
    bytes.extend(node);
    let model = import(&bytes, &ImportOptions::default()).unwrap();
    let values = outputs(&model, &[floats(&[2], &[-1.0, 1.0])]);
    let expected = [(2, vec![-1.0, 1.0]), (1, vec![3.0]), (2, vec![0.0, 1.0]), (2, vec![-1.0, 1.0])];
    assert_eq!(values, expected.map(|(len, values)| (vec![len], values)));
    let scalar = Fixture::new(13).input("x", &[2]).node("ReduceSum", &["x"], "y", &[int("keepdims", 0)]).output("y");
    assert_eq!(outputs(&import_default(&scalar).unwrap(), &[floats(&[2], &[2.0, 1.0])]), [(vec![], vec![3.0])]);
}

/// Exporters of scikit-learn declare some outputs in another shape than they have.
#[test]
fn an_output_of_another_shape_than_declared_is_what_is_computed() {
    let cases = [
        (vec![Dim::Number(1), Dim::Number(2)], "declared as shape [1, 2], but the model computes shape [2]"),
        (vec![Dim::Number(3)], "declared as shape [3], but the model computes shape [2]"),
        (vec![Dim::Symbol("n"), Dim::Number(2)], "declared as shape [?, 2], but the model computes shape [2]"),
    ];
    for (dims, expected) in cases {
        let mut fixture = Fixture::new(13).input("x", &[2]).node("Relu", &["x"], "y", &[]);
        fixture.graph().output.push(value_info("y", DataType::Float, &dims));
        let model = import_default(&fixture).unwrap();
        assert_eq!(outputs(&model, &[floats(&[2], &[-1.0, 1.0])]), [(vec![2], vec![0.0, 1.0])]);
        let [warning] = model.warnings() else { panic!("{:?}", model.warnings()) };
        assert!(warning.contains("`y`") && warning.contains(expected), "{warning}");
    }
    let fixture = Fixture::new(13).input("x", &[2]).node("Relu", &["x"], "y", &[]).output("y");
    assert!(import_default(&fixture).unwrap().warnings().is_empty());
}

/// Outputs that are inputs or constants also become a circuit's outputs.
#[test]
fn outputs_that_nothing_computes_are_proved() {
    let fixture = Fixture::new(13)
        .input("x", &[2])
        .input("unused", &[1])
        .weights("w", &[1], &[3.0])
        .node("Relu", &["x"], "y", &[])
        .output("x")
        .output("w")
        .output("y");
    let range = |name: &str, count| (name.to_owned(), vec![RealRange { lo: -1.0, hi: 1.0 }; count]);
    let input_ranges = [range("x", 1), range("unused", 1)].into();
    let program = compile(&fixture.bytes(), &CompileOptions { input_ranges, ..Default::default() }).unwrap();
    let names: Vec<_> = program.graph().outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["x", "w", "y"]);
}

/// The models that others had trouble with, where they stand beside the repository.
#[test]
fn models_of_the_collection_are_imported() {
    let cases = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases"));
    for file in [
        "13-dynamo-external-data/model.onnx",
        "15-opset23-ir11/model.onnx",
        "15b-converted/model.onnx",
        "17-keras-unk-dims/model.onnx",
        "22-squeeze-if/model.onnx",
        "32-colon-names/model.onnx",
        "39-constant-nodes/model.onnx",
        "39-constant-nodes/unsorted.onnx",
        "46h-no-shape-output/model.onnx",
        "46m-bool-input/model.onnx",
    ] {
        crate::float::tests::shared(&cases.join(file), |path| {
            let model = import_file(path, &ImportOptions::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
            model.graph().check().unwrap();
        });
    }
}

/// The greatest integer of a type stands for no bound.
#[test]
fn bounds_that_no_number_reaches_do_not_bind() {
    let clip = |min: i64, max: i64| {
        let fixture = Fixture::new(13).typed_input("x", DataType::Int64, &[Dim::Number(2)]);
        let fixture = fixture.integers("min", &[], &[min]).integers("max", &[], &[max]);
        import_default(&fixture.node("Clip", &["x", "min", "max"], "y", &[]).output("y"))
    };
    let x = Tensor { shape: vec![2], values: Values::Int(vec![-7, 1 << 40]) };
    for (min, max, expected) in [
        (0, i64::MAX, [0.0, 1_099_511_627_776.0]),
        (i64::MIN, 5, [-7.0, 5.0]),
        (i64::MIN, i64::MAX, [-7.0, 1_099_511_627_776.0]),
    ] {
        assert_eq!(outputs(&clip(min, max).unwrap(), std::slice::from_ref(&x)), [(vec![2], expected.to_vec())]);
    }
    // Beyond all numbers on the wrong side: nothing is left that could be computed with exactly.
    assert!(clip(i64::MAX, i64::MAX).is_err());
}

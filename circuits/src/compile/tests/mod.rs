//! What becomes of inputs on the way from a file into a program, and of models whose numbers are far from 1.

mod operators;

use std::path::PathBuf;

use tract_onnx::pb::tensor_proto::DataType;

use super::*;
use crate::{
    elementary,
    evaluate::measure_program,
    float::ElementType,
    onnx::fixture::{Dim, Fixture, int, ints, string},
    quantize,
    tensors::{Limits, read_record, read_records},
};

const ONE: [Dim; 2] = [Dim::Number(1), Dim::Number(1)];

fn json(text: &str) -> NamedTensors {
    NamedTensors::from_json(text.as_bytes(), &Limits::default()).unwrap()
}

/// Samples of one number each, for the inputs named.
fn samples(names: &[&str], values: impl IntoIterator<Item = Vec<f64>>) -> Vec<NamedTensors> {
    let record = |values: Vec<f64>| {
        let inputs: Vec<String> =
            names.iter().zip(values).map(|(name, value)| format!("\"{name}\": [[{value:?}]]")).collect();
        json(&format!("{{\"inputs\": {{{}}}}}", inputs.join(", ")))
    };
    values.into_iter().map(record).collect()
}

fn calibrated(calibration: Vec<NamedTensors>) -> CompileOptions {
    CompileOptions { calibration, ..CompileOptions::default() }
}

fn declared(name: &str, lo: f64, hi: f64) -> CompileOptions {
    CompileOptions { input_ranges: [(name.to_owned(), vec![RealRange { lo, hi }])].into(), ..CompileOptions::default() }
}

/// As who receives the file has it.
fn reread(program: &Program) -> Program {
    Program::from_bytes(&program.to_bytes().unwrap()).unwrap()
}

fn rectifier(element: DataType) -> Vec<u8> {
    Fixture::new(14).typed_input("x", element, &ONE).node("Relu", &["x"], "y", &[]).output("y").bytes()
}

/// The input's integer is the number itself, at the input's scale.
fn assert_exact(program: &Program, text: &str, value: i64) {
    let inputs = program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}"))).unwrap();
    let (_, input) = program.graph().inputs().next().unwrap();
    assert_eq!(inputs, [[value << input.frac_bits]], "{text} with {} fraction bits", input.frac_bits);
    let trace = program.run(&inputs).unwrap();
    let output = program.graph().node(program.graph().outputs[0].node);
    assert_eq!(trace.outputs(program.graph()).next().unwrap(), [value << output.frac_bits]);
}

/// The output for `text`, an integer.
fn assert_exact_to(program: &Program, text: &str, value: i64) {
    let inputs = program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}"))).unwrap();
    let trace = program.run(&inputs).unwrap();
    assert_eq!(trace.outputs(program.graph()).next().unwrap(), [value], "{text}");
}

/// 2^24 + 1 is what single precision does not hold.
#[test]
fn a_float64_input_is_not_rounded_to_single_precision() {
    for options in [
        declared("x", 16_777_217.0, 16_777_219.0),
        calibrated(samples(&["x"], (0..8).map(|at| vec![16_777_217.0 + f64::from(at) / 8.0]))),
    ] {
        let program = reread(&compile(&rectifier(DataType::Double), &options).unwrap());
        assert_eq!(program.signature().nodes[0].element, ElementType::F64);
        assert_exact(&program, "16777217.0", 16_777_217);
        assert_exact(&program, "16777217", 16_777_217);
    }
}

#[test]
fn a_float32_input_is_first_what_single_precision_holds() {
    let program = reread(&compile(&rectifier(DataType::Float), &declared("x", 16_777_217.0, 16_777_219.0)).unwrap());
    assert_exact(&program, "16777217.0", 16_777_216);
    assert_exact(&program, "16777219.0", 16_777_220);
    // An integer that was meant exactly is not rounded unseen.
    program.quantize(&json(r#"{"inputs": {"x": [[16777217]]}}"#)).unwrap_err();
}

/// The double rounding of a number just above a tie of the step: single precision makes a tie of it, which goes to the even side.
#[test]
fn a_real_input_is_rounded_by_its_type_and_then_half_to_even() {
    let integer = |element, text: &str| {
        let options = CompileOptions { precision: Precision::Bits(1), ..declared("x", 0.0, 4.0) };
        let program = reread(&compile(&rectifier(element), &options).unwrap());
        let inputs = program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}"))).unwrap();
        (program.graph().nodes[0].frac_bits, inputs[0][0])
    };
    for element in [DataType::Float, DataType::Double] {
        for (text, expected) in [("0.25", 0), ("0.75", 2), ("1.25", 2), ("1.75", 4), ("0.26", 1), ("0.24", 0)] {
            assert_eq!(integer(element, text), (1, expected), "{element:?} {text}");
        }
    }
    assert_eq!(integer(DataType::Double, "0.2500000001").1, 1);
    assert_eq!(integer(DataType::Float, "0.2500000001").1, 0);
}

#[test]
fn an_integer_input_stays_what_it_is() {
    let program = reread(&compile(&rectifier(DataType::Int64), &declared("x", -0.5, 1e12)).unwrap());
    assert_eq!(program.signature().nodes[0].element, ElementType::I64);
    assert_exact(&program, "16777217", 16_777_217);
    assert_exact(&program, "999999999999", 999_999_999_999);
    // Neither a number with a fraction nor one outside of what was declared, however the ends round.
    for text in ["16777217.0", "-1", "1000000000001"] {
        program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}"))).unwrap_err();
    }
}

#[test]
fn a_boolean_input_has_one_encoding() {
    let model = Fixture::new(13)
        .typed_input("x", DataType::Bool, &ONE)
        .node("Cast", &["x"], "cast", &[int("to", DataType::Float as i64)])
        .weights("w", &[1], &[1.5])
        .node("Mul", &["cast", "w"], "y", &[])
        .output("y")
        .bytes();
    let record = |text: &str| json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}"));
    let program = reread(&compile(&model, &calibrated(vec![record("true"), record("false")])).unwrap());
    assert_eq!(program.quantize(&record("true")).unwrap(), [[1]]);
    assert_eq!(program.quantize(&record("false")).unwrap(), [[0]]);
    for other in ["1", "0", "1.0"] {
        let calibration = compile(&model, &calibrated(vec![record(other)])).unwrap_err().to_string();
        let input = program.quantize(&record(other)).unwrap_err().to_string();
        assert!(calibration.contains("write true or false") && input.contains("write true or false"), "{calibration}");
    }
}

#[test]
fn a_program_file_must_say_the_types_that_its_graph_has() {
    let program = compile(&rectifier(DataType::Float), &declared("x", 0.0, 1.0)).unwrap();
    let with = |types: Vec<ElementType>| {
        Program::new(b"", program.graph().clone(), types, program.report().clone(), Objective::Gas)
    };
    with(vec![ElementType::F64]).unwrap();
    for types in [vec![], vec![ElementType::F32; 2], vec![ElementType::I64], vec![ElementType::Bool]] {
        let error = with(types).unwrap_err().to_string();
        assert!(error.contains("are not those of its 1 inputs"), "{error}");
    }
}

#[test]
fn calibration_without_a_name_is_that_of_the_only_input() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, array: ndarray::Array2<f64>| {
        let path = folder.path().join(name);
        ndarray_npy::write_npy(&path, &array).unwrap();
        path
    };
    let rows = write("rows.npy", ndarray::Array2::from_shape_fn((10, 1), |(at, _)| at as f64 / 4.0));
    let calibration = read_records(&rows, &Limits::default()).unwrap();
    let program = compile(&rectifier(DataType::Double), &calibrated(calibration.clone())).unwrap();
    assert_eq!(program.report().samples, 10);
    let input = write("input.npy", ndarray::Array2::from_elem((1, 1), 2.25));
    let input = program.quantize(&read_record(&input, &Limits::default()).unwrap()).unwrap();
    assert_eq!(input, program.quantize(&json(r#"{"inputs": {"x": [[2.25]]}}"#)).unwrap());

    let two = Fixture::new(13).input("a", &[1]).input("b", &[1]).node("Add", &["a", "b"], "y", &[]).output("y").bytes();
    let error = compile(&two, &calibrated(calibration)).unwrap_err().to_string();
    assert!(error.contains("without a name") && error.contains(".npz"), "{error}");
    // Whoever leaves the samples' axis out is told of it.
    let flat = write("flat.npy", ndarray::Array2::zeros((2, 3)));
    let flat = read_records(&flat, &Limits::default()).unwrap();
    let error = compile(&rectifier(DataType::Double), &calibrated(flat)).unwrap_err().to_string();
    assert!(error.contains("record 0") && error.contains("leading axis counts the records"), "{error}");
}

/// Two inputs, each scaled to 1 by a product of its own.
fn two_magnitudes(big: f32, small: f32) -> Vec<u8> {
    Fixture::new(13)
        .input("big", &[1, 1])
        .input("small", &[1, 1])
        .weights("kb", &[1], &[1.0 / big])
        .weights("ks", &[1], &[1.0 / small])
        .node("Mul", &["big", "kb"], "b", &[])
        .node("Mul", &["small", "ks"], "s", &[])
        .node("Add", &["b", "s"], "y", &[])
        .output("y")
        .bytes()
}

fn of_two_magnitudes(big: f64, small: f64) -> Vec<NamedTensors> {
    // The first is the greatest: at a scale that is as coarse as itself it rounds up.
    samples(&["big", "small"], (0..30).map(|at| 10.0 - f64::from(at * 7 % 30) / 4.0).map(|x| vec![big * x, small * x]))
}

/// A scale at which the calibration data do not fit their own range is a coarse one, no reason to give up.
#[test]
fn small_inputs_beside_large_ones_compile() {
    let model = two_magnitudes(1e2, 1e-3);
    let calibration = of_two_magnitudes(1e2, 1e-3);
    let program = compile(&model, &calibrated(calibration.clone())).unwrap();
    assert!(!program.report().misses_target(), "{}", program.report());
    // Precision that was asked for is taken, and what it costs is said.
    let coarse = CompileOptions { precision: Precision::Bits(6), ..calibrated(calibration) };
    let report = compile(&model, &coarse).unwrap().report().clone();
    assert!(report.max_error() > 1.0 && !report.misses_target(), "{report}");
}

/// What tables cannot hold is said with the figure and the samples that it is of; the report has the same.
#[test]
fn a_target_out_of_reach_is_told_with_the_reports_own_figures() {
    let model = Fixture::new(13).input("x", &[1, 1]).node("Sigmoid", &["x"], "y", &[]).output("y").bytes();
    let calibration = samples(&["x"], (0..30).map(|at| vec![f64::from(at) - 15.0]));
    let options = CompileOptions { tolerance: Tolerance::Absolute(1e-9), ..calibrated(calibration) };
    let program = compile(&model, &options).unwrap();
    let report = program.report();
    assert!(report.misses_target(), "{report}");
    let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    for part in ["the target is", "out of reach on the 30 calibration samples", "% of its span", "--max-error"] {
        assert!(warning.contains(part), "no `{part}` in {warning}");
    }
    assert!(warning.contains(&format!("{:.2e}", report.max_error())), "{warning}");
}

#[test]
fn an_output_that_only_the_circuit_holds_constant_is_an_error() {
    let scaled = |weight: f32| {
        let model = Fixture::new(13).input("x", &[1, 1]).weights("w", &[1], &[weight]);
        model.node("Mul", &["x", "w"], "y", &[]).output("y").bytes()
    };
    let of = |magnitude: f64| samples(&["x"], (0..20).map(|at| vec![magnitude * (f64::from(at * 7 % 20) - 9.5)]));
    // A hundredth is nothing with two fraction bits.
    let clip = Fixture::new(13).input("x", &[1, 1]).weights("lo", &[], &[0.0]).weights("hi", &[], &[0.01]);
    let clip = clip.node("Clip", &["x", "lo", "hi"], "y", &[]).output("y").bytes();
    let options = CompileOptions { precision: Precision::Bits(2), ..calibrated(of(1.0)) };
    let error = compile(&clip, &options).unwrap_err();
    assert!(matches!(&error, Error::Quantize(quantize::Error::ConstantOutput { output, .. }) if output == "y"));
    assert!(error.to_string().contains("more bits (--bits)"), "{error}");
    compile(&clip, &calibrated(of(1.0))).unwrap();
    // 1e-8 has as many significant bits as any weight.
    let program = compile(&scaled(1e-8), &calibrated(of(1e7))).unwrap();
    assert!(!program.report().misses_target(), "{}", program.report());
    // Outputs that are smaller than the target altogether: zero would be near enough, and say nothing.
    let program = compile(&scaled(1e-5), &calibrated(of(1.0))).unwrap();
    let RealRange { lo, hi } = program.report().outputs[0].range;
    assert!(lo < hi && program.report().max_error() < 5e-5, "{}", program.report());
    // A model that is constant itself may be so.
    compile(&scaled(0.0), &calibrated(of(1.0))).unwrap();
}

/// Real numbers of any size have a scale; integers beyond what a value holds have none.
#[test]
fn inputs_that_leave_the_integers_are_told_so() {
    let wei = compile(&rectifier(DataType::Float), &calibrated(samples(&["x"], [vec![2e18], vec![4e18]]))).unwrap();
    assert!(!wei.report().misses_target(), "{}", wei.report());
    assert!(reread(&wei).graph().nodes[0].frac_bits < -30);
    let error = compile(&rectifier(DataType::Int64), &declared("x", 0.0, 4e18)).unwrap_err();
    assert!(matches!(error, Error::Quantize(quantize::Error::RangeTooWide { .. })), "{error}");
    assert!(error.to_string().contains("declare a narrower range"), "{error}");
}

/// Whoever has the model measures a program again, whatever its file says.
#[test]
fn a_program_is_measured_against_its_model() {
    let calibration = of_two_magnitudes(1e2, 1e-3);
    let model = onnx::import(&two_magnitudes(1e2, 1e-3), &ImportOptions::default()).unwrap();
    let program = compile(&two_magnitudes(1e2, 1e-3), &calibrated(calibration.clone())).unwrap();
    let conformed = tensors::conform_all(&calibration, model.graph()).unwrap();
    let measured = measure_program(model.graph(), &program, &conformed).unwrap();
    assert_eq!((measured.max_error(), measured.samples), (program.report().max_error(), 30));
    let drawn = measure_program(model.graph(), &program, &[]).unwrap();
    assert!(drawn.max_error() > 0.0 && drawn.samples > 0, "{drawn}");

    // Of another model the same program errs.
    let other = onnx::import(&two_magnitudes(1e2, 2e-3), &ImportOptions::default()).unwrap();
    let measured = measure_program(other.graph(), &program, &conformed).unwrap();
    assert!(measured.max_error() > 1.0, "{measured}");
    let stranger = onnx::import(&rectifier(DataType::Float), &ImportOptions::default()).unwrap();
    let error = measure_program(stranger.graph(), &program, &[]).unwrap_err();
    assert!(matches!(error, quantize::Error::OtherInterface { what: "inputs", .. }), "{error}");
}

/// A model's names reach whoever reads an error or a report in letters only.
#[test]
fn names_are_escaped_in_errors_and_reports() {
    let evil = "x\u{1b}[2J\nprogram 0x00\u{202e}";
    let model = Fixture::new(13).input(evil, &[1, 1]).node("Relu", &[evil], "y\u{9b}", &[]).output("y\u{9b}").bytes();
    let options = declared(evil, 0.0, 1.0);
    let program = compile(&model, &options).unwrap();
    let refused =
        program.quantize(&NamedTensors::single("z\u{1b}", json(r#"{"inputs": {"x": 7}}"#).tensors["x"].clone()));
    let unfit = program.quantize(&NamedTensors::single(evil, json(r#"{"inputs": {"x": 7}}"#).tensors["x"].clone()));
    let far = program.quantize(&NamedTensors::single(evil, json(r#"{"inputs": {"x": [[7]]}}"#).tensors["x"].clone()));
    let unknown = Fixture::new(13).input(evil, &[1, 1]).node("Re\u{1b}lu", &[evil], "y", &[]).output("y").bytes();
    for text in [
        program.report().to_string(),
        refused.unwrap_err().to_string(),
        unfit.unwrap_err().to_string(),
        far.unwrap_err().to_string(),
        compile(&model, &CompileOptions::default()).unwrap_err().to_string(),
        compile(&model, &declared("\u{1b}", 0.0, 1.0)).unwrap_err().to_string(),
        compile(&unknown, &options).unwrap_err().to_string(),
    ] {
        let acts = |character: char| character != '\n' && (character.is_control() || character == '\u{202e}');
        assert!(!text.contains(acts) && !text.lines().any(|line| line.starts_with("program 0x00")), "{text:?}");
    }
}

/// The collection of models that stands beside the checkout, where it does.
#[test]
fn cases_with_numbers_far_from_one_compile() {
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases");
    let compiled = |name: &str| {
        let folder = cases.join(name);
        let model = std::fs::read(folder.join("model.onnx")).ok()?;
        let calibration = read_records(&folder.join("calibration.json"), &Limits::default()).unwrap();
        Some((compile(&model, &calibrated(calibration)), folder))
    };
    for name in [
        "24-raw-scales",
        "24c-raw-scales-normalized",
        "31-masked-softmax",
        "36-constant-feature",
        "37-saturated-sigmoid",
        "40d-small-input",
        "41-attention-64",
        "43e-big-and-less-small",
        "44b-unit-1e6",
        "44e-unit-1e18",
        "45a-regression-near-ties-3",
        "46m-bool-input",
    ] {
        let Some((result, folder)) = compiled(name) else {
            println!("{name}: does not stand beside this checkout");
            continue;
        };
        let program = result.unwrap_or_else(|error| panic!("{name}: {error}"));
        let k = program.plan().k;
        println!("{name}: k = {k}, {} rows, {}", program.layout().rows(), program.report().summary());
        for output in &program.report().outputs {
            println!("  {}: {:.2e} of its span", output.name, output.relative_error());
        }
        assert!(!program.report().misses_target(), "{name}: {}", program.report());
        let record = read_record(&folder.join("input.json"), &Limits::default()).unwrap();
        match (name, program.quantize(&record)) {
            // A flag that was never set in calibration is refused until its range is declared.
            ("36-constant-feature", inputs) => drop(inputs.unwrap_err()),
            (_, inputs) => drop(inputs.unwrap_or_else(|error| panic!("{name}: {error}"))),
        }
    }
}

/// Whose records are of four, and whose first dimension has a name.
#[test]
fn records_of_a_batch_say_how_to_set_it() {
    let model = |batch, other| {
        Fixture::new(14)
            .typed_input("x", DataType::Float, &[batch, other])
            .node("Relu", &["x"], "y", &[])
            .output("y")
            .bytes()
    };
    let open = model(Dim::Symbol("batch_size"), Dim::Number(2));
    let four = json("{\"inputs\": {\"x\": [[1, 2], [3, 4], [5, 6], [7, 8]]}}");
    let error = compile(&open, &calibrated(vec![four.clone()])).unwrap_err().to_string();
    assert!(error.contains("calibration record 0") && error.contains("`--dim batch_size=4`"), "{error}");
    let mut said = calibrated(vec![four.clone()]);
    said.import.dims.insert("batch_size".into(), 4);
    compile(&open, &said).unwrap();

    let unnamed = model(Dim::Symbol(""), Dim::Number(2));
    let error = compile(&unnamed, &calibrated(vec![four.clone()])).unwrap_err().to_string();
    assert!(error.contains("`--dim x[0]=4`"), "{error}");
    // Neither where the dimension is fixed, nor where another does not fit.
    for (model, record) in [
        (model(Dim::Number(1), Dim::Number(2)), &four),
        (open.clone(), &json("{\"inputs\": {\"x\": [[1, 2, 3], [3, 4, 5]]}}")),
        (open, &json("{\"inputs\": {\"x\": [[1, 2, 3]]}}")),
    ] {
        let error = compile(&model, &calibrated(vec![record.clone()])).unwrap_err().to_string();
        assert!(error.contains("needs shape [1, 2]") && !error.contains("--dim"), "{error}");
    }
}

/// A range of one feature is that of its integers, whatever the others take.
#[test]
fn ranges_of_features_reach_the_program() {
    let model = Fixture::new(14).input("x", &[1, 3]).node("Relu", &["x"], "y", &[]).output("y").bytes();
    let mut options = declared("x", -1.0, 1.0);
    options.input_ranges.insert("x[2]".into(), vec![RealRange { lo: 0.0, hi: 0.25 }]);
    let program = compile(&model, &options).unwrap();
    let takes = |text: &str| program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [{text}]}}}}")));
    takes("[-1, 1, 0.25]").unwrap();
    for outside in ["[0, 0, 0.5]", "[0, 0, -0.25]", "[0, 1.5, 0]"] {
        let error = takes(outside).unwrap_err().to_string();
        assert!(error.contains("outside its range"), "{error}");
    }
}

/// A feature with a range of its own says nothing of the others: they keep what calibration shows of them.
#[test]
fn calibration_sets_the_range_of_the_other_features() {
    let model = Fixture::new(14).input("x", &[1, 3]).node("Relu", &["x"], "y", &[]).output("y").bytes();
    let sample = |a: f64, b: f64, c: f64| json(&format!("{{\"inputs\": {{\"x\": [[{a:?}, {b:?}, {c:?}]]}}}}"));
    let mut options = calibrated(vec![sample(0.5, -0.25, 0.0), sample(-0.5, 0.125, 0.0)]);
    options.input_ranges.insert("x[2]".into(), vec![RealRange { lo: 0.0, hi: 1e6 }]);
    let program = compile(&model, &options).unwrap();
    let takes = |a, b, c| program.quantize(&sample(a, b, c));
    takes(0.9, -0.9, 1e6).unwrap();
    for outside in [takes(1.5, 0.0, 0.0), takes(0.0, 1.5, 0.0), takes(0.0, 0.0, 1.1e6), takes(0.0, 0.0, -1e5)] {
        assert!(outside.unwrap_err().to_string().contains("outside its range"));
    }
    // What the data show must lie in what is declared.
    options.input_ranges.insert("x[0]".into(), vec![RealRange { lo: 0.0, hi: 1.0 }]);
    let error = compile(&model, &options).unwrap_err().to_string();
    assert!(error.contains("calibration sample 1: input `x`, element 0: -0.5 is outside its range [0, 1]"), "{error}");
}

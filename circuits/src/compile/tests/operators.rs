//! Operators that a whole compilation shows best: where ranges, types and calibration meet.

use super::*;

/// Circuits do not wrap around: what could leave its type is refused, what is proven to stay is computed.
#[test]
fn narrow_integers_are_computed_where_they_are_proven_to_stay_in_their_type() {
    let sum = Fixture::new(14).typed_input("x", DataType::Uint8, &ONE).node("Add", &["x", "x"], "y", &[]).output("y");
    assert_exact(&compile(&sum.bytes(), &declared("x", 0.0, 127.0)).unwrap(), "0", 0);
    let error = compile(&sum.bytes(), &declared("x", 0.0, 128.0)).unwrap_err().to_string();
    for word in ["Add", "[0, 256]", "proven to stay in its type", "Cast to int32"] {
        assert!(error.contains(word), "{word}: {error}");
    }
    let to = |from, to: DataType| {
        let cast = Fixture::new(14).typed_input("x", from, &ONE);
        cast.node("Cast", &["x"], "y", &[int("to", to as i64)]).output("y").bytes()
    };
    for (from, lo, hi) in [(DataType::Int32, 0.0, 255.0), (DataType::Float, 0.25, 255.75)] {
        compile(&to(from, DataType::Uint8), &declared("x", lo, hi)).unwrap();
    }
    for (from, lo, hi) in [(DataType::Int32, -1.0, 255.0), (DataType::Int64, 0.0, 256.0), (DataType::Float, 0.0, 256.0)]
    {
        let error = compile(&to(from, DataType::Uint8), &declared("x", lo, hi)).unwrap_err().to_string();
        assert!(error.contains("proven to stay in its type"), "{error}");
    }
}

/// A logarithm takes no 0: where no sample is near it, the calibrated range is not either.
#[test]
fn calibrated_ranges_stay_on_the_side_of_0_that_the_model_needs() {
    let log = Fixture::new(14).input("x", &[1, 1]).node("Log", &["x"], "y", &[]).output("y").bytes();
    let program = compile(&log, &calibrated(samples(&["x"], [vec![2.0], vec![3.0], vec![5.0]]))).unwrap();
    assert_eq!(program.report().input_ranges["x"], quantize::RangeOrigin::OneSided);
    let input = |text: &str| program.quantize(&json(&format!("{{\"inputs\": {{\"x\": [[{text}]]}}}}")));
    assert!(input("1.0").is_ok() && input("7.5").is_ok());
    for outside in ["0.9", "0.0", "-2.0", "8.5"] {
        assert!(input(outside).unwrap_err().to_string().contains("outside its range"), "{outside}");
    }
    // Samples on both sides: nothing narrower would do, and the error is of the range that was tried.
    let error = compile(&log, &calibrated(samples(&["x"], [vec![2.0], vec![-3.0]]))).unwrap_err().to_string();
    assert!(error.contains("more than 0"), "{error}");
    // A model that takes 0 has the range as before.
    let program = compile(&rectifier(DataType::Float), &calibrated(samples(&["x"], [vec![2.0], vec![3.0]]))).unwrap();
    assert_eq!(program.report().input_ranges["x"], quantize::RangeOrigin::Calibrated);
    // Quotients of integers of either sign, by elements that keep theirs.
    let fixture = Fixture::new(14).typed_input("a", DataType::Int64, &[Dim::Number(2)]);
    let fixture = fixture.typed_input("b", DataType::Int64, &[Dim::Number(2)]).node("Div", &["a", "b"], "y", &[]);
    let record = json("{\"inputs\": {\"a\": [7, 7], \"b\": [2, -2]}}");
    let program = compile(&fixture.output("y").bytes(), &calibrated(vec![record.clone()])).unwrap();
    let trace = program.run(&program.quantize(&record).unwrap()).unwrap();
    assert_eq!(trace.outputs(program.graph()).next().unwrap(), [3, -3]);
}

/// The greatest of all gives 1 to the sum, so that the logarithm has an argument, however large the numbers are.
#[test]
fn logarithms_of_sums_of_exponentials_have_a_value() {
    let fixture = || Fixture::new(13).input("x", &[1, 3]);
    let one = [int("keepdims", 0)];
    let written_out = fixture().node("Exp", &["x"], "e", &[]).node("ReduceSum", &["e"], "s", &one);
    let record = |x: [f64; 3]| json(&format!("{{\"inputs\": {{\"x\": [{x:?}]}}}}"));
    for model in [
        fixture().node("ReduceLogSumExp", &["x"], "y", &one).output("y"),
        written_out.node("Log", &["s"], "y", &[]).output("y"),
    ] {
        let data = vec![record([200.0, 199.0, -300.0]), record([-250.0, 30.0, 30.0])];
        let program = compile(&model.bytes(), &calibrated(data)).unwrap();
        let inputs = program.quantize(&record([100.0, 100.0, 98.0])).unwrap();
        let trace = program.run(&inputs).unwrap();
        let got = quantize::dequantize_outputs(program.graph(), trace.outputs(program.graph()))[0][0];
        let expected = 100.0 + elementary::ln(2.0 + elementary::exp(-2.0));
        assert!((got - expected).abs() < 0.5, "{got} for {expected}");
    }
}

/// As naive Bayes is exported: what a class has, less the logarithm of all, is never above 0, however large the numbers are.
#[test]
fn shares_by_logarithms_have_a_value() {
    let fixture = Fixture::new(13).input("x", &[2, 3]).integers("groups", &[2], &[-1, 1]);
    let sum = fixture.node("ReduceLogSumExp", &["x"], "all", &[ints("axes", &[1]), int("keepdims", 0)]);
    let shares = sum.node("Reshape", &["all", "groups"], "column", &[]).node("Sub", &["x", "column"], "log", &[]);
    let model = shares.node("Exp", &["log"], "y", &[]).output("y").bytes();
    let record = |first: [f64; 3]| json(&format!("{{\"inputs\": {{\"x\": [{first:?}, [0.5, -3.5, 1.5]]}}}}"));
    let data = vec![record([4e5, -9e5, 3e5]), record([-1e6, 30.0, 29.0]), record([1.0, 2.0, 0.5])];
    let program = compile(&model, &calibrated(data)).unwrap();
    let trace = program.run(&program.quantize(&record([100.0, 101.0, 98.0])).unwrap()).unwrap();
    let got = quantize::dequantize_outputs(program.graph(), trace.outputs(program.graph()));
    let shares = |x: [f64; 3]| {
        let sum: f64 = x.iter().map(|x| elementary::exp(*x)).sum();
        x.map(|x| elementary::exp(x) / sum)
    };
    let expected = [shares([-1.0, 0.0, -3.0]), shares([0.5, -3.5, 1.5])].concat();
    for (got, expected) in got[0].iter().zip(expected) {
        assert!((got - expected).abs() < 2e-3, "{got} for {expected}");
    }
}

/// Features of very different size in one product of what is computed: it has the bits that there is room for.
#[test]
fn products_of_unlike_features_have_room() {
    let sum = Fixture::new(13).input("x", &[1, 4]).node("ReduceSumSquare", &["x"], "y", &[ints("axes", &[1])]);
    let record = |x: [f64; 4]| json(&format!("{{\"inputs\": {{\"x\": [{x:?}]}}}}"));
    let data = vec![record([1e6, 1e-3, 0.5, 1e-6]), record([9e5, -1e-3, -0.5, -1e-6]), record([0.0, 0.0, 0.25, 0.0])];
    let program = compile(&sum.output("y").bytes(), &calibrated(data)).unwrap();
    let trace = program.run(&program.quantize(&record([8e5, 5e-4, 0.25, 5e-7])).unwrap()).unwrap();
    let got = quantize::dequantize_outputs(program.graph(), trace.outputs(program.graph()))[0][0];
    assert!((got - 64e10).abs() < 1e12 / 1024.0, "{got}");
}

/// As PyTorch spells causal attention: of a constant mask the softmax takes what is kept, however low the numbers are.
#[test]
fn constant_masks_cost_no_bits() {
    for low in [-1e5, -1e9, -1e30, f64::from(f32::MIN), f64::NEG_INFINITY] {
        let fixture = Fixture::new(13).input("x", &[2, 3]).weights("low", &[1], &[low as f32]);
        let hidden = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let fixture = fixture.weights("hidden", &[2, 3], &hidden);
        let fixture = fixture.node("Cast", &["hidden"], "mask", &[int("to", DataType::Bool as i64)]);
        let fixture = fixture.node("Where", &["mask", "low", "x"], "masked", &[]);
        let model = fixture.node("Softmax", &["masked"], "y", &[int("axis", 1)]).output("y").bytes();
        let record = json("{\"inputs\": {\"x\": [[0.5, -0.25, 0.125], [-0.5, 0.375, 0.25]]}}");
        let program = compile(&model, &calibrated(vec![record.clone()])).unwrap();
        let trace = program.run(&program.quantize(&record).unwrap()).unwrap();
        let got = quantize::dequantize_outputs(program.graph(), trace.outputs(program.graph()));
        let share = 1.0 / (1.0 + elementary::exp(0.875));
        for (got, expected) in got[0].iter().zip([1.0, 0.0, 0.0, share, 1.0 - share, 0.0]) {
            assert!((got - expected).abs() < 1e-3, "{low}: {got} for {expected}");
        }
    }
}

/// Parts without elements are no obstacle where others hold what there is.
#[test]
fn tensors_without_elements_are_joined_with_others() {
    let fixture = Fixture::new(13).input("x", &[1, 3]).integers("split", &[2], &[3, 0]);
    let split = fixture.node_of("Split", &["x", "split"], &["a", "none"], &[int("axis", 1)]);
    let model = split.node("Concat", &["a", "none"], "y", &[int("axis", 1)]).output("y").bytes();
    let record = json("{\"inputs\": {\"x\": [[1.0, -2.0, 3.0]]}}");
    let program = compile(&model, &calibrated(vec![record])).unwrap();
    assert_eq!(program.graph().node(program.graph().outputs[0].node).shape, [1, 3]);
    let fixture = Fixture::new(13).input("x", &[1, 3]).integers("split", &[2], &[3, 0]);
    let split = fixture.node_of("Split", &["x", "split"], &["a", "none"], &[int("axis", 1)]);
    let error = compile(&split.output("none").bytes(), &declared("x", -1.0, 1.0)).unwrap_err().to_string();
    assert!(error.contains("output `none`") && error.contains("without elements"), "{error}");
    let split = Fixture::new(13).input("x", &[1, 3]).integers("split", &[2], &[3, 0]);
    let split = split.node_of("Split", &["x", "split"], &["a", "none"], &[int("axis", 1)]);
    let model = split.node("Concat", &["none", "none"], "y", &[int("axis", 1)]).output("y").bytes();
    let error = compile(&model, &declared("x", -1.0, 1.0)).unwrap_err().to_string();
    assert!(error.contains("output `y`") && error.contains("without elements"), "{error}");
}

/// Each index is looked up on its own: one that is too great would pass for another row's.
#[test]
fn indices_of_several_axes_do_not_pass_for_each_other() {
    let pairs = [Dim::Number(1), Dim::Number(2)];
    let fixture = Fixture::new(13).typed_input("i", DataType::Int64, &pairs);
    let fixture = fixture.weights("table", &[2, 2], &[1.0, 2.0, 3.0, 4.0]).node("GatherND", &["table", "i"], "y", &[]);
    let model = fixture.output("y").bytes();
    let program = compile(&model, &CompileOptions::default()).unwrap();
    let record = |i: [i64; 2]| json(&format!("{{\"inputs\": {{\"i\": [{i:?}]}}}}"));
    let trace = program.run(&program.quantize(&record([1, 0])).unwrap()).unwrap();
    let got = quantize::dequantize_outputs(program.graph(), trace.outputs(program.graph()));
    assert_eq!(got, [[3.0]]);
    // 0 * 2 + 2 is where [1, 0] stands.
    for outside in [[0, 2], [2, 0], [1, -3]] {
        assert!(
            program.quantize(&record(outside)).and_then(|inputs| Ok(program.run(&inputs)?)).is_err(),
            "{outside:?}"
        );
    }
}

/// What is shifted out of a type is gone, and no type has room for more.
#[test]
fn bits_that_are_shifted_out_of_their_type_are_gone() {
    let shift = |by: i64| {
        let fixture = Fixture::new(14).typed_input("x", DataType::Uint8, &ONE).integers("n", &[1, 1], &[by]);
        let fixture = fixture.node("Cast", &["n"], "by", &[int("to", DataType::Uint8 as i64)]);
        fixture.node("BitShift", &["x", "by"], "y", &[string("direction", "LEFT")]).output("y").bytes()
    };
    let program = compile(&shift(3), &declared("x", 0.0, 255.0)).unwrap();
    assert_exact_to(&program, "200", (200 << 3) & 255);
    assert_exact_to(&program, "255", 248);
    let error = compile(&shift(9), &declared("x", 0.0, 255.0)).unwrap_err().to_string();
    assert!(error.contains("shifts by 9"), "{error}");
}

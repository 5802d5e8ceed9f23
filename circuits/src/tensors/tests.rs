//! Every format read as it was written, and every reason for which a file is refused.

use std::io::{Cursor, Write};

use ndarray::{Array, ArrayD, IxDyn, ShapeBuilder};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyExt};
use prost::Message;
use tract_onnx::pb::{TensorProto, tensor_proto::DataType};
use zip::write::SimpleFileOptions;

use super::*;
use crate::float::{ElementType, Node, Op, Values};

const LIMITS: Limits = Limits { max_bytes: 10_000, max_elements: 100 };

fn graph(inputs: &[(&str, ElementType, &[usize])]) -> Graph {
    let node = |&(name, element, shape): &(&str, ElementType, &[usize])| Node {
        name: name.into(),
        tensor: name.into(),
        op: Op::Input,
        inputs: vec![],
        shape: shape.to_vec(),
        element,
    };
    Graph { nodes: inputs.iter().map(node).collect(), outputs: vec![] }
}

fn json(text: &str) -> Result<NamedTensors, Error> {
    NamedTensors::from_json(text.as_bytes(), &LIMITS)
}

fn tensor(shape: &[usize], values: Values) -> Tensor {
    Tensor { shape: shape.to_vec(), values }
}

fn npy<A: WritableElement>(shape: &[usize], values: Vec<A>) -> Vec<u8> {
    let mut bytes = vec![];
    Array::from_shape_vec(IxDyn(shape), values).unwrap().write_npy(&mut bytes).unwrap();
    bytes
}

fn npz(arrays: &[(&str, ArrayD<f32>)]) -> Vec<u8> {
    let mut writer = NpzWriter::new_compressed(Cursor::new(vec![]));
    arrays.iter().for_each(|(name, array)| writer.add_array(*name, array).unwrap());
    writer.finish().unwrap().into_inner()
}

fn counted(shape: &[usize]) -> ArrayD<f32> {
    let len: usize = shape.iter().product();
    Array::from_shape_vec(IxDyn(shape), (0..len).map(|value| value as f32).collect()).unwrap()
}

#[test]
fn json_keeps_shapes_and_integers() {
    for (text, expected) in [
        ("[[1.5, 2], [3e2, -4]]", tensor(&[2, 2], Values::Float(vec![1.5, 2.0, 300.0, -4.0]))),
        (
            "[16777217, -9223372036854775808, 9223372036854775807]",
            tensor(&[3], Values::Int(vec![16_777_217, i64::MIN, i64::MAX])),
        ),
        ("[[[true], [false]]]", tensor(&[1, 2, 1], Values::Bool(vec![true, false]))),
        ("7", tensor(&[], Values::Int(vec![7]))),
    ] {
        let read = json(&format!("{{\"inputs\": {{\"x\": {text}}}}}")).unwrap();
        assert_eq!(read, NamedTensors::single("x", expected), "{text}");
    }
}

#[test]
fn json_that_is_no_record_is_refused() {
    for (text, words) in [
        ("", "EOF"),
        ("{\"inputs\": {\"x\": [1", "EOF"),
        ("{\"inputs\": {\"x\": [1]}} x", "trailing"),
        ("[1, 2]", "the key \"inputs\""),
        ("{}", "empty object"),
        ("{\"input_data\": [1]}", "found the key \"input_data\", expected an object with the key \"inputs\""),
        ("{\"inputs\": {\"x\": [1]}, \"outputs\": {}}", "another key \"outputs\""),
        ("{\"inputs\": [1]}", "object from names to nested arrays"),
        ("{\"inputs\": {\"x\": [1], \"x\": [2]}}", "\"x\" stands there twice"),
        ("{\"inputs\": {\"x\": [[1, 2], [3]]}}", "ragged: arrays of 2 and of 1"),
        ("{\"inputs\": {\"x\": [[1], 2]}}", "ragged: a value"),
        ("{\"inputs\": {\"x\": [1, [2]]}}", "ragged: an array"),
        ("{\"inputs\": {\"x\": [[[1]], [2]]}}", "ragged: a value"),
        ("{\"inputs\": {\"x\": []}}", "empty array"),
        ("{\"inputs\": {\"x\": [[1], []]}}", "empty array"),
        ("{\"inputs\": {\"x\": [1, true]}}", "mixes"),
        ("{\"inputs\": {\"x\": [false, 1.5]}}", "mixes"),
        ("{\"inputs\": {\"x\": [null]}}", "numbers or booleans"),
        ("{\"inputs\": {\"x\": [\"1\"]}}", "numbers or booleans"),
        ("{\"inputs\": {\"x\": {\"y\": 1}}}", "numbers or booleans"),
        ("{\"inputs\": {\"x\": [NaN]}}", "must be finite"),
        ("{\"inputs\": {\"x\": [-Infinity]}}", "must be finite"),
        ("{\"inputs\": {\"x\": [1e400]}}", "out of range"),
        ("{\"inputs\": {\"x\": [9223372036854775808]}}", "no 64-bit signed integer"),
        ("{\"inputs\": {\"x\": [0.5, 9007199254740993]}}", "9007199254740993 among floats"),
    ] {
        let error = json(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let deep = format!("{{\"inputs\": {{\"x\": {}1{}}}}}", "[".repeat(33), "]".repeat(33));
    assert!(json(&deep).unwrap_err().to_string().contains("32 deep"));
    let deeper = format!("{{\"inputs\": {{\"x\": {}", "[".repeat(5_000));
    assert!(json(&deeper).is_err());
}

#[test]
fn limits_hold() {
    let many = format!("{{\"inputs\": {{\"x\": [{}1]}}}}", "1,".repeat(100));
    assert!(matches!(json(&many), Err(Error::TooLarge { what: "elements", limit: 100 })));
    let split = format!("{{\"inputs\": {{\"x\": [{0}1], \"y\": [{0}1]}}}}", "1,".repeat(60));
    assert!(matches!(json(&split), Err(Error::TooLarge { what: "elements", .. })));
    let long = " ".repeat(10_001);
    assert!(matches!(json(&long), Err(Error::TooLarge { what: "bytes", limit: 10_000 })));
    assert!(matches!(
        tensor_from_npy(&npy(&[101], vec![0u8; 101]), &LIMITS),
        Err(Error::TooLarge { what: "elements", .. })
    ));
    // A megabyte of zeros, deflated to a thousand bytes.
    let bomb = npz(&[("x", ArrayD::zeros(IxDyn(&[1 << 18])))]);
    assert!(bomb.len() < LIMITS.max_bytes);
    assert!(matches!(NamedTensors::from_npz(&bomb, &LIMITS), Err(Error::TooLarge { what: "bytes when unpacked", .. })));
}

/// ndarray-npy, another implementation, writes what is read here.
#[test]
fn npy_is_read_in_every_type_and_layout() {
    let read = |bytes: &[u8]| tensor_from_npy(bytes, &LIMITS).unwrap();
    assert_eq!(read(&npy(&[2, 1], vec![1.5f32, -2.0])), tensor(&[2, 1], Values::Float(vec![1.5, -2.0])));
    assert_eq!(read(&npy(&[1], vec![0.1f64])), tensor(&[1], Values::Float(vec![0.1])));
    assert_eq!(read(&npy(&[], vec![-3i64])), tensor(&[], Values::Int(vec![-3])));
    assert_eq!(read(&npy(&[2], vec![-3i32, 3])).values, Values::Int(vec![-3, 3]));
    assert_eq!(read(&npy(&[2], vec![-300i16, 3])).values, Values::Int(vec![-300, 3]));
    assert_eq!(read(&npy(&[2], vec![-3i8, 3])).values, Values::Int(vec![-3, 3]));
    assert_eq!(read(&npy(&[1], vec![200u8])).values, Values::Int(vec![200]));
    assert_eq!(read(&npy(&[1], vec![u32::MAX])).values, Values::Int(vec![4_294_967_295]));
    assert_eq!(read(&npy(&[2], vec![true, false])).values, Values::Bool(vec![true, false]));
    let fortran = ArrayD::from_shape_vec(IxDyn(&[2, 3]).f(), vec![0i64, 3, 1, 4, 2, 5]).unwrap();
    let mut bytes = vec![];
    fortran.write_npy(&mut bytes).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("'fortran_order': True"));
    assert_eq!(read(&bytes), tensor(&[2, 3], Values::Int(vec![0, 1, 2, 3, 4, 5])));
    assert_eq!(
        read(&by_hand(1, "{'descr': '>i2', 'fortran_order': False, 'shape': (2,)}", &[1, 2, 255, 254])).values,
        Values::Int(vec![258, -2])
    );
    assert_eq!(
        read(&by_hand(3, "{\"shape\": (1,1), 'descr': '<f4', 'fortran_order': False, }\n", &1f32.to_le_bytes())).shape,
        [1, 1]
    );
}

fn by_hand(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let len = (header.len() as u32).to_le_bytes();
    [&b"\x93NUMPY"[..], &[version, 0], if version == 1 { &len[..2] } else { &len[..] }, header.as_bytes(), data]
        .concat()
}

#[test]
fn damaged_npy_is_refused() {
    let genuine = npy(&[2, 2], vec![1.0f32; 4]);
    for cut in 0..genuine.len() {
        assert!(tensor_from_npy(&genuine[..cut], &LIMITS).is_err(), "cut at {cut}");
    }
    let header = |descr: &str, shape: &str| {
        by_hand(1, &format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"), &[1; 8])
    };
    for (bytes, words) in [
        ([&genuine[..], &[0]].concat(), "16 bytes of data, it has 17"),
        (b"not an array".to_vec(), "magic"),
        (by_hand(9, "{}", &[]), "version"),
        (by_hand(1, "{}", &[]), "incomplete"),
        (by_hand(1, "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}", &[]), "neither True nor False"),
        (by_hand(1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", &[]), "twice"),
        (by_hand(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()} {", &[]), "after its end"),
        (by_hand(1, "{'other': '<f4'}", &[]), "unknown key 'other'"),
        (header("'<f2'", "(4,)"), "'<f2' is not supported"),
        (header("'<c8'", "(1,)"), "not supported"),
        (header("'|O'", "(1,)"), "not supported"),
        (header("'€4'", "(1,)"), "not supported"),
        (header("[('a', '<f4')]", "(1,)"), "records of several fields"),
        (header("'<f4'", "(-1,)"), "tuple of lengths"),
        (header("'<f4'", "(18446744073709551616,)"), "tuple of lengths"),
        (header("'<f4'", "(9223372036854775807, 9223372036854775807, 0)"), "too large"),
        (header("'<f4'", &format!("({})", "1,".repeat(33))), "rank is 33"),
        (header("'|b1'", "(8,)"), ""),
        (by_hand(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", &[2]), "stored as 2"),
        (npy(&[1], vec![u64::MAX]), "beyond 63 bits"),
    ] {
        match tensor_from_npy(&bytes, &LIMITS) {
            Ok(read) => assert_eq!((words, read.shape.as_slice()), ("", &[8][..])),
            Err(error) => assert!(error.to_string().contains(words), "{words}: {error}"),
        }
    }
}

#[test]
fn npz_is_read_stored_and_deflated() {
    let arrays = [("x", counted(&[1, 2])), ("y", counted(&[3]))];
    let mut stored = NpzWriter::new(Cursor::new(vec![]));
    arrays.iter().for_each(|(name, array)| stored.add_array(*name, array).unwrap());
    for bytes in [npz(&arrays), stored.finish().unwrap().into_inner()] {
        let read = NamedTensors::from_npz(&bytes, &LIMITS).unwrap();
        assert_eq!(read.tensors["x"], tensor(&[1, 2], Values::Float(vec![0.0, 1.0])));
        assert_eq!(read.tensors["y"], tensor(&[3], Values::Float(vec![0.0, 1.0, 2.0])));
    }
    let mut other = zip::ZipWriter::new(Cursor::new(vec![]));
    other.start_file("readme.txt", SimpleFileOptions::default()).unwrap();
    other.write_all(b"hello").unwrap();
    let error = NamedTensors::from_npz(&other.finish().unwrap().into_inner(), &LIMITS).unwrap_err();
    assert!(error.to_string().contains("`readme.txt`: its name does not end in .npy"), "{error}");
}

/// No cut and no flipped bit makes anything panic, and no cut goes unseen.
/// Records are limited as elements are: each takes memory, however small it is.
#[test]
fn files_of_too_many_records_are_refused() {
    let limits = Limits::default();
    let too_many = |result: Result<Vec<NamedTensors>, Error>| {
        assert!(matches!(result, Err(Error::TooLarge { what: "records", limit: MAX_RECORDS })), "{:?}", result.err());
    };
    let record = "{\"inputs\":{}}";
    let most = format!("{record}\n").repeat(MAX_RECORDS);
    assert_eq!(records_from(most.as_bytes(), "the stream", &limits).unwrap().len(), MAX_RECORDS);
    too_many(records_from(format!("{most}{record}").as_bytes(), "the stream", &limits));
    let batches = format!("{{\"batches\": [{}{record}]}}", format!("{record},").repeat(MAX_RECORDS));
    too_many(calibration_from_json(batches.as_bytes(), &limits));
    too_many(records_from(batches.as_bytes(), "the stream", &limits));
    let array = npy(&[MAX_RECORDS + 1], vec![0.0f32; MAX_RECORDS + 1]);
    too_many(records_from(&array[..], "the stream", &limits));
}

/// As other programs write them: on lines of their own, or as calibration files have them.
#[test]
fn records_come_in_a_stream() {
    let read = |text: &str| records_from(text.as_bytes(), "the stream", &LIMITS);
    let of = |values: &[i64]| {
        values.iter().map(|x| NamedTensors::single("x", tensor(&[1], Values::Int(vec![*x])))).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("{\"inputs\": {\"x\": [1]}}", &[1][..]),
        ("\n{\"inputs\": {\"x\": [1]}}\n{\"inputs\": {\"x\": [2]}}\r\n\n", &[1, 2]),
        ("{\"inputs\": {\"x\": [1]}}{\"inputs\":\n{\"x\": [2]}}", &[1, 2]),
        ("{\"batches\": [{\"inputs\": {\"x\": [1]}}, {\"inputs\": {\"x\": [2]}}]}", &[1, 2]),
        ("{\"batches\": []} {\"inputs\": {\"x\": [3]}}", &[3]),
    ] {
        assert_eq!(read(text).unwrap(), of(expected), "{text}");
    }
    assert_eq!(records_from(&npy(&[2, 1], vec![0.0f32, 1.0])[..], "the stream", &LIMITS).unwrap().len(), 2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.jsonl");
    std::fs::write(&path, "{\"inputs\": {\"x\": [1]}}\n{\"inputs\": {\"x\": [2]}}\n").unwrap();
    assert_eq!(read_records(&path, &LIMITS).unwrap(), of(&[1, 2]));

    for text in ["", " \n", "{\"batches\": []}"] {
        assert!(matches!(read(text), Err(Error::NoRecords)), "{text:?}");
    }
    for (text, says) in [
        ("a,b\n1,2", "the stream: neither"),
        ("{}", "empty object"),
        ("{\"x\": [1]}", "found the key \"x\", expected an object with the key \"inputs\", a line for each record"),
        ("{\"inputs\": {\"x\": [1]}, \"id\": 1}", "another key \"id\""),
        ("{\"inputs\": {\"x\": [1]}}\n{\"inputs\": {\"x\": [1, [2]]}}", "line 2"),
        ("{\"inputs\": {\"x\": [1]}}\n[1]", "line 2"),
        ("{\"inputs\": {\"x\": [1]}}\n{\"inputs\": {\"x\": [NaN]}}", "must be finite"),
        ("{\"inputs\": {\"x\": [1]}}\n{\"inputs\"", "EOF"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    // Limits are those of all records together.
    let many = "{\"inputs\": {\"x\": [1]}}\n".repeat(LIMITS.max_elements + 1);
    let limits = Limits { max_bytes: many.len(), ..LIMITS };
    let error = records_from(many.as_bytes(), "the stream", &limits).unwrap_err();
    assert!(matches!(error, Error::TooLarge { what: "elements", .. }), "{error}");
    assert!(matches!(
        records_from(std::io::repeat(b' '), "the stream", &LIMITS),
        Err(Error::TooLarge { what: "bytes", .. })
    ));
}

#[test]
fn damaged_npz_is_refused() {
    let genuine = npz(&[("x", counted(&[2, 2]))]);
    for cut in 0..genuine.len() {
        assert!(NamedTensors::from_npz(&genuine[..cut], &LIMITS).is_err(), "cut at {cut}");
    }
    for bit in 0..8 * genuine.len() {
        let mut mutant = genuine.clone();
        mutant[bit / 8] ^= 1 << (bit % 8);
        let _ = NamedTensors::from_npz(&mutant, &LIMITS);
    }
}

#[test]
fn calibration_is_taken_apart_into_records() {
    let records =
        calibration_from_json(br#"{"batches": [{"inputs": {"x": [1]}}, {"inputs": {"x": [2]}}]}"#, &LIMITS).unwrap();
    assert_eq!(records[1], NamedTensors::single("x", tensor(&[1], Values::Int(vec![2]))));
    let records = calibration_from_npz(&npz(&[("x", counted(&[2, 1, 3])), ("y", counted(&[2]))]), &LIMITS).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].tensors["x"], tensor(&[1, 3], Values::Float(vec![3.0, 4.0, 5.0])));
    assert_eq!(records[1].tensors["y"], tensor(&[], Values::Float(vec![1.0])));
    assert!(matches!(calibration_from_json(br#"{"batches": []}"#, &LIMITS), Err(Error::NoRecords)));
    assert!(matches!(calibration_from_npz(&npz(&[]), &LIMITS), Err(Error::NoRecords)));
    assert!(matches!(calibration_from_npz(&npz(&[("x", counted(&[0, 3]))]), &LIMITS), Err(Error::NoRecords)));
    let uneven = calibration_from_npz(&npz(&[("x", counted(&[2, 3])), ("y", counted(&[3]))]), &LIMITS);
    assert!(matches!(uneven, Err(Error::RecordCount { expected: 2, got: 3, .. })));
    let scalar = calibration_from_npz(&npz(&[("x", counted(&[]))]), &LIMITS).unwrap_err();
    assert!(scalar.to_string().contains("leading axis"), "{scalar}");
}

#[test]
fn records_fit_up_to_one_leading_dimension_of_1() {
    let fits = |expected: &[usize], got: &str| {
        let read = json(&format!("{{\"inputs\": {{\"x\": {got}}}}}")).unwrap();
        read.conform(&graph(&[("x", ElementType::F32, expected)])).map(|tensors| tensors[0].shape == expected)
    };
    for (expected, got) in
        [(&[1, 2][..], "[[1, 2]]"), (&[1, 2], "[1, 2]"), (&[2], "[[1, 2]]"), (&[1], "1"), (&[], "[1]")]
    {
        assert!(fits(expected, got).unwrap(), "{expected:?} {got}");
    }
    for (expected, got) in [
        (&[1, 2][..], "[[1], [2]]"),
        (&[2], "[[[1, 2]]]"),
        (&[1, 1, 2], "[1, 2]"),
        (&[2, 2], "[1, 2]"),
        (&[3], "[1, 2]"),
    ] {
        assert!(matches!(fits(expected, got), Err(Error::Shape { .. })), "{expected:?} {got}");
    }
}

#[test]
fn types_and_names_must_fit() {
    use ElementType::{Bool, F32, F64, I32, I64};
    let conform = |element, text: &str| {
        let read = json(&format!("{{\"inputs\": {{\"x\": [{text}]}}}}")).unwrap();
        read.conform(&graph(&[("x", element, &[1])])).map(|mut tensors| tensors.remove(0).values)
    };
    assert_eq!(conform(F32, "0.1").unwrap(), Values::Float(vec![f64::from(0.1f32)]));
    assert_eq!(conform(F64, "0.1").unwrap(), Values::Float(vec![0.1]));
    // The nearest double, which quick ways of reading decimal numbers miss.
    assert_eq!(conform(F64, "31.245270191439438").unwrap(), Values::Float(vec![31.245270191439438]));
    // Beyond 2^53 some integers are held exactly.
    assert_eq!(conform(F32, "1152921504606846976").unwrap(), Values::Float(vec![2f64.powi(60)]));
    assert_eq!(conform(F64, "1000000000000000000").unwrap(), Values::Float(vec![1e18]));
    assert_eq!(conform(F32, "16777216").unwrap(), Values::Float(vec![16_777_216.0]));
    assert_eq!(conform(F64, "16777217").unwrap(), Values::Float(vec![16_777_217.0]));
    assert_eq!(conform(I64, "16777217").unwrap(), Values::Int(vec![16_777_217]));
    assert_eq!(conform(Bool, "true").unwrap(), Values::Bool(vec![true]));
    for (element, text, words) in [
        (F32, "16777217", "16777217 at element 0, which float32 cannot hold exactly"),
        (F32, "9223372036854775807", "cannot hold exactly"),
        (F64, "9007199254740993", "cannot hold exactly"),
        (F32, "1e39", "which float32 cannot hold"),
        (I32, "2147483648", "which int32 cannot hold"),
        (I64, "1.0", "without fraction or exponent"),
        (I64, "true", "write numbers"),
        (F32, "true", "write numbers"),
        (Bool, "1", "write true or false"),
    ] {
        let error = conform(element, text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let infinite = NamedTensors::single("x", tensor(&[1], Values::Float(vec![f64::NAN])));
    assert!(matches!(infinite.conform(&graph(&[("x", F32, &[1])])), Err(Error::NonFinite { element: 0, .. })));
    let short = NamedTensors::single("x", tensor(&[2], Values::Int(vec![1])));
    assert!(matches!(short.conform(&graph(&[("x", F32, &[2])])), Err(Error::Length { values: 1, .. })));
    let two = graph(&[("x", F32, &[1]), ("y", F32, &[1])]);
    let missing = json(r#"{"inputs": {"x": [1], "z": [2]}}"#).unwrap().conform(&two).unwrap_err().to_string();
    assert!(missing.contains("`y` is missing") && missing.contains("`x`, `z`"), "{missing}");
    let unknown = json(r#"{"inputs": {"x": [1], "y": [1], "z": [2]}}"#).unwrap().conform(&two).unwrap_err().to_string();
    assert!(unknown.contains("no input `z`") && unknown.contains("`x`, `y`"), "{unknown}");
    let ordered = json(r#"{"inputs": {"y": [2], "x": [1]}}"#).unwrap().conform(&two).unwrap();
    assert_eq!(ordered[0].values, Values::Float(vec![1.0]));
}

#[test]
fn files_are_read_by_their_extension() {
    let folder = tempfile::tempdir().unwrap();
    let one = graph(&[("x", ElementType::F32, &[1, 2])]);
    let two = graph(&[("x", ElementType::F32, &[1]), ("y", ElementType::F32, &[1])]);
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let proto = |name: &str| {
        let (name, dims, data_type) = (name.to_owned(), vec![1, 2], DataType::Float as i32);
        TensorProto { name, dims, data_type, float_data: vec![0.0, 1.0], ..Default::default() }.encode_to_vec()
    };
    let expected = vec![tensor(&[1, 2], Values::Float(vec![0.0, 1.0]))];
    for path in [
        write("a.json", br#"{"inputs": {"x": [0, 1]}}"#),
        write("a.NPY", &npy(&[1, 2], vec![0.0f32, 1.0])),
        write("a.npz", &npz(&[("x", counted(&[1, 2]))])),
        write("a.pb", &proto("x")),
        write("unnamed.pb", &proto("")),
    ] {
        assert_eq!(read_inputs(&path, &one, &LIMITS).unwrap(), expected, "{}", path.display());
    }
    for path in [
        write("c.json", br#"{"batches": [{"inputs": {"x": [0, 1]}}]}"#),
        write("c.npy", &npy(&[1, 2], vec![0.0f32, 1.0])),
        write("c.npz", &npz(&[("x", counted(&[1, 1, 2]))])),
        write("c.pb", &proto("x")),
        write("unnamed.pb", &proto("")),
        // As pipes have them: the format shows in how they begin.
        write("c", b" \n{\"batches\": [{\"inputs\": {\"x\": [0, 1]}}]}"),
        write("d", &npy(&[1, 2], vec![0.0f32, 1.0])),
        write("e", &npz(&[("x", counted(&[1, 1, 2]))])),
    ] {
        let read = read_calibration(&path, &one, &LIMITS).unwrap();
        assert_eq!(read, std::slice::from_ref(&expected), "{}", path.display());
    }
    let refused =
        |name: &str, bytes: &[u8], graph: &Graph| read_inputs(&write(name, bytes), graph, &LIMITS).unwrap_err();
    assert!(matches!(refused("a.txt", b"", &one), Error::Extension { .. }));
    assert!(matches!(refused("b.npy", &npy(&[1], vec![0f32]), &two), Error::Unnamed { inputs: 2, .. }));
    assert!(matches!(refused("b.pb", &proto("other"), &one), Error::Missing { .. }));
    assert!(matches!(refused("c.pb", &proto("x")[..5], &one), Error::TensorProto(_)));
    assert!(matches!(refused("long.json", &[b' '; 10_001], &one), Error::TooLarge { what: "bytes", .. }));
    assert!(matches!(read_inputs(&folder.path().join("none.json"), &one, &LIMITS), Err(Error::File { .. })));
    let record = write("r.json", br#"{"batches": [{"inputs": {"x": [0, 1]}}, {"inputs": {"x": [0]}}]}"#);
    assert!(matches!(read_calibration(&record, &one, &LIMITS), Err(Error::Record { record: 1, .. })));
    assert!(matches!(read_calibration(&write("f", b""), &one, &LIMITS), Err(Error::Extension { .. })));
    let three = write("three.npy", &npy(&[3], vec![0.0f32; 3]));
    let error = read_calibration(&three, &one, &LIMITS).unwrap_err().to_string();
    assert!(error.contains("record 0") && error.contains("the leading axis counts the records"), "{error}");
    let scalar = write("scalar.npy", &npy(&[], vec![0.0f32]));
    let error = read_calibration(&scalar, &one, &LIMITS).unwrap_err().to_string();
    assert!(error.contains("the array: it is a scalar"), "{error}");
    assert!(matches!(read_calibration(&three, &two, &LIMITS), Err(Error::Record { .. })));
}

/// Whatever a file system says of its length, or does not: no more is read than the limit.
#[test]
#[cfg(target_os = "linux")]
fn files_without_end_are_refused() {
    let one = graph(&[("x", ElementType::F32, &[1, 2])]);
    let endless = std::path::Path::new("/dev/zero");
    assert!(matches!(read_inputs(endless, &one, &LIMITS), Err(Error::TooLarge { what: "bytes", limit: 10_000 })));
    assert!(matches!(read_calibration(endless, &one, &LIMITS), Err(Error::TooLarge { .. })));
    // A sparse file of a terabyte is refused before anything is read.
    let folder = tempfile::tempdir().unwrap();
    let sparse = folder.path().join("sparse.json");
    std::fs::File::create(&sparse).unwrap().set_len(1 << 40).unwrap();
    let limits = Limits { max_bytes: 1 << 33, max_elements: 1 };
    assert!(matches!(read_inputs(&sparse, &one, &limits), Err(Error::TooLarge { limit: 0x2_0000_0000, .. })));
}

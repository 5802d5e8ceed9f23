//! Input and calibration files. The first byte says of which format the rest is.

use apodict_circuits::{
    float::{ElementType, Graph, Node, Op},
    tensors::{Limits, NamedTensors, calibration_from_json, calibration_from_npz, tensor_from_npy},
};

use crate::{Answer, Grammar, Target};

/// Each format of an input and of calibration records.
pub(crate) const TENSORS: Target = Target { name: "tensors", run, seeds, grammar: Grammar::Text };

const LIMITS: Limits = Limits { max_bytes: 1 << 20, max_elements: 1 << 16 };

fn run(data: &[u8]) -> Answer {
    let Some((format, bytes)) = data.split_first() else { return Err("empty".into()) };
    let records = match format % 5 {
        0 => NamedTensors::from_json(bytes, &LIMITS).map(|record| vec![record]),
        1 => calibration_from_json(bytes, &LIMITS),
        2 => tensor_from_npy(bytes, &LIMITS).map(|tensor| vec![NamedTensors::single("", tensor)]),
        3 => NamedTensors::from_npz(bytes, &LIMITS).map(|record| vec![record]),
        _ => calibration_from_npz(bytes, &LIMITS),
    };
    let records = records.map_err(|error| error.to_string())?;
    for element in [ElementType::F32, ElementType::F64, ElementType::I32, ElementType::I64, ElementType::Bool] {
        let graph = graph(element);
        records.iter().for_each(|record| drop(record.conform(&graph)));
    }
    Ok(())
}

/// Of one input of two elements.
fn graph(element: ElementType) -> Graph {
    let name = "x".to_owned();
    let input = Node { name: name.clone(), tensor: name, op: Op::Input, inputs: vec![], shape: vec![1, 2], element };
    Graph { nodes: vec![input], outputs: vec![] }
}

fn seeds() -> Vec<Vec<u8>> {
    let json = [
        (0, r#"{"inputs": {"x": [[0.5, -1e3]]}}"#),
        (0, r#"{"inputs": {"x": [1, 2], "y": true, "z": [[true], [false]]}}"#),
        (1, r#"{"batches": [{"inputs": {"x": [1, 2]}}, {"inputs": {"x": [3, 16777217]}}]}"#),
    ];
    let texts = json.into_iter().map(|(format, text)| tagged(format, text.as_bytes()));
    let arrays = ["<f4", ">f8", "<i8", "|b1", "<u2"].map(|kind| tagged(2, &npy(kind, "(1, 2)")));
    let archives = [3, 4].map(|format| tagged(format, &zip("x.npy", &npy("<f4", "(1, 2)"))));
    texts.chain(arrays).chain(archives).collect()
}

fn tagged(format: u8, bytes: &[u8]) -> Vec<u8> {
    [&[format], bytes].concat()
}

/// An array of sixteen zero bytes or as many as its type takes of them.
fn npy(kind: &str, shape: &str) -> Vec<u8> {
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let bytes = 2 * kind[2..].parse::<usize>().unwrap_or(1);
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
}

/// An archive of one file, stored as it is.
fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    let sizes =
        [&crc32(content).to_le_bytes()[..], &length, &length, &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
    let local = [b"PK\x03\x04", &[10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &sizes, name.as_bytes(), content].concat();
    let central =
        [b"PK\x01\x02", &[10, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &sizes, &[0; 14], name.as_bytes()].concat();
    let places = [(central.len() as u32).to_le_bytes(), (local.len() as u32).to_le_bytes()].concat();
    let end = [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &places, &[0, 0]].concat();
    [local, central, end].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn every_seed_is_taken() {
    for seed in seeds() {
        run(&seed).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&seed)));
    }
}

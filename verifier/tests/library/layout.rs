//! What instances mean: decoding, the hash that contracts compute, bytes.

use crate::answers::square;
use apodict_verifier::{
    Error, Fr, KeyError, Layout, MAX_KEY_BYTES, Quantization, Run, SrsPolicy, Tensor, Verifier, VerifyingKey,
    files::{FileError, KeyFile},
    fr_to_be_bytes,
    tampering::key_mutants,
};
use sha3::{Digest, Keccak256};

const ANY: i128 = (1 << 126) - 1;

fn quantization(num: u128, den: u128) -> Quantization {
    Quantization { num, den, zero: 0, lo: -ANY, hi: ANY }
}

pub(crate) fn tensor(name: &str, shape: &[usize], quantization: Quantization) -> Tensor {
    let count = shape.iter().product();
    Tensor { name: name.into(), shape: shape.into(), runs: vec![Run { count, quantization }] }
}

pub(crate) fn instance(value: i128) -> [u8; 32] {
    let magnitude = Fr::from(value.unsigned_abs());
    fr_to_be_bytes(&if value < 0 { -magnitude } else { magnitude })
}

/// One of each: several runs, a scalar, an offset.
pub(crate) fn layout() -> Layout {
    let rate = Quantization { num: 1 << 20, den: 3, zero: -7, lo: -128, hi: 127 };
    Layout {
        inputs: vec![Tensor::new("x".into(), vec![1, 3], [quantization(16, 1), quantization(16, 1), rate])],
        outputs: vec![tensor("y", &[], quantization(2, 1)), tensor("class", &[1], quantization(1, 1))],
    }
}

#[test]
fn decodes_context_inputs_and_outputs() {
    let instances: Vec<_> = [1, 2, 24, -8, -128, 3, 2].map(instance).into();
    let statement = layout().decode(&instances).unwrap();
    assert_eq!((statement.context[31], statement.context[15]), (1, 2));
    assert_eq!(statement.inputs, [vec![24, -8, -128]]);
    assert_eq!(statement.outputs, [vec![3], vec![2]]);
}

#[test]
fn decodes_every_integer_of_its_range_and_no_other() {
    let mut layout = Layout { inputs: vec![tensor("x", &[1], quantization(1, 1))], ..Layout::default() };
    for value in [0, 1, -1, ANY, -ANY, 1 << 64, -(1 << 64)] {
        let statement = layout.decode(&[0, 0, value].map(instance)).unwrap();
        assert_eq!(statement.inputs, [vec![value]]);
    }
    let (lo, hi) = (-5, 9);
    layout.inputs[0].runs[0].quantization = Quantization { lo, hi, ..quantization(1, 1) };
    let refused = Err(Error::PublicValue { tensor: "x".into(), element: 0, lo, hi });
    for value in [lo - 1, hi + 1, ANY, i128::MAX, i128::MIN] {
        assert_eq!(layout.decode(&[0, 0, value].map(instance)), refused, "{value}");
    }
    for word in [[0xff; 32], fr_to_be_bytes(&(Fr::from(u128::MAX) + Fr::from(1u64))), [0x11; 32]] {
        assert_eq!(layout.decode(&[instance(0), instance(0), word]), refused);
    }
    let wide = [instance(0), fr_to_be_bytes(&(Fr::from(u128::MAX) + Fr::from(1u64))), instance(0)];
    assert_eq!(layout.decode(&wide), Err(Error::Context));
    assert_eq!(layout.decode(&wide[..2]), Err(Error::InstanceCount { expected: 3, got: 2 }));
}

/// `keccak256(abi.encode(ports))`, computed here word by word from `Port`'s definition in Solidity.
#[test]
fn the_ports_hash_is_that_of_their_abi_encoding() {
    let word = |value: i128| {
        let mut word = if value < 0 { [0xff; 32] } else { [0; 32] };
        word[16..].copy_from_slice(&value.to_be_bytes());
        word
    };
    let name = |text: &str| {
        let mut name = [0; 32];
        name[..text.len()].copy_from_slice(text.as_bytes());
        name
    };
    let port =
        |text, lo, hi, num, den, zero| [name(text), word(lo), word(hi), word(num), word(den), word(zero)].concat();
    let encoded = [
        word(32).to_vec(),
        word(5).to_vec(),
        port("x[0,0]", -ANY, ANY, 16, 1, 0),
        port("x[0,1]", -ANY, ANY, 16, 1, 0),
        port("x[0,2]", -128, 127, 1 << 20, 3, -7),
        port("y", -ANY, ANY, 2, 1, 0),
        port("class[0]", -ANY, ANY, 1, 1, 0),
    ];
    let expected: [u8; 32] = Keccak256::digest(encoded.concat()).into();
    assert_eq!(layout().ports_hash(), expected);
}

/// Names are in full where they leave a zero at the end, and hashed from 32 bytes on.
#[test]
fn long_names_are_hashed() {
    let name_of = |name: &str| {
        let layout = Layout { outputs: vec![tensor(name, &[], quantization(1, 1))], ..Layout::default() };
        layout.ports().next().unwrap().name
    };
    let text = "n".repeat(31);
    assert_eq!(&name_of(&text)[..31], text.as_bytes());
    assert_eq!(name_of(&text)[31], 0);
    let text = "n".repeat(32);
    assert_eq!(name_of(&text), <[u8; 32]>::from(Keccak256::digest(text.as_bytes())));
    assert_ne!(name_of(&text)[31], b'n');
}

/// Elements and tensors can share names; shapes can share elements. What the ports do not tell apart, the shapes do.
#[test]
fn tensors_that_share_ports_have_other_digests() {
    let layout = |tensor| Layout { outputs: vec![tensor], ..Layout::default() };
    let vector = layout(tensor("x", &[1], quantization(1, 1)));
    let scalar = layout(tensor("x[0]", &[], quantization(1, 1)));
    assert_eq!(vector.ports_hash(), scalar.ports_hash());
    assert_ne!(vector.shapes_digest(), scalar.shapes_digest());
    // Extents in a row do not say whose they are.
    let pair = |first, second| Layout { outputs: vec![first, second], ..Layout::default() };
    let [x, y] = ["x", "y"].map(|name| tensor(name, &[1], quantization(1, 1)));
    let [x_0, y_0] = ["x[0]", "y[0]"].map(|name| tensor(name, &[], quantization(1, 1)));
    let (scalar_first, vector_first) = (pair(x_0, y), pair(x, y_0));
    assert_eq!(scalar_first.ports_hash(), vector_first.ports_hash());
    assert_ne!(scalar_first.shapes_digest(), vector_first.shapes_digest());
    let input = Layout { inputs: vector.outputs.clone(), ..Layout::default() };
    assert_eq!(vector.ports_hash(), input.ports_hash());
    assert_ne!(vector.shapes_digest(), input.shapes_digest());
}

/// Zeros pad names: a key in which `y` were called `y\0` would have the digest that somebody pinned.
#[test]
fn a_name_with_a_zero_byte_is_refused() {
    let mut key = described();
    for name in ["y\0", "\0", "a\0b"] {
        key.layout.outputs[0].name = name.into();
        let reason = "its name contains a zero byte";
        assert_eq!(key.digest(), Err(KeyError::Layout { tensor: name.into(), reason }));
    }
}

/// 16 GiB of names, if each element's were hashed by itself: minutes.
#[test]
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "the test is about time")]
fn a_long_name_of_many_elements_is_hashed_once() {
    let start = std::time::Instant::now();
    let name = "n".repeat(0xffff);
    let layout = Layout { inputs: vec![tensor(&name, &[1 << 18], quantization(1, 1))], ..Layout::default() };
    layout.ports_hash();
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    let last = Keccak256::digest(format!("{name}[262143]"));
    assert_eq!(layout.ports().last().unwrap().name, <[u8; 32]>::from(last));
    let mut key = described();
    key.layout.outputs[0].name = name + "n";
    let error = key.validate().unwrap_err();
    assert_eq!(error, KeyError::Limit { what: "bytes of a name", max: 0xffff, got: 0x10000 });
}

#[test]
fn a_key_that_describes_nothing_verifies_and_is_not_decoded() {
    let answer = square();
    let verifier = answer.verifier();
    verifier.verify_words(&answer.instances, answer.proof).unwrap();
    assert_eq!(verifier.statement(&answer.instances, answer.proof), Err(Error::NothingDescribed));
}

/// As many runs as there may be values take more bytes than a key may have.
#[test]
fn a_key_that_could_not_be_read_is_not_written() {
    let mut key = described();
    let ranges = (0..).map(|lo| Quantization { lo, ..quantization(1, 1) });
    let count = 1 << 19;
    key.k = 20;
    key.num_instances = 2 + count;
    key.layout = Layout { inputs: vec![Tensor::new("x".into(), vec![count], ranges.take(count))], ..Layout::default() };
    key.validate().unwrap();
    let error = key.to_bytes().unwrap_err();
    assert!(matches!(error, KeyError::Limit { what: "bytes of a key", .. }), "{error}");
    let error = KeyFile::new(&key).unwrap().to_json().unwrap_err();
    assert!(matches!(error, FileError::TooLong { .. }), "{error}");
}

fn described() -> VerifyingKey {
    let mut key = square().key;
    // One instance: a context cannot be, so a key with three is made of it, which no proof has to fit.
    key.num_instances = 2 + 5;
    key.layout = layout();
    key.program_digest = [0xab; 32];
    key
}

#[test]
fn a_described_key_survives_the_round_trip() {
    let key = described();
    let bytes = key.to_bytes().unwrap();
    assert_eq!(VerifyingKey::from_bytes(&bytes).unwrap(), key);
    for len in square().key_bytes.len()..bytes.len() {
        let error = VerifyingKey::from_bytes(&bytes[..len]).unwrap_err();
        assert!(matches!(error, KeyError::Truncated { .. }), "{len} bytes: {error}");
    }
}

/// What decodes at all encodes to the same bytes.
#[test]
fn every_flipped_bit_of_the_meaning_is_refused_or_is_another_key() {
    let key = described();
    let bytes = key.to_bytes().unwrap();
    let start = 4 + 2 + 4 + key.circuit_bytes().unwrap().len();
    for bit in start * 8..bytes.len() * 8 {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = VerifyingKey::from_bytes(&bytes) {
            assert_ne!(other.digest().unwrap(), key.digest().unwrap(), "bit {bit}");
            assert_eq!(other.to_bytes().unwrap(), bytes, "bit {bit}");
        }
    }
}

/// The table of tampering tests on a key that describes its instances: what is refused, with which error, and what else is another
/// key.
#[test]
fn every_mutated_description_is_refused_or_is_another_key() {
    let mut key = described();
    // Not at the limit, so that the table's wider ranges are ranges.
    let range = &mut key.layout.outputs[0].runs[0].quantization;
    (range.lo, range.hi) = (-100, 100);
    let mutants = key_mutants(&key);
    assert!(mutants.iter().filter(|mutant| mutant.name.starts_with("layout")).count() > 15);
    for mutant in mutants {
        match mutant.key.digest() {
            Ok(digest) => {
                assert_ne!(digest, key.digest().unwrap(), "{}", mutant.name);
                assert!(!matches!(mutant.expected, Err(Error::Key(_))), "{} is taken", mutant.name);
            }
            Err(error) => assert_eq!(Err(Error::Key(error)), mutant.expected, "{}", mutant.name),
        }
    }
}

/// A tensor without elements has no instance, and no program has one.
#[test]
fn a_tensor_without_elements_is_refused() {
    let mut key = described();
    key.layout.inputs.push(Tensor { name: "nothing".into(), shape: vec![2, 0], runs: Vec::new() });
    let reason = "no program has its shape";
    assert_eq!(key.validate(), Err(KeyError::Layout { tensor: "nothing".into(), reason }));
}

/// Counts that promise much cost nothing: runs stay runs, and a key that is too long is not decoded.
#[test]
fn a_layout_that_promises_much_is_refused() {
    let mut key = described();
    let huge = Tensor {
        runs: vec![Run { count: usize::MAX, quantization: quantization(1, 1) }],
        ..tensor("x", &[], quantization(1, 1))
    };
    key.layout = Layout { inputs: vec![huge], ..Layout::default() };
    assert!(matches!(key.validate(), Err(KeyError::Layout { .. })));
    let many = tensor("x", &[1 << 19], quantization(1, 1));
    key.layout = Layout { inputs: vec![many.clone()], outputs: vec![many] };
    let reason = "there are more values than any program has";
    assert_eq!(key.validate(), Err(KeyError::Layout { tensor: "x".into(), reason }));
    let error = VerifyingKey::from_bytes(&vec![0; MAX_KEY_BYTES + 1]).unwrap_err();
    assert!(matches!(error, KeyError::Limit { what: "bytes of a key", .. }));
}

/// The key digest is what its documentation says, and each part moves it.
#[test]
fn the_key_digest_covers_every_part() {
    let key = described();
    let type_hash =
        Keccak256::digest("ApodictKey(bytes32 circuit,bytes32 srs,bytes32 ports,bytes32 shapes,bytes32 program)");
    let circuit = Keccak256::digest(key.circuit_bytes().unwrap());
    let (ports, shapes) = (key.layout.ports_hash(), key.layout.shapes_digest());
    let parts = [type_hash.into(), circuit.into(), key.srs.digest(), ports, shapes, key.program_digest];
    let expected: [u8; 32] = Keccak256::digest(parts.concat()).into();
    assert_eq!(key.digest().unwrap(), expected);

    let changed = |change: fn(&mut VerifyingKey)| {
        let mut key = described();
        change(&mut key);
        key.digest().unwrap()
    };
    let digests = [
        changed(|key| key.layout.inputs[0].name = "z".into()),
        changed(|key| key.layout.inputs[0].shape = vec![3, 1]),
        changed(|key| key.layout.outputs[0].runs[0].quantization.num = 4),
        changed(|key| key.layout.outputs[0].runs[0].quantization.hi -= 1),
        changed(|key| key.program_digest[31] ^= 1),
        changed(|key| key.k += 1),
        changed(|key| core::mem::swap(&mut key.srs.g1, &mut key.srs.s_g1)),
        expected,
    ];
    let distinct: std::collections::BTreeSet<_> = digests.into_iter().collect();
    assert_eq!(distinct.len(), digests.len());
}

#[test]
fn policies_and_pins_are_kept() {
    let key = square().key;
    let srs = key.srs.digest();
    let unsafe_srs = KeyError::UnsafeSrs { digest: srs };
    assert_eq!(Verifier::new(key.clone(), SrsPolicy::Ceremony(&[])).unwrap_err(), unsafe_srs);
    assert_eq!(Verifier::new(key.clone(), SrsPolicy::Ceremony(&[[1; 32]])).unwrap_err(), unsafe_srs);
    let verifier = Verifier::new(key.clone(), SrsPolicy::Ceremony(&[[1; 32], srs])).unwrap();
    let digest = verifier.digest();
    Verifier::pinned(key.clone(), &digest, SrsPolicy::AllowUnsafe).unwrap();
    let error = Verifier::pinned(key.clone(), &[2; 32], SrsPolicy::AllowUnsafe).unwrap_err();
    assert_eq!(error, KeyError::Digest { expected: [2; 32], got: digest });
    assert_eq!(Verifier::pinned(key, &digest, SrsPolicy::Ceremony(&[])).unwrap_err(), unsafe_srs);
}

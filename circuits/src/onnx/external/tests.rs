//! What a location may be, and what is read of it.

use std::fs;
use std::path::PathBuf;

use tract_onnx::pb::{StringStringEntryProto, TensorProto};

use super::*;
use crate::float::{Tensor, Values, execute};
use crate::onnx::fixture::{Fixture, tensor};
use crate::onnx::{ImportOptions, import, import_file};

/// A folder of its own for a test, with the model's folder in it.
struct Place {
    root: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("apodict-external-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("model/weights")).unwrap();
        let values: Vec<u8> = [7.0f32, 1.0, 2.0, 3.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        fs::write(root.join("model/model.onnx.data"), &values).unwrap();
        fs::write(root.join("model/weights/w"), &values[4..]).unwrap();
        fs::write(root.join("secret"), &values[4..]).unwrap();
        Self { root }
    }

    /// Imports a model whose weights, three numbers, stand where `entries` say.
    fn import(&self, entries: &[(&str, &str)]) -> Result<Vec<f64>, String> {
        let path = self.root.join("model/model.onnx");
        fs::write(&path, model(entries).bytes()).unwrap();
        let model = import_file(&path, &ImportOptions::default()).map_err(|error| error.to_string())?;
        let x = Tensor { shape: vec![1], values: Values::Float(vec![1.0]) };
        let trace = execute(model.graph(), &[x]).map_err(|error| error.to_string())?;
        Ok(trace.of(model.graph().outputs[0].node).to_vec())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn elsewhere(entries: &[(&str, &str)]) -> TensorProto {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: (*key).into(), value: (*value).into() };
    TensorProto {
        name: "w".into(),
        dims: vec![3],
        data_type: 1,
        data_location: Some(DataLocation::External as i32),
        external_data: entries.iter().map(entry).collect(),
        ..Default::default()
    }
}

fn model(entries: &[(&str, &str)]) -> Fixture {
    let mut fixture = Fixture::new(18).input("x", &[1]).node("Mul", &["x", "w"], "y", &[]).output("y");
    fixture.graph().initializer.push(elsewhere(entries));
    fixture
}

#[test]
fn reads_what_lies_in_the_folder() {
    let place = Place::new("reads");
    for entries in [
        &[("location", "model.onnx.data"), ("offset", "4"), ("length", "12")][..],
        &[("location", "model.onnx.data"), ("offset", "4"), ("checksum", "unread")],
        &[("location", "./weights/w")],
    ] {
        assert_eq!(place.import(entries).unwrap(), [1.0, 2.0, 3.0], "{entries:?}");
    }
}

#[test]
fn refuses_what_lies_elsewhere_or_does_not_fit() {
    let place = Place::new("refuses");
    let secret = place.root.join("secret");
    let absolute = secret.to_str().unwrap();
    for (entries, words) in [
        (&[("location", "../secret")][..], "outside of the model's folder"),
        (&[("location", "weights/../../secret")], "outside of the model's folder"),
        (&[("location", absolute)], "outside of the model's folder"),
        (&[("location", "..\\secret")], "outside of the model's folder"),
        (&[("location", "C:secret")], "outside of the model's folder"),
        (&[("location", "")], "outside of the model's folder"),
        (&[("location", "weights")], "no regular file"),
        (&[("location", "missing")], "cannot be read"),
        (&[("offset", "0")], "names no location"),
        (&[("location", "weights/w"), ("location", "model.onnx.data")], "twice"),
        (&[("location", "weights/w"), ("offset", "-4")], "expected a number"),
        (&[("location", "weights/w"), ("offset", "4")], "it has 12 bytes, but 12 are needed from byte 4 on"),
        (&[("location", "weights/w"), ("offset", "18446744073709551615")], "it has 12 bytes"),
        (&[("location", "weights/w"), ("length", "16")], "16 bytes, but its shape needs 12"),
    ] {
        let error = place.import(entries).unwrap_err();
        assert!(error.contains(words) && error.contains("initializer `w`"), "{entries:?}: {error}");
    }
}

/// A link in the folder to a file outside would read what the user did not mean to show.
#[cfg(unix)]
#[test]
fn follows_links_only_within_the_folder() {
    let place = Place::new("links");
    let folder = place.root.join("model");
    std::os::unix::fs::symlink("../secret", folder.join("out")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    std::os::unix::fs::symlink("weights/w", folder.join("in")).unwrap();
    assert_eq!(place.import(&[("location", "in")]).unwrap(), [1.0, 2.0, 3.0]);
    for location in ["out", "up/secret"] {
        let error = place.import(&[("location", location)]).unwrap_err();
        assert!(error.contains("outside of the model's folder"), "{error}");
    }
}

/// Answers any location with zeros, and notes how many bytes it was asked for.
struct Zeros(std::cell::Cell<usize>);

impl ExternalData for Zeros {
    fn read(&self, _: &str, _: u64, length: usize) -> Result<Vec<u8>, String> {
        self.0.set(self.0.get() + length);
        Ok(vec![0; length])
    }
}

#[test]
fn reads_no_more_than_the_limits() {
    let limits = Limits { max_model_bytes: 1000, ..Limits::default() };
    let with = |dims: Vec<i64>, count: usize| {
        let mut fixture = model(&[("location", "w")]);
        fixture.graph().initializer[0].dims = dims;
        let stored = fixture.graph().initializer[0].clone();
        fixture.graph().initializer.extend(vec![stored; count - 1]);
        fixture.bytes()
    };
    for (bytes, most) in [
        (with(vec![251], 1), 0),
        (with(vec![1 << 31], 1), 0),
        (with(vec![i64::MAX, i64::MAX], 1), 0),
        (with(vec![100], 3), 800),
    ] {
        let zeros = Zeros(0.into());
        embed(bytes, &limits, &zeros).unwrap_err();
        assert_eq!(zeros.0.get(), most);
    }
    let negative = embed(with(vec![-1], 1), &limits, &Zeros(0.into())).unwrap_err().to_string();
    assert!(negative.contains("negative dimension"), "{negative}");
}

/// Wherever a tensor stands, and a model of one file stays what it is, byte for byte.
#[test]
fn embeds_every_tensor() {
    let whole = Fixture::new(18).input("x", &[1]).output("x").bytes();
    assert_eq!(embed(whole.clone(), &Limits::default(), &Zeros(0.into())).unwrap(), whole);
    let constant = Fixture::new(18).node("Constant", &[], "w", &[tensor("value", elsewhere(&[("location", "w")]))]);
    let branches = ["then_branch", "else_branch"].map(|name| constant.clone().output("w").branch(name));
    let fixture = Fixture::new(18)
        .input("x", &[1])
        .weights("half", &[], &[0.5])
        .node("Equal", &["half", "half"], "yes", &[])
        .node("If", &["yes"], "w2", &branches)
        .node("Mul", &["x", "w2"], "y", &[])
        .output("y");
    let zeros = Zeros(0.into());
    let embedded = embed(fixture.bytes(), &Limits::default(), &zeros).unwrap();
    assert_eq!(zeros.0.get(), 24);
    import(&embedded, &ImportOptions::default()).unwrap();
    let error = import(&fixture.bytes(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("another file") && error.contains("by its path"), "{error}");
}

#[test]
fn tells_which_file_cannot_be_read() {
    let error = read_model(Path::new("no/such/model.onnx"), &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("`no/such/model.onnx` cannot be read"), "{error}");
}

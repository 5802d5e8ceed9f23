//! Public values, in tables and in words.

use apodict_circuits::report::{Decision, OutputReport};
use apodict_verifier::{CONTEXT_INSTANCES, Layout, Quantization, Statement, Tensor};

use super::show;

/// Elements of a tensor that a table shows; files have them all.
const MOST_ROWS: usize = 48;

/// Public values that are listed as a verifier gets them.
const MOST_WORDS: usize = 256;

/// Numbers that a sentence names.
const MOST_SAID: usize = 4;

/// A tensor's values.
pub(super) struct TensorView {
    pub(super) name: String,
    /// `1 × 16`
    pub(super) shape: String,
    /// Its place among the inputs or outputs.
    pub(super) index: usize,
    pub(super) rows: Vec<Row>,
    pub(super) elements: usize,
}

/// A value.
pub(super) struct Row {
    /// `[0, 3]`; nothing for a scalar.
    pub(super) at: String,
    /// Its place in the tensor.
    pub(super) index: usize,
    /// In the model's units, for people.
    pub(super) value: String,
    /// The same double, to the last digit.
    pub(super) exact: String,
    /// What is proved.
    pub(super) integer: String,
    /// What one step of the integer is, in the model's units.
    pub(super) step: String,
    /// Least and greatest value that the circuit lets it have.
    pub(super) range: String,
}

/// A public value as a verifier gets it.
pub(super) struct Word {
    pub(super) index: usize,
    pub(super) what: String,
    pub(super) hex: String,
}

/// The double that the verifiers' files have, by the same arithmetic.
fn value(integer: i128, quantization: Quantization) -> f64 {
    let Quantization { num, den, zero, .. } = quantization;
    let steps = integer.saturating_sub(zero.into()) as f64;
    if num == den { steps } else { steps * den as f64 / num as f64 }
}

/// Values in the model's units, row-major.
pub(super) fn values(tensor: &Tensor, integers: &[i128]) -> Vec<f64> {
    integers.iter().zip(tensor.quantizations()).map(|(integer, quantization)| value(*integer, quantization)).collect()
}

fn step(Quantization { num, den, .. }: Quantization) -> String {
    match (num, den) {
        (num, den) if num == den => "1".to_owned(),
        (num, 1) if num.is_power_of_two() => format!("2^-{}", num.trailing_zeros()),
        (1, den) => den.to_string(),
        (num, den) => show::number(den as f64 / num as f64),
    }
}

/// `[0, 3]` of a place in a tensor, row-major.
fn place(shape: &[usize], index: usize) -> String {
    let mut left = index;
    let mut at: Vec<String> = shape
        .iter()
        .rev()
        .map(|extent| {
            let here = left % extent.max(&1);
            left /= extent.max(&1);
            here.to_string()
        })
        .collect();
    at.reverse();
    if at.is_empty() { String::new() } else { format!("[{}]", at.join(", ")) }
}

/// `1 × 16`; `scalar` for one without dimensions.
pub(super) fn shape(shape: &[usize]) -> String {
    match shape {
        [] => "scalar".to_owned(),
        shape => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
    }
}

/// Tables of tensors.
pub(super) fn tables(tensors: &[Tensor], integers: &[Vec<i128>]) -> Vec<TensorView> {
    let pairs = tensors.iter().zip(integers).enumerate();
    pairs
        .map(|(index, (tensor, integers))| TensorView {
            name: show::name(&tensor.name),
            shape: shape(&tensor.shape),
            index,
            rows: rows(tensor, integers),
            elements: integers.len(),
        })
        .collect()
}

fn rows(tensor: &Tensor, integers: &[i128]) -> Vec<Row> {
    let elements = integers.iter().zip(tensor.quantizations()).take(MOST_ROWS).enumerate();
    elements
        .map(|(index, (integer, quantization))| {
            let value_of = |integer| show::number(value(integer, quantization));
            Row {
                at: place(&tensor.shape, index),
                index,
                value: value_of(*integer),
                exact: value(*integer, quantization).to_string(),
                integer: integer.to_string(),
                step: step(quantization),
                range: format!("{} to {}", value_of(quantization.lo), value_of(quantization.hi)),
            }
        })
        .collect()
}

/// The first public values, each with what it is.
pub(super) fn words(layout: &Layout, words: &[[u8; 32]]) -> Vec<Word> {
    let context = ["context, lower 128 bits", "context, upper 128 bits"].map(str::to_owned);
    let elements = layout.inputs.iter().chain(&layout.outputs).flat_map(|tensor| {
        let name = show::name(&tensor.name);
        (0..tensor.num_elements()).map(move |index| format!("{name}{}", place(&tensor.shape, index)))
    });
    let names = context.into_iter().take(CONTEXT_INSTANCES).chain(elements);
    let named = names.zip(words).take(MOST_WORDS).enumerate();
    named.map(|(index, (what, word))| Word { index, what, hex: format!("0x{}", hex::encode(word)) }).collect()
}

/// A tensor in a sentence.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) text: String,
}

/// Tensors in a sentence: `0.0230565`, or `1.0851, 0.7486, 5.5441, 5.4183, … (16 numbers)`.
pub(super) fn said(tensors: &[Tensor], integers: &[Vec<i128>]) -> Vec<Said> {
    let of = |(tensor, integers): (&Tensor, &Vec<i128>)| {
        let all = values(tensor, integers);
        let first: Vec<String> = all.iter().take(MOST_SAID).copied().map(show::number).collect();
        let more = if all.len() > MOST_SAID { format!(", … ({} numbers)", all.len()) } else { String::new() };
        Said { name: show::name(&tensor.name), text: format!("{}{more}", first.join(", ")) }
    };
    tensors.iter().zip(integers).map(of).collect()
}

/// What the declared decisions come to, a sentence each.
pub(super) fn verdicts(layout: &Layout, statement: &Statement, outputs: &[OutputReport]) -> Vec<String> {
    let pairs = layout.outputs.iter().zip(&statement.outputs);
    let of = |(tensor, integers): (&Tensor, &Vec<i128>)| {
        let declared = outputs.iter().find(|output| output.name == tensor.name)?.decision;
        verdict(&show::name(&tensor.name), declared, &values(tensor, integers))
    };
    pairs.filter_map(of).collect()
}

fn verdict(name: &str, declared: Decision, values: &[f64]) -> Option<String> {
    match declared {
        Decision::Threshold { at } => {
            let (reached, threshold) = (values.iter().filter(|value| **value >= at).count(), show::number(at));
            Some(match values {
                [_] if reached == 1 => format!("{name} is at or above its threshold {threshold}."),
                [_] => format!("{name} is below its threshold {threshold}."),
                _ => format!(
                    "{reached} of the {} values of {name} are at or above its threshold {threshold}.",
                    values.len()
                ),
            })
        }
        Decision::Argmax { length } if length > 0 => {
            let rows: Vec<String> =
                values.chunks(length).take(MOST_SAID).map(|row| first_greatest(row).to_string()).collect();
            let more = if values.len() / length > MOST_SAID { ", …" } else { "" };
            Some(format!(
                "The greatest of the {length} values of {name} is number {}{more}, counted from 0.",
                rows.join(", ")
            ))
        }
        _ => None,
    }
}

fn first_greatest(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if values.get(best).is_some_and(|greatest| value > greatest) {
            best = index;
        }
    }
    best
}

/// Inputs that fit a model: 0 where that may be, else the end of the range next to it.
pub(super) fn example(layout: &Layout) -> serde_json::Value {
    let of = |tensor: &Tensor| {
        let integers: Vec<i128> = tensor
            .quantizations()
            .map(|quantization| i128::from(quantization.zero).clamp(quantization.lo, quantization.hi))
            .collect();
        (tensor.name.clone(), apodict_verifier::files::value(tensor, &integers))
    };
    serde_json::Value::Object(layout.inputs.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALVES: Quantization = Quantization { num: 2, den: 1, zero: 0, lo: 2, hi: 20 };

    fn tensor(name: &str, shape: &[usize]) -> Tensor {
        let elements = shape.iter().product();
        Tensor::new(name.into(), shape.to_vec(), std::iter::repeat_n(HALVES, elements))
    }

    #[test]
    fn a_table_has_units_and_places() {
        let tables = tables(&[tensor("x", &[2, 2])], &[vec![2, 3, 4, 20]]);
        let rows = &tables[0].rows;
        assert_eq!((tables[0].shape.as_str(), tables[0].elements), ("2 × 2", 4));
        assert_eq!((rows[1].at.as_str(), rows[1].value.as_str(), rows[1].integer.as_str()), ("[0, 1]", "1.5", "3"));
        assert_eq!((rows[3].at.as_str(), rows[3].step.as_str(), rows[3].range.as_str()), ("[1, 1]", "2^-1", "1 to 10"));
        let large = tensor("x", &[100]);
        let tables = super::tables(&[large], &[vec![2; 100]]);
        assert_eq!((tables[0].rows.len(), tables[0].elements), (MOST_ROWS, 100));
    }

    #[test]
    fn sentences_name_what_was_decided() {
        let said = said(&[tensor("x", &[6])], &[vec![2, 4, 6, 8, 10, 12]]);
        assert_eq!(said[0].text, "1, 2, 3, 4, … (6 numbers)");
        let threshold = Decision::Threshold { at: 0.5 };
        assert_eq!(verdict("p", threshold, &[0.4]).unwrap(), "p is below its threshold 0.5.");
        assert_eq!(verdict("p", threshold, &[0.5]).unwrap(), "p is at or above its threshold 0.5.");
        assert!(verdict("p", threshold, &[0.5, 0.1]).unwrap().starts_with("1 of the 2 values"));
        let greatest = verdict("c", Decision::Argmax { length: 3 }, &[1.0, 3.0, 3.0, 0.0, 0.0, 9.0]).unwrap();
        assert!(greatest.contains("is number 1, 2, counted from 0"), "{greatest}");
        assert!(verdict("c", Decision::None, &[1.0]).is_none());
    }

    #[test]
    fn an_example_is_within_range() {
        let layout = Layout { inputs: vec![tensor("x", &[1, 2])], outputs: vec![] };
        assert_eq!(example(&layout), serde_json::json!({"x": [[1.0, 1.0]]}));
    }

    #[test]
    fn public_values_are_named() {
        let layout = Layout { inputs: vec![tensor("x", &[1])], outputs: vec![tensor("y", &[])] };
        let words = words(&layout, &[[0; 32]; 4]);
        assert_eq!(words.iter().map(|word| word.what.as_str()).collect::<Vec<_>>()[2..], ["x[0]", "y"]);
        assert_eq!(words[3].hex.len(), 66);
    }
}

//! Programs: compiled models, and the file that holds one.
//!
//! # Format of an `.apo` file
//! `"apodict\x03"`, then the [`Body`] as postcard, then the Keccak-256 of all of that. The layout is not stored: graph
//! and plan determine it, so a file cannot claim another circuit than its graph's.
//!
//! A program has one file: numbers that are written longer than needed, and whatever else would be written otherwise than it
//! was read, are refused. The digest guards against damage, not against malice: everything behind it is checked as if there
//! were none.

use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::{
    Error,
    float::{self, ElementType},
    int::{self, Executor, Graph, Trace},
    machine::{Layout, Objective, Plan, plan},
    quantize,
    report::ErrorReport,
    tensors::NamedTensors,
};

const MAGIC: &[u8; 8] = b"apodict\x03";

/// The largest program file that is read, in bytes: more than the largest machine holds. In memory it takes up to 44 times
/// that, where it consists of empty lists.
pub const MAX_PROGRAM_BYTES: usize = 1 << 26;

// The shortest node takes seven bytes of a file.
const _: () = assert!(size_of::<crate::int::Node>() <= 44 * 7);

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Program {
    body: Body,
    layout: Layout,
    digest: [u8; 32],
}

/// What a program file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// Keccak-256 of the ONNX file.
    pub model_digest: [u8; 32],
    /// The model in integers.
    pub graph: Graph,
    /// The type of each input's elements in the ONNX model: what a number is rounded to before it becomes an integer.
    pub input_types: Vec<ElementType>,
    /// How it is laid out.
    pub plan: Plan,
    /// What quantization costs in accuracy.
    pub report: ErrorReport,
}

impl Program {
    /// Lays a quantized model out for `objective`. `input_types` are those of the float model's inputs, in their order.
    ///
    /// # Errors
    /// What keeps the graph from becoming a circuit; types that are not those of its inputs.
    pub fn new(
        model: &[u8],
        graph: Graph,
        input_types: Vec<ElementType>,
        report: ErrorReport,
        objective: Objective,
    ) -> Result<Self, Error> {
        check_types(&graph, &input_types)?;
        let (plan, layout) = plan(&graph, objective)?;
        let model_digest = Keccak256::digest(model).into();
        let body = Body { model_digest, graph, input_types, plan, report };
        let digest = digest(&encode(&body)?);
        Ok(Self { body, layout, digest })
    }

    /// Keccak-256 of the program file without its last 32 bytes, which are this digest.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Keccak-256 of the ONNX file.
    pub fn model_digest(&self) -> [u8; 32] {
        self.body.model_digest
    }

    /// The model in integers.
    pub fn graph(&self) -> &Graph {
        &self.body.graph
    }

    /// The inputs by name, shape and element type, in their order: the graph that files and tensors are fitted to.
    pub fn signature(&self) -> float::Graph {
        let inputs = self.body.graph.inputs().zip(&self.body.input_types);
        let nodes = inputs.map(|((_, node), element)| {
            let name = node.input_name();
            float::Node {
                name: name.to_owned(),
                tensor: name.to_owned(),
                op: float::Op::Input,
                inputs: Vec::new(),
                shape: node.shape.clone(),
                element: *element,
            }
        });
        float::Graph { nodes: nodes.collect(), outputs: Vec::new() }
    }

    /// The integers of every input, a flat tensor each. A number is first what the input's type in the ONNX model makes of it (of a
    /// float64 nothing is rounded, of a float32 what single precision does not hold), then
    /// `round_half_even(x * 2^frac_bits)`. Nothing else is rounded; integers and truth values stay what they are.
    ///
    /// # Errors
    /// Tensors that do not fit the inputs by name, shape or type; values that are not finite or outside of an input's range.
    pub fn quantize(&self, tensors: &NamedTensors) -> Result<Vec<Vec<i64>>, Error> {
        let conformed = tensors.conform(&self.signature())?;
        Ok(quantize::quantize_tensors(&self.body.graph, &conformed)?)
    }

    /// How it is laid out.
    pub fn plan(&self) -> Plan {
        self.body.plan
    }

    /// What quantization costs in accuracy.
    pub fn report(&self) -> &ErrorReport {
        &self.body.report
    }

    /// The circuit.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Runs the program: the integer reference executor, whose word is final.
    ///
    /// # Errors
    /// Inputs of the wrong count, length or range.
    pub fn run(&self, inputs: &[Vec<i64>]) -> Result<Trace, int::Error> {
        Executor::new(&self.body.graph)?.run(inputs)
    }

    /// The program file.
    ///
    /// # Errors
    /// [`Error::Program`] if it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = encode(&self.body)?;
        bytes.extend_from_slice(&self.digest);
        Ok(bytes)
    }

    /// Reads a program file and checks everything in it: the graph is analysed again and laid out again, after what that will
    /// take has been counted.
    ///
    /// # Errors
    /// [`Error::Program`] for anything but an undamaged file of this version; what [`Self::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::Program { reason: reason.to_owned() };
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(invalid(&format!("it is larger than {} MiB", MAX_PROGRAM_BYTES >> 20)));
        }
        let (magic, _) = bytes.split_first_chunk::<8>().ok_or_else(|| invalid("it is too short"))?;
        if magic[..7] != MAGIC[..7] {
            return Err(invalid("it begins otherwise; make one with `apodict compile MODEL.onnx -o OUT.apo`"));
        }
        if magic != MAGIC {
            return Err(invalid("it is of another version; compile the model again with this one"));
        }
        let (content, stated) =
            bytes.split_last_chunk::<32>().ok_or_else(|| invalid("it is truncated; compile again"))?;
        let digest = digest(content);
        if digest != *stated {
            return Err(invalid("it is damaged; compile the model again"));
        }
        let body = content.get(MAGIC.len()..).unwrap_or_default();
        let (body, rest) = postcard::take_from_bytes::<Body>(body)
            .map_err(|error| invalid(&format!("its content does not decode ({error}); compile the model again")))?;
        if !rest.is_empty() {
            return Err(invalid("bytes follow its content; compile the model again"));
        }
        if !is_written_as(&body, content.get(MAGIC.len()..).unwrap_or_default()) {
            return Err(invalid("its content would be written otherwise; compile the model again"));
        }
        check_types(&body.graph, &body.input_types)?;
        let layout = body.plan.lay_out(&body.graph)?;
        Ok(Self { body, layout, digest })
    }
}

/// Real inputs have a scale; integers and truth values have none.
fn check_types(graph: &Graph, types: &[ElementType]) -> Result<(), Error> {
    let inputs = graph.inputs().count();
    let is_real = |node: &int::Node| node.element_bits.iter().chain([&node.frac_bits]).all(|bits| *bits != 0);
    let is_exact = |node: &int::Node| node.frac_bits == 0 && node.element_bits.is_empty();
    let fits = graph
        .inputs()
        .zip(types)
        .all(|((_, node), element)| if element.is_float() { is_real(node) } else { is_exact(node) });
    if types.len() == inputs && fits {
        return Ok(());
    }
    let types = types.len();
    let reason =
        format!("the {types} types that it tells are not those of its {inputs} inputs; compile the model again");
    Err(Error::Program { reason })
}

fn encode(body: &Body) -> Result<Vec<u8>, Error> {
    postcard::to_extend(body, MAGIC.to_vec())
        .map_err(|error| Error::Program { reason: format!("it cannot be encoded ({error})") })
}

/// Whether writing `body` yields `bytes`. Compared as it is written, so that no copy is made.
fn is_written_as(body: &Body, bytes: &[u8]) -> bool {
    /// What has not been written yet.
    struct Expected<'b>(&'b [u8]);

    impl postcard::ser_flavors::Flavor for Expected<'_> {
        type Output = bool;

        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            match self.0.split_first() {
                Some((next, rest)) if *next == byte => {
                    self.0 = rest;
                    Ok(())
                }
                _ => Err(postcard::Error::SerializeBufferFull),
            }
        }

        fn finalize(self) -> postcard::Result<bool> {
            Ok(self.0.is_empty())
        }
    }

    postcard::serialize_with_flavor(body, Expected(bytes)).unwrap_or(false)
}

fn digest(content: &[u8]) -> [u8; 32] {
    Keccak256::digest(content).into()
}

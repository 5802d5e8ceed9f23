//! Programs: compiled models, and the file that holds one.
//!
//! # Format of an `.apo` file
//! `"apodict\x01"`, then the [`Body`] as postcard, then the Keccak-256 of all of that. The layout is not stored: graph
//! and plan determine it, so a file cannot claim another circuit than its graph's.

use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};

use crate::{
    Error,
    int::{self, Executor, Graph, Trace},
    machine::{Layout, Objective, Plan, plan},
    report::ErrorReport,
};

const MAGIC: &[u8; 8] = b"apodict\x01";

/// The largest program file that is read, in bytes.
pub const MAX_PROGRAM_BYTES: usize = 1 << 28;

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
    /// How it is laid out.
    pub plan: Plan,
    /// What quantization costs in accuracy.
    pub report: ErrorReport,
}

impl Program {
    /// Lays a quantized model out for `objective`.
    ///
    /// # Errors
    /// What keeps the graph from becoming a circuit.
    pub fn new(model: &[u8], graph: Graph, report: ErrorReport, objective: Objective) -> Result<Self, Error> {
        graph.validate()?;
        let (plan, layout) = plan(&graph, objective)?;
        let model_digest = Keccak256::digest(model).into();
        let body = Body { model_digest, graph, plan, report };
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

    /// Reads a program file and checks everything in it: the graph is analysed again and laid out again.
    ///
    /// # Errors
    /// [`Error::Program`] for anything but an undamaged file of this version; what [`Self::new`] refuses.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::Program { reason: reason.to_owned() };
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(invalid("it is larger than 256 MiB"));
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
        body.graph.validate()?;
        let layout = body.plan.lay_out(&body.graph)?;
        Ok(Self { body, layout, digest })
    }
}

fn encode(body: &Body) -> Result<Vec<u8>, Error> {
    postcard::to_extend(body, MAGIC.to_vec())
        .map_err(|error| Error::Program { reason: format!("it cannot be encoded ({error})") })
}

fn digest(content: &[u8]) -> [u8; 32] {
    Keccak256::digest(content).into()
}

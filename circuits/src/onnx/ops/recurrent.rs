//! LSTM, GRU and RNN, unrolled over time.
//!
//! What the input contributes to the gates is one product of matrices for all steps together; each step adds what the state
//! contributes, and makes the next state.

use super::super::attributes::Flag;
use super::super::call::Call;
use super::super::domain::Domain;
use super::{Error, Import, Registry};
use crate::float::{Function, NodeId, Op};

pub(super) fn register(registry: &mut Registry) {
    registry.add_in(Domain::Onnx, "LSTM", 8, Import::Several(|call| unrolled(call, Cell::Lstm)));
    registry.add_in(Domain::Onnx, "GRU", 6, Import::Several(|call| unrolled(call, Cell::Gru)));
    registry.add_in(Domain::Onnx, "RNN", 6, Import::Several(|call| unrolled(call, Cell::Rnn)));
}

/// The most steps: each becomes some ten nodes.
const MAX_STEPS: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Lstm,
    Gru,
    Rnn,
}

impl Cell {
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Rnn => 1,
        }
    }

    /// The activations of one direction, where the model names none.
    fn defaults(self) -> &'static [&'static str] {
        match self {
            Self::Lstm => &["Sigmoid", "Tanh", "Tanh"],
            Self::Gru => &["Sigmoid", "Tanh"],
            Self::Rnn => &["Tanh"],
        }
    }
}

/// A function between gates.
#[derive(Clone, Copy)]
enum Activation {
    Plain(fn() -> Op),
    Affine { alpha: f64, beta: f64 },
    LeakyRelu { alpha: f64 },
    ThresholdedRelu { alpha: f64 },
    ScaledTanh { alpha: f64, beta: f64 },
    HardSigmoid { alpha: f64, beta: f64 },
    Elu { alpha: f64 },
}

impl Activation {
    /// `alphas` and `betas` are taken from by those that have such a parameter, in their order.
    fn read(
        call: &Call<'_>,
        name: &str,
        alphas: &mut impl Iterator<Item = f64>,
        betas: &mut impl Iterator<Item = f64>,
    ) -> Result<Self, Error> {
        let mut alpha = |default: f64| alphas.next().unwrap_or(default);
        let mut beta = |default: f64| betas.next().unwrap_or(default);
        Ok(match name.to_ascii_lowercase().as_str() {
            "relu" => Self::Plain(|| Op::Relu),
            "tanh" => Self::Plain(|| Op::Tanh),
            "sigmoid" => Self::Plain(|| Op::Sigmoid),
            "softsign" => Self::Plain(|| Op::Function { function: Function::Softsign }),
            "softplus" => Self::Plain(|| Op::Function { function: Function::Softplus }),
            "affine" => Self::Affine { alpha: alpha(1.0), beta: beta(0.0) },
            "leakyrelu" => Self::LeakyRelu { alpha: alpha(f64::from(0.01f32)) },
            "thresholdedrelu" => Self::ThresholdedRelu { alpha: alpha(1.0) },
            "scaledtanh" => Self::ScaledTanh { alpha: alpha(1.0), beta: beta(1.0) },
            "hardsigmoid" => Self::HardSigmoid { alpha: alpha(f64::from(0.2f32)), beta: beta(0.5) },
            "elu" => Self::Elu { alpha: alpha(1.0) },
            _ => return Err(call.attributes.refuse("activations", format!("names `{name}`, which is not known"))),
        })
    }

    fn apply(self, call: &mut Call<'_>, x: NodeId) -> Result<NodeId, Error> {
        match self {
            Self::Plain(op) => call.unary(op(), x),
            Self::Affine { alpha, beta } => {
                let scaled = call.with_scalar(Op::Mul, x, alpha)?;
                call.with_scalar(Op::Add, scaled, beta)
            }
            Self::LeakyRelu { alpha } => call.unary(Op::LeakyRelu { alpha }, x),
            Self::ThresholdedRelu { alpha } => call.thresholded(x, alpha),
            Self::ScaledTanh { alpha, beta } => {
                let scaled = call.with_scalar(Op::Mul, x, beta)?;
                let tanh = call.unary(Op::Tanh, scaled)?;
                call.with_scalar(Op::Mul, tanh, alpha)
            }
            Self::HardSigmoid { alpha, beta } => call.hard_sigmoid(x, alpha, beta),
            Self::Elu { alpha } => call.unary(Op::Function { function: Function::Elu { alpha, width: 1.0 } }, x),
        }
    }
}

/// What all directions have in common.
struct Layer {
    cell: Cell,
    steps: usize,
    batch: usize,
    hidden: usize,
    clip: Option<f64>,
    /// GRU: the hidden gate resets what the state contributes, not the state.
    linear_before_reset: bool,
    /// LSTM: the forget gate is what the input gate leaves.
    input_forget: bool,
}

/// One direction's weights.
struct Direction {
    /// `[steps, batch, gates * hidden]`: what the input contributes, and the biases that are added to it.
    inputs: NodeId,
    /// `[hidden, gates * hidden]`.
    recurrence: NodeId,
    /// GRU with `linear_before_reset`: `[hidden]`, what is added to the state's part of the hidden gate.
    hidden_bias: Option<NodeId>,
    /// LSTM: `[hidden]` each, for the input, output and forget gate.
    peepholes: Option<[NodeId; 3]>,
    activations: Vec<Activation>,
    backwards: bool,
}

fn unrolled(call: &mut Call<'_>, cell: Cell) -> Result<Vec<NodeId>, Error> {
    let mut x = call.operand(0, "X")?;
    call.require_float(x, "X")?;
    let batch_first = call.opset >= 14 && call.attributes.flag("layout", Flag::No)? == Flag::Yes;
    if call.shape(x).len() != 3 {
        return Err(call.refuse(format!("has X of shape {:?}, expected rank 3", call.shape(x))));
    }
    if batch_first {
        x = call.transposed(x, &[1, 0, 2])?;
    }
    if call.shape(x)[0] > MAX_STEPS {
        return Err(call.refuse(format!("has {} steps, expected at most {MAX_STEPS}", call.shape(x)[0])));
    }
    let (steps, batch, features) = (call.shape(x)[0], call.shape(x)[1], call.shape(x)[2]);
    let backwards: &[bool] = match call.attributes.string("direction")? {
        None | Some("forward") => &[false],
        Some("reverse") => &[true],
        Some("bidirectional") => &[false, true],
        Some(_) => return Err(call.attributes.refuse("direction", "is none of forward, reverse and bidirectional")),
    };
    let hidden = call.attributes.int("hidden_size")?;
    let recurrence = call.operand(2, "R")?;
    let of_recurrence = call.shape(recurrence);
    let directions = backwards.len();
    let own = of_recurrence.last().copied().unwrap_or(0);
    if hidden.is_some_and(|hidden| usize::try_from(hidden) != Ok(own)) {
        return Err(call.attributes.refuse("hidden_size", format!("does not fit R of shape {of_recurrence:?}")));
    }
    let layer = Layer {
        cell,
        steps,
        batch,
        hidden: own,
        clip: call.attributes.float("clip")?,
        linear_before_reset: cell == Cell::Gru && call.attributes.flag("linear_before_reset", Flag::No)? == Flag::Yes,
        input_forget: cell == Cell::Lstm && call.attributes.flag("input_forget", Flag::No)? == Flag::Yes,
    };
    if layer.clip.is_some_and(|clip| clip < 0.0) {
        return Err(call.attributes.refuse("clip", "is negative"));
    }
    let width = cell.gates() * layer.hidden;
    for (at, role, shape) in [
        (1, "W", vec![directions, width, features]),
        (2, "R", vec![directions, width, layer.hidden]),
        (3, "B", vec![directions, 2 * width]),
        (7, "P", vec![directions, 3 * layer.hidden]),
    ] {
        let Some(operand) = call.optional(at) else { continue };
        call.require_same_type(x, operand)?;
        if call.shape(operand) != shape {
            return Err(
                call.refuse(format!("operand `{role}` has shape {:?}, expected {shape:?}", call.shape(operand)))
            );
        }
    }
    call.operand(1, "W")?;
    if let Some(lengths) = call.ints_operand(4, "sequence_lens")?
        && lengths.iter().any(|&len| usize::try_from(len) != Ok(steps))
    {
        return Err(call
            .refuse(format!("operand `sequence_lens` is {lengths:?}; only full sequences of {steps} are supported")));
    }
    let names = call.attributes.strings("activations")?;
    let count = cell.defaults().len();
    let names: Vec<&str> = match names {
        None => cell.defaults().iter().copied().cycle().take(directions * count).collect(),
        Some(names) if names.len() == directions * count => names,
        Some(names) => {
            let reason = format!("has {} names, expected {}", names.len(), directions * count);
            return Err(call.attributes.refuse("activations", reason));
        }
    };
    let mut alphas = call.attributes.floats("activation_alpha")?.unwrap_or_default().into_iter();
    let mut betas = call.attributes.floats("activation_beta")?.unwrap_or_default().into_iter();
    let mut activations = vec![];
    for name in names {
        activations.push(Activation::read(call, name, &mut alphas, &mut betas)?);
    }
    let (mut sequences, mut last_states, mut last_cells) = (vec![], vec![], vec![]);
    for (at, &backwards) in backwards.iter().enumerate() {
        let activations = activations[at * count..][..count].to_vec();
        let direction = direction(call, &layer, x, at, backwards, activations)?;
        let state = initial(call, &layer, x, 5, at, batch_first)?;
        let memory = match cell {
            Cell::Lstm => Some(initial(call, &layer, x, 6, at, batch_first)?),
            _ => None,
        };
        let (states, memory) = run(call, &layer, &direction, state, memory)?;
        last_states.extend(if backwards { states.first() } else { states.last() }.copied());
        last_cells.extend(memory);
        sequences.push(states);
    }
    // Y: [steps, directions, batch, hidden], or with the batch first [batch, steps, directions, hidden].
    let mut parts = vec![];
    for step in 0..steps {
        for states in &sequences {
            parts.push(call.reshaped(states[step], vec![1, 1, batch, layer.hidden])?);
        }
    }
    let all = call.concatenated(parts, 0)?;
    let all = call.reshaped(all, vec![steps, directions, batch, layer.hidden])?;
    let mut outputs = vec![if batch_first { call.transposed(all, &[2, 0, 1, 3])? } else { all }];
    for last in [last_states, last_cells].into_iter().filter(|last| !last.is_empty()) {
        let mut parts = vec![];
        for state in last {
            parts.push(call.reshaped(state, vec![1, batch, layer.hidden])?);
        }
        let all = call.concatenated(parts, 0)?;
        outputs.push(if batch_first { call.transposed(all, &[1, 0, 2])? } else { all });
    }
    Ok(outputs)
}

/// Row `at` of the first axis of `x`, without that axis.
fn row(call: &mut Call<'_>, x: NodeId, at: usize) -> Result<NodeId, Error> {
    let row = call.sliced(x, 0, at, 1, 1)?;
    let shape = call.shape(row)[1..].to_vec();
    call.reshaped(row, shape)
}

/// An initial state, zero if it is left out.
fn initial(
    call: &mut Call<'_>,
    layer: &Layer,
    x: NodeId,
    operand: usize,
    direction: usize,
    batch_first: bool,
) -> Result<NodeId, Error> {
    let shape = vec![layer.batch, layer.hidden];
    let Some(mut state) = call.optional(operand) else {
        return call.filled("zero", shape, 0.0, call.element(x));
    };
    call.require_same_type(x, state)?;
    if call.shape(state).len() == 3 && batch_first {
        state = call.transposed(state, &[1, 0, 2])?;
    }
    let given = call.shape(state);
    if given.len() != 3 || given[0] <= direction || given[1..] != shape {
        return Err(call.refuse(format!(
            "has an initial state of shape {given:?}, expected [directions, {}, {}]",
            layer.batch, layer.hidden
        )));
    }
    row(call, state, direction)
}

fn direction(
    call: &mut Call<'_>,
    layer: &Layer,
    x: NodeId,
    at: usize,
    backwards: bool,
    activations: Vec<Activation>,
) -> Result<Direction, Error> {
    let (hidden, width) = (layer.hidden, layer.cell.gates() * layer.hidden);
    let features = call.shape(x)[2];
    let (weights, recurrence) = (call.operand(1, "W")?, call.operand(2, "R")?);
    let weights = row(call, weights, at)?;
    let weights = call.transposed(weights, &[1, 0])?;
    let recurrence = row(call, recurrence, at)?;
    let recurrence = call.transposed(recurrence, &[1, 0])?;
    let flat = call.reshaped(x, vec![layer.steps * layer.batch, features])?;
    let mut inputs = call.matmul(flat, weights)?;
    let mut hidden_bias = None;
    if let Some(biases) = call.optional(3) {
        let biases = row(call, biases, at)?;
        let of_input = call.sliced(biases, 0, 0, width, 1)?;
        let mut of_state = call.sliced(biases, 0, width, width, 1)?;
        if layer.linear_before_reset {
            // The hidden gate's is not the input's: it is reset with the state.
            hidden_bias = Some(call.sliced(of_state, 0, 2 * hidden, hidden, 1)?);
            let others = call.sliced(of_state, 0, 0, 2 * hidden, 1)?;
            let none = call.filled("zero", vec![hidden], 0.0, call.element(x))?;
            of_state = call.concatenated(vec![others, none], 0)?;
        }
        let bias = call.binary(Op::Add, of_input, of_state)?;
        inputs = call.binary(Op::Add, inputs, bias)?;
    }
    let inputs = call.reshaped(inputs, vec![layer.steps, layer.batch, width])?;
    let peepholes = match call.optional(7) {
        None => None,
        Some(peepholes) => {
            let all = row(call, peepholes, at)?;
            let mut of = |gate: usize| call.sliced(all, 0, gate * hidden, hidden, 1);
            Some([of(0)?, of(1)?, of(2)?])
        }
    };
    Ok(Direction { inputs, recurrence, hidden_bias, peepholes, activations, backwards })
}

/// The states after each step, at the step's own place, and the last cell state.
fn run(
    call: &mut Call<'_>,
    layer: &Layer,
    direction: &Direction,
    mut state: NodeId,
    mut memory: Option<NodeId>,
) -> Result<(Vec<NodeId>, Option<NodeId>), Error> {
    let mut states = vec![state; layer.steps];
    for at in 0..layer.steps {
        let step = if direction.backwards { layer.steps - 1 - at } else { at };
        let input = row(call, direction.inputs, step)?;
        state = match (layer.cell, memory) {
            (Cell::Rnn, _) => {
                let recurrent = call.matmul(state, direction.recurrence)?;
                let sum = call.binary(Op::Add, input, recurrent)?;
                activated(call, layer, direction.activations[0], sum)?
            }
            (Cell::Gru, _) => gru(call, layer, direction, input, state)?,
            (Cell::Lstm, Some(cell)) => {
                let (next, cell) = lstm(call, layer, direction, input, state, cell)?;
                memory = Some(cell);
                next
            }
            (Cell::Lstm, None) => return Err(call.refuse("has no cell state")),
        };
        states[step] = state;
    }
    Ok((states, memory))
}

/// `activation(clip(x))`.
fn activated(call: &mut Call<'_>, layer: &Layer, activation: Activation, x: NodeId) -> Result<NodeId, Error> {
    let x = match layer.clip {
        Some(clip) if clip > 0.0 => call.unary(Op::Clip { min: Some(-clip), max: Some(clip) }, x)?,
        _ => x,
    };
    activation.apply(call, x)
}

/// Gate `at` of what all gates get: `[batch, gates * hidden]`.
fn gate(call: &mut Call<'_>, layer: &Layer, gates: NodeId, at: usize) -> Result<NodeId, Error> {
    call.sliced(gates, 1, at * layer.hidden, layer.hidden, 1)
}

/// Gates: update, reset, hidden.
fn gru(
    call: &mut Call<'_>,
    layer: &Layer,
    direction: &Direction,
    input: NodeId,
    state: NodeId,
) -> Result<NodeId, Error> {
    let (f, g) = (direction.activations[0], direction.activations[1]);
    let hidden = layer.hidden;
    let of_two = call.sliced(direction.recurrence, 1, 0, 2 * hidden, 1)?;
    let of_hidden = call.sliced(direction.recurrence, 1, 2 * hidden, hidden, 1)?;
    let recurrent = call.matmul(state, of_two)?;
    let mut two = vec![];
    for at in 0..2 {
        let (input, recurrent) = (gate(call, layer, input, at)?, gate(call, layer, recurrent, at)?);
        let sum = call.binary(Op::Add, input, recurrent)?;
        two.push(activated(call, layer, f, sum)?);
    }
    let (update, reset) = (two[0], two[1]);
    let contribution = if layer.linear_before_reset {
        let mut recurrent = call.matmul(state, of_hidden)?;
        if let Some(bias) = direction.hidden_bias {
            recurrent = call.binary(Op::Add, recurrent, bias)?;
        }
        call.binary(Op::Mul, reset, recurrent)?
    } else {
        let kept = call.binary(Op::Mul, reset, state)?;
        call.matmul(kept, of_hidden)?
    };
    let input = gate(call, layer, input, 2)?;
    let sum = call.binary(Op::Add, input, contribution)?;
    let candidate = activated(call, layer, g, sum)?;
    // (1 - z) h + z H = h + z (H - h)
    let difference = call.binary(Op::Sub, state, candidate)?;
    let kept = call.binary(Op::Mul, update, difference)?;
    call.binary(Op::Add, candidate, kept)
}

/// Gates: input, output, forget, cell. Yields the state and the cell's.
fn lstm(
    call: &mut Call<'_>,
    layer: &Layer,
    direction: &Direction,
    input: NodeId,
    state: NodeId,
    cell: NodeId,
) -> Result<(NodeId, NodeId), Error> {
    let (f, g, h) = (direction.activations[0], direction.activations[1], direction.activations[2]);
    let recurrent = call.matmul(state, direction.recurrence)?;
    let gates = call.binary(Op::Add, input, recurrent)?;
    // Gate `at`, which sees `cell` through its peephole.
    let peeping = |call: &mut Call<'_>, at: usize, peephole: usize, cell: NodeId| {
        let mut sum = gate(call, layer, gates, at)?;
        if let Some(peepholes) = direction.peepholes {
            let seen = call.binary(Op::Mul, peepholes[peephole], cell)?;
            sum = call.binary(Op::Add, sum, seen)?;
        }
        activated(call, layer, f, sum)
    };
    let taken = peeping(call, 0, 0, cell)?;
    let kept = if layer.input_forget {
        let one = call.scalar("one", 1.0, call.element(taken))?;
        call.binary(Op::Sub, one, taken)?
    } else {
        peeping(call, 2, 2, cell)?
    };
    let candidate = gate(call, layer, gates, 3)?;
    let candidate = activated(call, layer, g, candidate)?;
    let old = call.binary(Op::Mul, kept, cell)?;
    let new = call.binary(Op::Mul, taken, candidate)?;
    let cell = call.binary(Op::Add, old, new)?;
    let output = peeping(call, 1, 1, cell)?;
    let shown = h.apply(call, cell)?;
    Ok((call.binary(Op::Mul, output, shown)?, cell))
}

//! Expressions over columns, compiled into one straight-line program.
//!
//! Equal subexpressions are computed once, and what depends on no row once per run. Values that are no longer read give
//! their place to others, so that the working set of a block of rows stays in the first-level cache. Backends run it.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
};

use halo2_proofs::plonk::Expression;
use halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};

use super::Error;

/// A column that expressions read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A fixed column.
    Fixed(usize),
    /// An advice column.
    Advice(usize),
    /// An instance column.
    Instance(usize),
    /// The permutation, as a column.
    Sigma(usize),
    /// Running product of a set of permuted columns.
    Product(usize),
    /// Running product of a lookup.
    LookupProduct(usize),
    /// Permuted input of a lookup.
    LookupInput(usize),
    /// Permuted table of a lookup.
    LookupTable(usize),
    /// 1 in the first row.
    First,
    /// 1 in the row after the last usable one.
    Last,
    /// 1 in usable rows.
    Active,
    /// The point itself.
    Identity,
}

/// A value that is the same in every row and known only while proving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Challenge {
    /// The circuit's own, by index.
    Circuit(usize),
    /// Folds a lookup's expressions.
    Theta,
    /// Of permutations and lookups.
    Beta,
    /// Of permutations and lookups.
    Gamma,
    /// Folds constraints.
    Y,
}

/// An expression of a [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Constant(Fr),
    Challenge(Challenge),
    Column(Source, i32),
    Add(Id, Id),
    Sub(Id, Id),
    Mul(Id, Id),
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Constant(value) => value.to_repr().as_ref().hash(state),
            Self::Challenge(challenge) => challenge.hash(state),
            Self::Column(source, rotation) => (source, rotation).hash(state),
            Self::Add(a, b) | Self::Sub(a, b) | Self::Mul(a, b) => (a, b).hash(state),
        }
    }
}

/// Expressions, each once.
#[derive(Default)]
pub(super) struct Builder {
    nodes: Vec<Node>,
    known: HashMap<Node, Id>,
}

impl Builder {
    fn intern(&mut self, node: Node) -> Id {
        if let Some(id) = self.known.get(&node) {
            return *id;
        }
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node);
        self.known.insert(node, id);
        id
    }

    fn as_constant(&self, id: Id) -> Option<Fr> {
        match self.nodes[id.0 as usize] {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn constant(&mut self, value: Fr) -> Id {
        self.intern(Node::Constant(value))
    }

    pub(super) fn challenge(&mut self, challenge: Challenge) -> Id {
        self.intern(Node::Challenge(challenge))
    }

    pub(super) fn column(&mut self, source: Source, rotation: i32) -> Id {
        self.intern(Node::Column(source, rotation))
    }

    pub(super) fn add(&mut self, a: Id, b: Id) -> Id {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(a), Some(b)) => self.constant(a + b),
            (Some(zero), _) if zero == Fr::ZERO => b,
            (_, Some(zero)) if zero == Fr::ZERO => a,
            _ => self.intern(Node::Add(a.min(b), a.max(b))),
        }
    }

    pub(super) fn sub(&mut self, a: Id, b: Id) -> Id {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(a), Some(b)) => self.constant(a - b),
            (_, Some(zero)) if zero == Fr::ZERO => a,
            _ => self.intern(Node::Sub(a, b)),
        }
    }

    pub(super) fn mul(&mut self, a: Id, b: Id) -> Id {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(a), Some(b)) => self.constant(a * b),
            (Some(zero), _) | (_, Some(zero)) if zero == Fr::ZERO => self.constant(Fr::ZERO),
            (Some(one), _) if one == Fr::ONE => b,
            (_, Some(one)) if one == Fr::ONE => a,
            _ => self.intern(Node::Mul(a.min(b), a.max(b))),
        }
    }

    /// `(..(terms[0] * factor + terms[1]) * factor + ..)`.
    pub(super) fn horner(&mut self, terms: &[Id], factor: Challenge) -> Id {
        let (zero, factor) = (self.constant(Fr::ZERO), self.challenge(factor));
        terms.iter().fold(zero, |sum, term| {
            let scaled = self.mul(sum, factor);
            self.add(scaled, *term)
        })
    }

    /// An expression of halo2's.
    ///
    /// # Errors
    /// [`Error::Selector`]: keys are made from expressions without selectors.
    pub(super) fn expression(&mut self, expression: &Expression<Fr>) -> Result<Id, Error> {
        Ok(match expression {
            Expression::Constant(value) => self.constant(*value),
            Expression::Selector(_) => return Err(Error::Selector),
            Expression::Fixed(query) => self.column(Source::Fixed(query.column_index()), query.rotation().0),
            Expression::Advice(query) => self.column(Source::Advice(query.column_index()), query.rotation().0),
            Expression::Instance(query) => self.column(Source::Instance(query.column_index()), query.rotation().0),
            Expression::Challenge(challenge) => self.challenge(Challenge::Circuit(challenge.index())),
            Expression::Negated(inner) => match inner.as_ref() {
                Expression::Constant(value) => self.constant(-value),
                _ => {
                    let (zero, inner) = (self.constant(Fr::ZERO), self.expression(inner)?);
                    self.sub(zero, inner)
                }
            },
            // a + (-b)
            Expression::Sum(a, b) => {
                let a = self.expression(a)?;
                match b.as_ref() {
                    Expression::Negated(b) => {
                        let b = self.expression(b)?;
                        self.sub(a, b)
                    }
                    _ => {
                        let b = self.expression(b)?;
                        self.add(a, b)
                    }
                }
            }
            Expression::Product(a, b) => {
                let (a, b) = (self.expression(a)?, self.expression(b)?);
                self.mul(a, b)
            }
            Expression::Scaled(inner, factor) => {
                let (inner, factor) = (self.expression(inner)?, self.constant(*factor));
                self.mul(inner, factor)
            }
        })
    }

    /// The program that computes `root` in every row.
    pub(super) fn compile(&self, root: Id) -> Program {
        Compiler::new(self, root).compile()
    }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
}

/// `cells[out] = cells[a] op cells[b]`.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What is done.
    pub operation: Operation,
    /// The left operand.
    pub a: u32,
    /// The right operand.
    pub b: u32,
    /// Where the result goes.
    pub out: u32,
}

/// What is computed once per run: the same in every row.
#[derive(Clone, Copy, Debug)]
enum Uniform {
    Constant(Fr),
    Challenge(Challenge),
    /// Of earlier ones.
    Computed(Operation, u32, u32),
}

/// A compiled expression. Cells are: uniform values, then columns, then what steps compute.
#[derive(Debug)]
pub struct Program {
    uniforms: Vec<Uniform>,
    columns: Vec<(Source, i32)>,
    steps: Vec<Step>,
    cells: usize,
    root: u32,
}

struct Compiler<'a> {
    builder: &'a Builder,
    root: Id,
    used: Vec<bool>,
    uniform: Vec<bool>,
}

fn operands(node: Node) -> Option<(Operation, Id, Id)> {
    match node {
        Node::Add(a, b) => Some((Operation::Add, a, b)),
        Node::Sub(a, b) => Some((Operation::Sub, a, b)),
        Node::Mul(a, b) => Some((Operation::Mul, a, b)),
        _ => None,
    }
}

impl<'a> Compiler<'a> {
    fn new(builder: &'a Builder, root: Id) -> Self {
        let mut used = vec![false; builder.nodes.len()];
        used[root.0 as usize] = true;
        // Operands stand before what reads them.
        for at in (0..used.len()).rev().filter(|at| *at <= root.0 as usize) {
            if let (true, Some((_, a, b))) = (used[at], operands(builder.nodes[at])) {
                used[a.0 as usize] = true;
                used[b.0 as usize] = true;
            }
        }
        let mut uniform: Vec<bool> = Vec::with_capacity(used.len());
        for node in &builder.nodes {
            uniform.push(match operands(*node) {
                Some((_, a, b)) => uniform[a.0 as usize] && uniform[b.0 as usize],
                None => !matches!(node, Node::Column(..)),
            });
        }
        Self { builder, root, used, uniform }
    }

    fn compile(&self) -> Program {
        let mut place = vec![u32::MAX; self.used.len()];
        let (mut uniforms, mut columns) = (Vec::new(), Vec::new());
        let live = || (0..self.used.len()).filter(|at| self.used[*at]);
        for at in live().filter(|at| self.uniform[*at]) {
            place[at] = uniforms.len() as u32;
            uniforms.push(match self.builder.nodes[at] {
                Node::Constant(value) => Uniform::Constant(value),
                Node::Challenge(challenge) => Uniform::Challenge(challenge),
                node => match operands(node) {
                    Some((operation, a, b)) => Uniform::Computed(operation, place[a.0 as usize], place[b.0 as usize]),
                    None => Uniform::Constant(Fr::ZERO),
                },
            });
        }
        for at in live() {
            if let Node::Column(source, rotation) = self.builder.nodes[at] {
                place[at] = (uniforms.len() + columns.len()) as u32;
                columns.push((source, rotation));
            }
        }
        let mut last_read = vec![0usize; self.used.len()];
        for at in live().filter(|at| !self.uniform[*at]) {
            if let Some((_, a, b)) = operands(self.builder.nodes[at]) {
                last_read[a.0 as usize] = at;
                last_read[b.0 as usize] = at;
            }
        }
        last_read[self.root.0 as usize] = usize::MAX;
        let first = uniforms.len() + columns.len();
        let (mut cells, mut free) = (first, Vec::<u32>::new());
        let mut steps = Vec::new();
        for at in live().filter(|at| !self.uniform[*at]) {
            let Some((operation, a, b)) = operands(self.builder.nodes[at]) else { continue };
            let (left, right) = (place[a.0 as usize], place[b.0 as usize]);
            for (id, cell) in [(a, left), (b, right)] {
                if last_read[id.0 as usize] == at && cell as usize >= first && !free.contains(&cell) {
                    free.push(cell);
                }
            }
            let out = free.pop().unwrap_or_else(|| {
                cells += 1;
                cells as u32 - 1
            });
            place[at] = out;
            steps.push(Step { operation, a: left, b: right, out });
        }
        Program { uniforms, columns, steps, cells, root: place[self.root.0 as usize] }
    }
}

pub(super) fn apply(operation: Operation, a: Fr, b: Fr) -> Fr {
    match operation {
        Operation::Add => a + b,
        Operation::Sub => a - b,
        Operation::Mul => a * b,
    }
}

impl Program {
    /// Columns that are read, each with its rotation: they are the cells after the uniform values.
    pub fn columns(&self) -> &[(Source, i32)] {
        &self.columns
    }

    /// What is done in every row, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Cells in all.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// The cell with the result.
    pub fn root(&self) -> usize {
        self.root as usize
    }

    /// How many values are the same in every row: the first cells.
    pub fn num_uniforms(&self) -> usize {
        self.uniforms.len()
    }

    /// The values that are the same in every row.
    pub fn uniforms(&self, challenge: impl Fn(Challenge) -> Fr) -> Vec<Fr> {
        let mut uniforms: Vec<Fr> = Vec::with_capacity(self.uniforms.len());
        for uniform in &self.uniforms {
            uniforms.push(match *uniform {
                Uniform::Constant(value) => value,
                Uniform::Challenge(of) => challenge(of),
                Uniform::Computed(operation, a, b) => apply(operation, uniforms[a as usize], uniforms[b as usize]),
            });
        }
        uniforms
    }

    /// Multiplications that a row takes.
    pub fn multiplications(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.operation, Operation::Mul)).count()
    }
}

//! Sums of gathered rows.

use crate::int::{Builder, Error, Graph, Node, NodeId, Op, Row, Source, Term};

/// A sum that adds up whole rows of a table: `y[g * width + d] = bias + weight * sum of table[x[e]][d] over the bag`.
pub(super) struct Bags<'a> {
    /// What selects the rows.
    pub(super) indices: NodeId,
    table: &'a Vec<Vec<i64>>,
    groups: Vec<Vec<u32>>,
    weight: i64,
    biases: Vec<i64>,
    /// Of the gathered rows.
    frac_bits: i32,
}

/// Finds bags in `node`, if that is all it is.
pub(super) fn bags<'a>(graph: &'a Graph, node: &Node) -> Option<Bags<'a>> {
    let Op::Linear { rows } = &node.op else { return None };
    let [only] = node.inputs.as_slice() else { return None };
    let gather = graph.node(*only);
    let Op::Gather { rows: table } = &gather.op else { return None };
    let width = table.first()?.len();
    let weight = rows.first()?.terms.first()?.weight;
    if !rows.len().is_multiple_of(width) {
        return None;
    }
    let mut groups = Vec::with_capacity(rows.len() / width);
    for bag in rows.chunks_exact(width) {
        let first = tokens(bag.first()?, 0, width, weight)?;
        let same = |(column, row)| tokens(row, column, width, weight).as_ref() == Some(&first);
        if !bag.iter().enumerate().all(same) {
            return None;
        }
        groups.push(first);
    }
    Some(Bags {
        indices: *gather.inputs.first()?,
        table,
        groups,
        weight,
        biases: rows.iter().map(|row| row.bias).collect(),
        frac_bits: gather.frac_bits,
    })
}

/// The tokens whose rows a sum adds up, ascending, if it reads nothing but their `column` with this weight.
fn tokens(row: &Row, column: usize, width: usize, weight: i64) -> Option<Vec<u32>> {
    let token = |term: &Term| {
        let element = term.source.element as usize;
        (term.weight == weight && element % width == column).then(|| u32::try_from(element / width).ok())?
    };
    let mut tokens = row.terms.iter().map(token).collect::<Option<Vec<u32>>>()?;
    tokens.sort_unstable();
    Some(tokens)
}

impl Bags<'_> {
    /// Appends the bag, and a sum after it if there is a weight or a bias, or the scale has another name.
    pub(super) fn build(&self, builder: &mut Builder, node: &Node, indices: NodeId) -> Result<NodeId, Error> {
        let op = Op::EmbeddingSum { rows: self.table.clone(), groups: self.groups.clone() };
        let plain = self.weight == 1 && self.biases.iter().all(|bias| *bias == 0);
        if plain {
            return builder.push(&node.name, op, vec![indices], node.shape.clone(), node.frac_bits);
        }
        let name = format!("{}.sum", node.name);
        let sum = builder.push(name, op, vec![indices], node.shape.clone(), self.frac_bits)?;
        let row = |(element, bias): (u32, &i64)| Row {
            bias: *bias,
            terms: vec![Term { source: Source { input: 0, element }, weight: self.weight }],
        };
        let op = Op::Linear { rows: (0u32..).zip(&self.biases).map(row).collect() };
        builder.push(&node.name, op, vec![sum], node.shape.clone(), node.frac_bits)
    }
}

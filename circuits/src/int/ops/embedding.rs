//! Gather, EmbeddingSum: rows of a fixed table.

use crate::int::{
    Error, Interval,
    analyze::Operands,
    bounds::Sum,
    execute::Run,
    hulls::Hulls,
    limits,
    structure::{Shape, length, limit, within},
};

pub(in crate::int) fn check_gather(shape: &Shape<'_>, rows: &[Vec<i64>]) -> Result<(), Error> {
    let width = check_table(shape, rows)?;
    let expected = shape.operand_len(0).saturating_mul(width);
    if shape.len != expected {
        return Err(length(shape.node, "elements of the shape", expected, shape.len));
    }
    Ok(())
}

pub(in crate::int) fn check_sum(shape: &Shape<'_>, rows: &[Vec<i64>], groups: &[Vec<u32>]) -> Result<(), Error> {
    let width = check_table(shape, rows)?;
    let expected = groups.len().saturating_mul(width);
    if shape.len != expected {
        return Err(length(shape.node, "elements of the shape", expected, shape.len));
    }
    groups.iter().enumerate().try_for_each(|(element, group)| shape.check_group(element * width, group))
}

/// Checks that the table is a non-empty rectangle of values; its width.
fn check_table(shape: &Shape<'_>, rows: &[Vec<i64>]) -> Result<usize, Error> {
    let Some(first) = rows.first() else {
        return Err(limit(shape.node, "the number of table rows", 0, 1, limits::TOTAL_ELEMENTS));
    };
    if let Some(row) = rows.iter().find(|row| row.len() != first.len()) {
        return Err(length(shape.node, "values in a table row", first.len(), row.len()));
    }
    let values = limits::magnitude(limits::VALUE_BITS);
    rows.iter().flatten().try_for_each(|value| within(shape.node, "a table value", *value, values))?;
    Ok(first.len())
}

pub(in crate::int) fn gather_ranges(operands: &Operands<'_, '_>, rows: &[Vec<i64>]) -> Result<Vec<Interval>, Error> {
    let width = rows[0].len();
    let elements = operands.graph.node(operands.node.inputs[0]).len();
    let mut hulls = Hulls::new(rows);
    let mut ranges = Vec::with_capacity(elements * width);
    for element in 0..elements {
        ranges.extend_from_slice(hulls.of(operands.node, element, operands.at(0, element))?);
    }
    Ok(ranges)
}

pub(in crate::int) fn sum_ranges(
    operands: &Operands<'_, '_>,
    rows: &[Vec<i64>],
    groups: &[Vec<u32>],
) -> Result<Vec<Interval>, Error> {
    let (node, width) = (operands.node, rows[0].len());
    let mut hulls = Hulls::new(rows);
    let mut ranges = Vec::with_capacity(groups.len() * width);
    for (bag, group) in groups.iter().enumerate() {
        let mut sums: Vec<Sum> = (0..width).map(|_| Sum::of(0)).collect();
        let mut add = |hull: &[Interval], times: usize| {
            let times = times as i128;
            for (sum, range) in sums.iter_mut().zip(hull) {
                sum.add((times * i128::from(range.lo), times * i128::from(range.hi)));
            }
        };
        match (operands.ranges[0], group.len()) {
            (_, 0) => {}
            // All tokens select from the same rows.
            ([one], tokens) => add(hulls.of(node, bag * width, *one)?, tokens),
            (many, _) => {
                for member in group {
                    add(hulls.of(node, bag * width, many[*member as usize])?, 1);
                }
            }
        }
        for (column, sum) in sums.iter().enumerate() {
            ranges.push(sum.finish(node, bag * width + column)?);
        }
    }
    Ok(ranges)
}

pub(in crate::int) fn run_gather(run: &Run<'_>, rows: &[Vec<i64>]) -> Result<Vec<i128>, Error> {
    let mut output = Vec::with_capacity(run.node.len());
    for (element, index) in run.first().iter().enumerate() {
        output.extend(table_row(run, rows, element, *index)?.iter().map(|value| i128::from(*value)));
    }
    Ok(output)
}

pub(in crate::int) fn run_sum(run: &Run<'_>, rows: &[Vec<i64>], groups: &[Vec<u32>]) -> Result<Vec<i128>, Error> {
    let width = rows[0].len();
    let mut output = vec![0i128; groups.len() * width];
    for (bag, group) in output.chunks_exact_mut(width.max(1)).zip(groups) {
        for member in group {
            let row = table_row(run, rows, *member as usize, run.first()[*member as usize])?;
            bag.iter_mut().zip(row).for_each(|(sum, value)| *sum += i128::from(*value));
        }
    }
    Ok(output)
}

fn table_row<'t>(run: &Run<'_>, rows: &'t [Vec<i64>], element: usize, index: i64) -> Result<&'t [i64], Error> {
    let row = usize::try_from(index).ok().and_then(|index| rows.get(index));
    let allowed = Interval::new(0, rows.len() as i64 - 1);
    row.map(Vec::as_slice).ok_or_else(|| run.outside(element, "the index into the table", index, allowed))
}

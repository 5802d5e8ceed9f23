//! Piecewise: a function of one element by a table of the graph.

use std::collections::HashMap;

use crate::int::{Error, Interval, analyze::Operands, execute::Run, structure::Shape};

pub(in crate::int) fn check(shape: &Shape<'_>, table: u32, num_tables: usize) -> Result<(), Error> {
    shape.same_len_as_operand()?;
    if usize::try_from(table).is_ok_and(|table| table < num_tables) {
        return Ok(());
    }
    Err(Error::NoSuchTable { node: shape.node.name.clone(), table, available: num_tables })
}

/// The exact image of each argument's range.
pub(in crate::int) fn ranges(operands: &mut Operands<'_, '_>, index: u32) -> Result<Vec<Interval>, Error> {
    let table = &operands.graph.piecewise[index as usize];
    let mut images: HashMap<Interval, Interval> = HashMap::new();
    let mut ranges = Vec::with_capacity(operands.ranges[0].len());
    for (element, argument) in operands.ranges[0].iter().enumerate() {
        let image = match images.get(argument) {
            Some(image) => Some(*image),
            None => {
                let segments = operands.known.segments.entry(index).or_insert_with(|| table.extremes());
                table.image_by(segments, *argument)
            }
        };
        let image = image.ok_or_else(|| Error::OutsideDomain {
            node: operands.node.name.clone(),
            element,
            what: "the argument of the table",
            got: *argument,
            allowed: table.domain(),
            advice: "clamp it before, or widen the table",
        })?;
        images.insert(*argument, image);
        ranges.push(image);
    }
    Ok(ranges)
}

pub(in crate::int) fn run(run: &Run<'_>, index: u32) -> Result<Vec<i128>, Error> {
    let table = &run.graph.piecewise[index as usize];
    let eval = |(element, x): (usize, &i64)| {
        let value = table.eval(*x).map(i128::from);
        value.ok_or_else(|| run.outside(element, "the argument of the table", *x, table.domain()))
    };
    run.first().iter().enumerate().map(eval).collect()
}

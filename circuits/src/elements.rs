//! Elements of an input, as they are typed: `X[2]`, `X[2:5]`, `X[0,:,3]`.
//!
//! Between the brackets stands, for one axis or several, an index from 0, a half open range of them as in Python, or `:` for all. They are
//! the last axes of the input: of an input `[1, 16]`, `X[2]` is its third feature, and of an input `[10, 16]` the third feature
//! of all ten rows.

use std::{fmt::Write, ops::Range};

use crate::escaped;

/// Why a selection is none of an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not what can be typed between brackets.
    #[error(
        "`{part}` selects no elements: expected an index from 0, or a range of them, for each axis, as in X[2], X[2:5] or X[0,:,3]",
        part = escaped(part)
    )]
    Syntax {
        /// What was typed.
        part: String,
    },
    /// More axes than the input has.
    #[error("{got} axes are named, and the shape {shape:?} has {}", shape.len())]
    Rank {
        /// The input's.
        shape: Vec<usize>,
        /// How many.
        got: usize,
    },
    /// Beyond the last of an axis.
    #[error(
        "`{part}` is not on axis {axis} of the shape {shape:?}, which has the indices 0 to {}",
        shape.get(*axis).copied().unwrap_or(1).saturating_sub(1),
        part = escaped(part)
    )]
    Index {
        /// What was typed.
        part: String,
        /// The axis.
        axis: usize,
        /// The input's.
        shape: Vec<usize>,
    },
}

/// Takes `X[2]` apart: the name, and what stands between the last brackets.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    text.strip_suffix(']')?.rsplit_once('[').filter(|(name, _)| !name.is_empty())
}

/// The flat, row-major indices that `selection` names of an input of this shape, in ascending order. No more are made than the input has
/// elements.
pub(crate) fn select(shape: &[usize], selection: &str) -> Result<Vec<usize>, Error> {
    let parts: Vec<&str> = selection.split(',').map(str::trim).collect();
    let first = shape.len().checked_sub(parts.len());
    let first = first.ok_or_else(|| Error::Rank { shape: shape.to_vec(), got: parts.len() })?;
    let mut selected = vec![0];
    for (axis, extent) in shape.iter().enumerate() {
        let part = axis.checked_sub(first).and_then(|at| parts.get(at)).copied();
        let indices = match part {
            Some(part) => {
                let indices = indices(part, *extent)?;
                let inside = indices.start < indices.end && indices.end <= *extent;
                let outside = || Error::Index { part: part.to_owned(), axis, shape: shape.to_vec() };
                Some(indices).filter(|_| inside).ok_or_else(outside)?
            }
            None => 0..*extent,
        };
        selected =
            selected.into_iter().flat_map(|start| indices.clone().map(move |index| start * extent + index)).collect();
    }
    Ok(selected)
}

fn indices(part: &str, extent: usize) -> Result<Range<usize>, Error> {
    let syntax = || Error::Syntax { part: part.to_owned() };
    let number = |text: &str, default: usize| match text.trim() {
        "" => Ok(default),
        text => text.parse().map_err(|_| syntax()),
    };
    match part.split_once(':') {
        Some((start, end)) => Ok(number(start, 0)?..number(end, extent)?),
        None => {
            let index: usize = part.parse().map_err(|_| syntax())?;
            Ok(index..index.saturating_add(1))
        }
    }
}

/// How one element is typed after its input's name: by the last axis alone if that is enough, and not at all if there is no other.
pub(crate) fn index(shape: &[usize], element: usize) -> String {
    let mut rest = element;
    let mut indices = vec![0; shape.len()];
    for (index, extent) in indices.iter_mut().zip(shape).rev() {
        *index = rest % extent.max(&1);
        rest /= extent.max(&1);
    }
    let first = shape.iter().position(|extent| *extent != 1);
    let Some(first) = first else { return String::new() };
    let mut text = "[".to_owned();
    for (at, index) in indices.iter().skip(first).enumerate() {
        // Writing to a string does not fail.
        let _ = write!(text, "{}{index}", if at > 0 { "," } else { "" });
    }
    text + "]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selects_by_the_last_axes() {
        for (shape, selection, expected) in [
            (&[1, 16][..], "2", vec![2]),
            (&[1, 16], "0,2", vec![2]),
            (&[16], " 2 : 5 ", vec![2, 3, 4]),
            (&[16], "14:", vec![14, 15]),
            (&[3], ":", vec![0, 1, 2]),
            (&[3, 4], "2", vec![2, 6, 10]),
            (&[3, 4], "1,:2", vec![4, 5]),
            (&[2, 2, 2], ":,1,0", vec![2, 6]),
        ] {
            assert_eq!(select(shape, selection), Ok(expected), "{shape:?} {selection}");
        }
    }

    #[test]
    fn refuses_what_selects_nothing() {
        for text in ["", "x", "-1", "1.5", "1:2:3", "0x1", "1;2"] {
            assert!(matches!(select(&[4], text), Err(Error::Syntax { .. })), "{text}");
        }
        for text in ["4", "2:2", "3:2", "0:5", "18446744073709551615", "0:18446744073709551615"] {
            assert!(matches!(select(&[4], text), Err(Error::Index { axis: 0, .. })), "{text}");
        }
        assert!(matches!(select(&[4], "0,0"), Err(Error::Rank { got: 2, .. })));
        assert!(matches!(select(&[], "0"), Err(Error::Rank { got: 1, .. })));
        let error = select(&[1, 16], "16").unwrap_err().to_string();
        assert_eq!(error, "`16` is not on axis 1 of the shape [1, 16], which has the indices 0 to 15");
    }

    #[test]
    fn an_element_is_typed_as_it_is_selected() {
        for (shape, element, text) in [
            (&[1, 16][..], 2, "[2]"),
            (&[16], 0, "[0]"),
            (&[3, 4], 6, "[1,2]"),
            (&[1, 2, 3], 5, "[1,2]"),
            (&[1, 1], 0, ""),
        ] {
            assert_eq!(index(shape, element), text);
            if let Some((_, selection)) = split(&format!("x{text}")) {
                assert_eq!(select(shape, selection), Ok(vec![element]));
            }
        }
        assert_eq!(split("a[1][2]"), Some(("a[1]", "2")));
        assert_eq!((split("[2]"), split("x"), split("x]")), (None, None, None));
    }
}

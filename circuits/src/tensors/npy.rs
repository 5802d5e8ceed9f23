//! NumPy's `.npy`, versions 1 to 3.
//!
//! Read here because the lengths in a file's header must be checked against the file before anything is allocated for
//! them.

use super::Error;
use crate::float::{MAX_RANK, Tensor, Values, checked_len, layout};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

pub(super) fn read(bytes: &[u8], max_elements: usize) -> Result<Tensor, Error> {
    let refuse = |reason: String| Error::Numpy { what: "not a supported .npy file".into(), reason };
    let (header, data) = split(bytes).map_err(|reason| refuse(reason.into()))?;
    let header = parse(header).map_err(refuse)?;
    if header.shape.len() > MAX_RANK {
        return Err(refuse(format!("its rank is {}, more than {MAX_RANK}", header.shape.len())));
    }
    let len = checked_len(&header.shape).ok_or_else(|| refuse(format!("its shape {:?} is too large", header.shape)))?;
    if len > max_elements {
        return Err(Error::TooLarge { what: "elements", limit: max_elements });
    }
    let kind = Kind::parse(&header.descr).map_err(refuse)?;
    if data.len() != len * kind.size {
        return Err(refuse(format!("its shape needs {} bytes of data, it has {}", len * kind.size, data.len())));
    }
    let values = kind.values(data).map_err(refuse)?;
    let values = if header.fortran { row_major(&values, &header.shape) } else { values };
    Ok(Tensor { shape: header.shape, values })
}

/// The header's text and the data after it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), &'static str> {
    const CUT_OFF: &str = "it ends within its header";
    let rest = bytes.strip_prefix(MAGIC).ok_or("it does not start with NumPy's magic bytes")?;
    let ([major, _minor], rest) = rest.split_first_chunk::<2>().ok_or(CUT_OFF)?;
    let (len, rest) = match major {
        1 => rest.split_first_chunk::<2>().map(|(len, rest)| (usize::from(u16::from_le_bytes(*len)), rest)),
        2 | 3 => rest
            .split_first_chunk::<4>()
            .and_then(|(len, rest)| Some((usize::try_from(u32::from_le_bytes(*len)).ok()?, rest))),
        _ => return Err("its format version is not 1, 2 or 3"),
    }
    .ok_or(CUT_OFF)?;
    let (header, data) = rest.split_at_checked(len).ok_or(CUT_OFF)?;
    Ok((std::str::from_utf8(header).map_err(|_| "its header is not text")?, data))
}

struct Header {
    descr: String,
    fortran: bool,
    shape: Vec<usize>,
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (1, 16), }`: a Python dictionary of exactly these keys.
fn parse(text: &str) -> Result<Header, String> {
    let mut parser = Parser { rest: text };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    parser.expect('{')?;
    while !parser.accept('}') {
        let key = parser.string()?;
        parser.expect(':')?;
        let again = match key {
            "descr" => descr.replace(parser.string()?.to_owned()).is_some(),
            "fortran_order" => fortran.replace(parser.boolean()?).is_some(),
            "shape" => shape.replace(parser.tuple()?).is_some(),
            other => return Err(format!("its header has the unknown key '{other}'")),
        };
        if again {
            return Err(format!("its header has the key '{key}' twice"));
        }
        if !parser.accept(',') {
            parser.expect('}')?;
            break;
        }
    }
    match (descr, fortran, shape) {
        (Some(descr), Some(fortran), Some(shape)) if parser.rest.trim().is_empty() => {
            Ok(Header { descr, fortran, shape })
        }
        _ => Err("its header is incomplete, or goes on after its end".into()),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn accept(&mut self, wanted: char) -> bool {
        let found = self.rest.trim_start().strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        let rest = self.rest.trim_start();
        match self.accept(wanted) {
            true => Ok(()),
            false => Err(format!("its header has {:?} where '{wanted}' is expected", rest.chars().next())),
        }
    }

    fn string(&mut self) -> Result<&'a str, String> {
        let rest = self.rest.trim_start();
        let quoted = ['\'', '"'].into_iter().find_map(|quote| rest.strip_prefix(quote)?.split_once(quote));
        let (text, rest) = quoted.ok_or("its header lacks a string (records of several fields are not supported)")?;
        self.rest = rest;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, String> {
        let rest = self.rest.trim_start();
        let (value, rest) = match (rest.strip_prefix("True"), rest.strip_prefix("False")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("its header's fortran_order is neither True nor False".into()),
        };
        self.rest = rest;
        Ok(value)
    }

    fn tuple(&mut self) -> Result<Vec<usize>, String> {
        let mut numbers = vec![];
        self.expect('(')?;
        while !self.accept(')') {
            let rest = self.rest.trim_start();
            let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, after) = rest.split_at(end);
            numbers.push(digits.parse().map_err(|_| "its header's shape is not a tuple of lengths".to_owned())?);
            self.rest = after;
            if !self.accept(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(numbers)
    }
}

/// An element type of NumPy.
struct Kind {
    code: char,
    size: usize,
    big_endian: bool,
}

impl Kind {
    fn parse(descr: &str) -> Result<Self, String> {
        let unsupported =
            || format!("its type '{descr}' is not supported: use float32, float64, bool, or integers of up to 64 bits");
        let mut characters = descr.chars();
        let (order, code) = characters.next().zip(characters.next()).ok_or_else(unsupported)?;
        let size = match (code, characters.as_str()) {
            ('f' | 'i' | 'u', "4") => 4,
            ('f' | 'i' | 'u', "8") => 8,
            ('i' | 'u', "2") => 2,
            ('i' | 'u' | 'b', "1") => 1,
            _ => return Err(unsupported()),
        };
        match order {
            '<' | '|' | '=' | '>' => Ok(Self { code, size, big_endian: order == '>' }),
            _ => Err(unsupported()),
        }
    }

    /// `bytes` is a whole number of elements.
    fn values(&self, bytes: &[u8]) -> Result<Values, String> {
        let elements = bytes.chunks_exact(self.size).map(|chunk| {
            // Every type, widened to eight little-endian bytes.
            let mut wide = [0u8; 8];
            wide[..self.size].copy_from_slice(chunk);
            if self.big_endian {
                wide[..self.size].reverse();
            }
            u64::from_le_bytes(wide)
        });
        let unused_bits = 64 - 8 * self.size;
        match (self.code, self.size) {
            // The low half is what was read.
            ('f', 4) => Ok(Values::Float(elements.map(|bits| f32::from_bits(bits as u32).into()).collect())),
            ('f', _) => Ok(Values::Float(elements.map(f64::from_bits).collect())),
            // An arithmetic shift extends the sign.
            ('i', _) => Ok(Values::Int(elements.map(|bits| (bits << unused_bits) as i64 >> unused_bits).collect())),
            ('u', _) => {
                let narrow = |value: u64| i64::try_from(value).map_err(|_| format!("it holds {value}, beyond 63 bits"));
                Ok(Values::Int(elements.map(narrow).collect::<Result<_, _>>()?))
            }
            _ => {
                let boolean = |value: u64| match value {
                    0 => Ok(false),
                    1 => Ok(true),
                    other => Err(format!("a boolean is stored as {other}, expected 0 or 1")),
                };
                Ok(Values::Bool(elements.map(boolean).collect::<Result<_, _>>()?))
            }
        }
    }
}

/// From the first axis fastest to the last axis fastest.
fn row_major(values: &Values, shape: &[usize]) -> Values {
    let mut stride = 1;
    let mut strides = vec![];
    for dim in shape {
        strides.push(stride);
        stride *= dim;
    }
    let walk = layout::Offsets::new(shape.to_vec(), strides);
    match values {
        Values::Float(values) => Values::Float(walk.map(|at| values[at]).collect()),
        Values::Int(values) => Values::Int(walk.map(|at| values[at]).collect()),
        Values::Bool(values) => Values::Bool(walk.map(|at| values[at]).collect()),
    }
}

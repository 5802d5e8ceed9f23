//! What comes before the parts of a form, and the heads of parts, are short: whoever reads a form keeps them in memory until they end.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::body::BodyError;

/// Bytes before the first part, and of a part's head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// As RFC 2046 has it.
const MAX_BOUNDARY_CHARS: usize = 70;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Where a form is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first boundary, or in the head of a part, after this many bytes.
    Head { bytes: usize, until: Mark },
    /// In a part's content.
    Content,
}

/// What ends a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Boundary,
    EndOfHead,
}

/// Looks for boundaries as a reader of the form does. What that takes for a part's content, this may take for a head; never the reverse.
struct Heads {
    boundary: Vec<u8>,
    place: Place,
    /// The last bytes of what came before: a mark may be cut in two.
    tail: Vec<u8>,
}

impl Heads {
    fn new(boundary: &str) -> Self {
        let place = Place::Head { bytes: 0, until: Mark::Boundary };
        Self { boundary: [b"--", boundary.as_bytes()].concat(), place, tail: Vec::new() }
    }

    fn read(&mut self, piece: &[u8]) -> Result<(), BodyError> {
        let joined = [&self.tail, piece].concat();
        let mut rest = joined.as_slice();
        loop {
            let mark = match self.place {
                Place::Head { until: Mark::EndOfHead, .. } => END_OF_HEAD,
                _ => self.boundary.as_slice(),
            };
            let found = rest.windows(mark.len()).position(|window| window == mark);
            let (passed, after) = match found {
                Some(at) => (at, rest.get(at + mark.len()..).unwrap_or_default()),
                None => {
                    // All but what may be the beginning of a mark.
                    let passed = rest.len().saturating_sub(mark.len() - 1);
                    (passed, rest.get(passed..).unwrap_or_default())
                }
            };
            if let Place::Head { bytes, .. } = &mut self.place {
                *bytes += passed;
                if *bytes > MAX_HEAD_BYTES {
                    return Err(BodyError::Form(
                        "the form has no parts where they should be: a part's head is longer than 16 KiB",
                    ));
                }
            }
            rest = after;
            if found.is_none() {
                self.tail = rest.to_vec();
                return Ok(());
            }
            self.place = match self.place {
                Place::Head { until: Mark::EndOfHead, .. } => Place::Content,
                _ => Place::Head { bytes: 0, until: Mark::EndOfHead },
            };
        }
    }
}

/// A form's bytes, unless one of its heads is too long.
pub(super) fn with_short_heads(
    pieces: impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    boundary: &str,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + 'static {
    let state = (Box::pin(pieces), Heads::new(boundary));
    stream::try_unfold(state, |(mut pieces, mut heads)| async move {
        let Some(piece) = pieces.next().await.transpose()? else { return Ok(None) };
        heads.read(&piece)?;
        Ok(Some((piece, (pieces, heads))))
    })
}

/// The boundary that a form's type names, as whoever reads the form's parts finds it: by the same parser, since another one could find
/// another boundary.
pub(super) fn boundary(content_type: &str) -> Result<String, BodyError> {
    let found = multer::parse_boundary(content_type);
    found.ok().filter(|boundary| (1..=MAX_BOUNDARY_CHARS).contains(&boundary.len())).ok_or(BodyError::Form(
        "the form's type names no boundary of 1 to 70 characters: send `Content-Type: multipart/form-data; boundary=..`, as HTTP \
         libraries do by themselves",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(form: &[u8], piece: usize) -> bool {
        let mut heads = Heads::new("line");
        form.chunks(piece).all(|piece| heads.read(piece).is_ok())
    }

    #[test]
    fn contents_are_long_and_heads_are_not() {
        let long = vec![b'x'; MAX_HEAD_BYTES + 100];
        let head = b"--line\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
        let form = [head, &long[..], b"\r\n", head, b"short\r\n--line--\r\n"].concat();
        let no_boundary = long.clone();
        let long_head = [b"--line\r\nContent-Disposition: ", &long[..]].concat();
        let long_second = [&form[..form.len() - 4], b"\r\nx: ", &long[..]].concat();
        for piece in [1, 7, 100, 1 << 20] {
            assert!(reads(&form, piece), "{piece}");
            assert!(!reads(&no_boundary, piece), "{piece}");
            assert!(!reads(&long_head, piece), "{piece}");
            assert!(!reads(&long_second, piece), "{piece}");
        }
    }

    /// Where a form's reader and this one found different boundaries, the reader kept what came in memory.
    #[test]
    fn boundaries_are_those_of_the_forms_reader() {
        let found = |content_type: &str| boundary(content_type).ok();
        assert_eq!(found("multipart/form-data; boundary=line").as_deref(), Some("line"));
        assert_eq!(found("multipart/form-data; charset=utf-8; Boundary=line").as_deref(), Some("line"));
        let quoted = "multipart/form-data; x=\"; boundary=a\"; boundary=b";
        assert_eq!(found(quoted).as_deref(), Some("b"));
        let of_length = |length| format!("multipart/form-data; boundary={}", "x".repeat(length));
        assert!(found(&of_length(70)).is_some());
        for none in ["multipart/form-data", "multipart/form-data; boundary=", "", &of_length(71)] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}

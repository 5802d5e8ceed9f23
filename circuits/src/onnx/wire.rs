//! A first walk over the bytes of an uploaded model, before anything is allocated for it.
//!
//! Two bytes can make a message that takes hundreds in memory, so a file within its size limit could still exhaust
//! memory when it is decoded. This walk follows the protobuf wire format along the message fields that ONNX defines,
//! counts them and stops at a limit. It also tells a file that was cut off from one that is no protobuf at all.

use super::Error;

/// A message type, as far as its fields hold messages or repeated strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Training,
    Function,
    Leaf,
}

/// The message that field `field` of `parent` holds. Field numbers are those of `onnx.proto`.
fn child(parent: Message, field: u64) -> Option<Message> {
    use Message::*;
    Some(match (parent, field) {
        (Model, 7) => Graph,
        (Model, 8 | 14) => Leaf,
        (Model, 20) => Training,
        (Model, 25) => Function,
        (Training, 1 | 2) => Graph,
        (Training, 3 | 4) => Leaf,
        (Function, 7) => Node,
        (Function, 4..=6 | 9) => Leaf,
        (Graph, 1) => Node,
        (Graph, 5) => Tensor,
        (Graph, 11..=13) => ValueInfo,
        (Graph, 14) => Leaf,
        (Graph, 15) => Sparse,
        (Node, 1 | 2) => Leaf,
        (Node, 5) => Attribute,
        (Attribute, 5 | 10) => Tensor,
        (Attribute, 6 | 11) => Graph,
        (Attribute, 9) => Leaf,
        (Attribute, 15) => Type,
        (Attribute, 22 | 23) => Sparse,
        (Sparse, 1 | 2) => Tensor,
        (Tensor, 3 | 6 | 13) => Leaf,
        (ValueInfo, 2) => Type,
        (Type, 1) => TensorType,
        (TensorType, 2) => Shape,
        (Shape, 1) => Leaf,
        _ => return None,
    })
}

/// Deeper nesting than any supported model has; `prost` itself stops at 100.
const MAX_DEPTH: usize = 32;

/// Walks `bytes` as a `ModelProto` with at most `max_records` messages and repeated strings.
pub(super) fn scan_model(bytes: &[u8], max_records: usize) -> Result<(), Error> {
    scan(bytes, Message::Model, max_records)
}

/// Walks `bytes` as a `TensorProto`, as [`scan_model`] does.
pub(super) fn scan_tensor(bytes: &[u8], max_records: usize) -> Result<(), Error> {
    scan(bytes, Message::Tensor, max_records)
}

fn scan(bytes: &[u8], root: Message, max_records: usize) -> Result<(), Error> {
    let mut open = vec![(root, bytes.len())];
    let mut at = 0;
    let mut records = 0;
    while let Some(&(message, end)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        let start = at;
        let key = varint(bytes, &mut at, end)?;
        let field = key >> 3;
        if field == 0 {
            return Err(not_onnx(start, "a field with number 0"));
        }
        let length = match key & 7 {
            0 => {
                varint(bytes, &mut at, end)?;
                0
            }
            1 => 8,
            2 => varint(bytes, &mut at, end)?,
            5 => 4,
            _ => return Err(not_onnx(start, "a field of no known wire type")),
        };
        let next = usize::try_from(length).ok().and_then(|length| at.checked_add(length)).filter(|&next| next <= end);
        let Some(next) = next else {
            return Err(Error::Truncated { field: start, length, left: end - at });
        };
        match child(message, field).filter(|_| key & 7 == 2) {
            Some(inner) => {
                records += 1;
                if records > max_records {
                    return Err(Error::TooLarge { what: "messages in the file", limit: max_records, got: records });
                }
                if open.len() == MAX_DEPTH {
                    return Err(not_onnx(start, "messages nested too deep"));
                }
                if inner == Message::Leaf { at = next } else { open.push((inner, next)) }
            }
            None => at = next,
        }
    }
    Ok(())
}

/// A base-128 varint of at most 64 bits that ends before `end`.
fn varint(bytes: &[u8], at: &mut usize, end: usize) -> Result<u64, Error> {
    let start = *at;
    let mut value = 0u64;
    for (position, &byte) in bytes[start..end].iter().take(10).enumerate() {
        if position == 9 && byte > 1 {
            return Err(not_onnx(start, "an integer of more than 64 bits"));
        }
        value |= u64::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            *at = start + position + 1;
            return Ok(value);
        }
    }
    // Ten bytes are decided above, so the bytes ran out.
    Err(Error::Truncated { field: start, length: 1, left: 0 })
}

fn not_onnx(at: usize, reason: &str) -> Error {
    Error::NotOnnx { reason: format!("byte {at} starts {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ModelProto { graph: { node: [{}, {}, {}] } }`: two bytes per node.
    const THREE_NODES: [u8; 8] = [7 << 3 | 2, 6, 1 << 3 | 2, 0, 1 << 3 | 2, 0, 1 << 3 | 2, 0];

    #[test]
    fn counts_messages_before_they_are_allocated() {
        assert!(scan_model(&THREE_NODES, 4).is_ok());
        assert!(matches!(scan_model(&THREE_NODES, 3), Err(Error::TooLarge { limit: 3, got: 4, .. })));
    }

    #[test]
    fn every_cut_through_a_message_is_seen() {
        for cut in 1..THREE_NODES.len() {
            assert!(matches!(scan_model(&THREE_NODES[..cut], 4), Err(Error::Truncated { .. })), "cut at {cut}");
        }
    }

    #[test]
    fn refuses_what_is_no_protobuf() {
        for (bytes, what) in [
            (&[0u8, 1][..], "number 0"),
            (&[0x0f, 1], "wire type"),
            (&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], "64 bits"),
        ] {
            let error = scan_model(bytes, 10).unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    /// A graph in an attribute of a node of a graph ...: four messages per level.
    #[test]
    fn refuses_deep_nesting() {
        let mut bytes = vec![];
        for _ in 0..20 {
            for tag in [6u8, 5, 1] {
                // The length needs no more than two bytes here.
                let mut outer = vec![tag << 3 | 2, (bytes.len() & 0x7f) as u8 | 0x80, (bytes.len() >> 7) as u8];
                outer.append(&mut bytes);
                bytes = outer;
            }
        }
        let mut model = vec![7 << 3 | 2, (bytes.len() & 0x7f) as u8 | 0x80, (bytes.len() >> 7) as u8];
        model.append(&mut bytes);
        let error = scan_model(&model, 1000).unwrap_err();
        assert!(error.to_string().contains("too deep"), "{error}");
    }
}

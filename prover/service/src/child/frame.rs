//! Messages over pipes: four bytes of length, little-endian, then the message.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest message. Inputs and proofs are in messages, models and keys are not.
const MAX_BYTES: u32 = 512 << 20;

/// A message as it is sent.
pub(crate) fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4).ok().filter(|length| *length <= MAX_BYTES).ok_or_else(too_long)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

fn decode<T: DeserializeOwned>(message: &[u8]) -> io::Result<T> {
    postcard::from_bytes(message).map_err(io::Error::other)
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message that is too long")
}

fn check(length: u32) -> io::Result<usize> {
    if length <= MAX_BYTES { Ok(length as usize) } else { Err(too_long()) }
}

pub(super) fn write(writer: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    writer.write_all(&encode(message)?)?;
    writer.flush()
}

pub(super) fn read<T: DeserializeOwned>(reader: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    reader.read_exact(&mut length)?;
    let mut message = Vec::new();
    let length = check(u32::from_le_bytes(length))?;
    // Grows with what comes, not with what is announced.
    if reader.take(length as u64).read_to_end(&mut message)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode(&message)
}

/// Sends what [`encode`] made.
pub(super) async fn send(writer: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    writer.write_all(frame).await?;
    writer.flush().await
}

pub(super) async fn receive<T: DeserializeOwned>(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let length = check(reader.read_u32_le().await?)?;
    let mut message = Vec::new();
    if reader.take(length as u64).read_to_end(&mut message).await? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decode(&message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read() {
        let message = (7u8, "text".to_owned(), vec![1u8; 100_000]);
        let mut bytes = Vec::new();
        write(&mut bytes, &message).unwrap();
        assert_eq!(read::<(u8, String, Vec<u8>)>(&mut bytes.as_slice()).unwrap(), message);
        assert_eq!(receive::<(u8, String, Vec<u8>)>(&mut bytes.as_slice()).await.unwrap(), message);
        let mut sent = Vec::new();
        send(&mut sent, &encode(&message).unwrap()).await.unwrap();
        assert_eq!(sent, bytes);
    }

    /// Every kind of message, with what may be left out left out: fields that are skipped would shift those after them.
    #[test]
    fn every_message_comes_through() {
        use crate::child::{Compile, Duty, Prove, ProveInput, Reply, Request, Setup, StoredFile};
        use crate::store::JobError;
        let setup = Setup { srs: None, srs_digest: None, cache: "c".into(), duty: Duty::OneJob, memory_bytes: 1 };
        let file = StoredFile { path: "f".into(), digest: [3; 32] };
        let compile =
            Compile { onnx: file.clone(), calibration: None, options: "{}".to_owned(), max_k: 7, folder: "d".into() };
        let input = ProveInput { record: "{}".to_owned(), context: [1; 32] };
        for request in [
            Request::Setup(setup),
            Request::Compile(compile),
            Request::Prove(Prove { program_digest: [2; 32], inputs: vec![input] }),
            Request::Keys { program: file.clone(), proving_key: file },
        ] {
            let mut bytes = Vec::new();
            write(&mut bytes, &request).unwrap();
            assert_eq!(format!("{:?}", read::<Request>(&mut bytes.as_slice()).unwrap()), format!("{request:?}"));
        }
        let failed = Reply::Failed(JobError { code: "c".to_owned(), detail: "d".to_owned() });
        for reply in
            [Reply::Ready, Reply::NeedKeys, failed, Reply::Proved(vec![]), Reply::Unavailable("why".to_owned())]
        {
            let mut bytes = Vec::new();
            write(&mut bytes, &reply).unwrap();
            assert_eq!(format!("{:?}", read::<Reply>(&mut bytes.as_slice()).unwrap()), format!("{reply:?}"));
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &"text").unwrap();
        for length in 0..bytes.len() {
            read::<String>(&mut &bytes[..length]).unwrap_err();
        }
        let error = read::<String>(&mut &[0xff; 8][..]).unwrap_err();
        assert_eq!(error.to_string(), "a message that is too long");
    }
}

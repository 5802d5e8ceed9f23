//! What stands between a client and a server: passes requests on, or answers by itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers each request, one after the other on connections of their own, until the test ends.
pub(crate) struct Proxy(SocketAddr);

impl Proxy {
    /// `by_itself` gets the address of each request, and may answer it; the others go to `server`. An empty answer is the connection's end.
    pub(crate) fn start(
        server: Option<SocketAddr>,
        by_itself: impl FnMut(&str) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let by_itself = Arc::new(Mutex::new(by_itself));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let by_itself = Arc::clone(&by_itself);
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    let Some((head, body)) = request(&mut stream) else { return };
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    let answered = (by_itself.lock().unwrap())(&path);
                    let answer = match (answered, server) {
                        (Some(answer), _) => answer,
                        (None, Some(server)) => pass(server, &head, &body),
                        (None, None) => vec![],
                    };
                    // Whoever has read enough is gone.
                    let _ = stream.write_all(&answer);
                });
            }
        });
        Self(address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

/// A request's head and body.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).ok()? {
            0 => return None,
            length => read.extend(&piece[..length]),
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = read[end + 4..].to_vec();
    let mut rest = vec![0; length.unwrap_or(0).saturating_sub(body.len())];
    stream.read_exact(&mut rest).ok()?;
    body.extend(rest);
    Some((head, body))
}

fn pass(server: SocketAddr, head: &str, body: &[u8]) -> Vec<u8> {
    let kept = head.lines().filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !name.eq_ignore_ascii_case("connection") && !name.eq_ignore_ascii_case("host")
    });
    let head = kept.collect::<Vec<_>>().join("\r\n");
    let mut stream = TcpStream::connect(server).unwrap();
    write!(stream, "{head}\r\nHost: {server}\r\nConnection: close\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// What a server answers at an address.
pub(crate) fn forward(server: SocketAddr, method: &str, path: &str) -> Vec<u8> {
    pass(server, &format!("{method} {path} HTTP/1.1"), b"")
}

/// An answer, after which the connection ends.
pub(crate) fn answer(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}", body.len());
    format!("{head}\r\nContent-Type: {content_type}\r\n\r\n{body}").into_bytes()
}

//! A server on this machine, for what an action asks over HTTP.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

/// An answer with status 200.
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) body: &'static str,
}

/// Serves on a free port, which is returned. The server keeps its connections; `answer` is given the first line
/// of each request.
pub(super) fn serve(answer: fn(&str) -> Answer) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks off is the other side's to tell.
            std::thread::spawn(move || answer_all(stream, answer).ok());
        }
    });
    Ok(port)
}

fn answer_all(mut stream: TcpStream, answer: fn(&str) -> Answer) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        pass_over_the_rest(&mut reader)?;
        let Answer { content_type, body } = answer(&first);
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes())?;
    }
}

/// Headers, and as much body as they tell of.
fn pass_over_the_rest(reader: &mut BufReader<TcpStream>) -> std::io::Result<()> {
    let mut body = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let length =
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|length| length.trim().parse());
        body = length.and_then(Result::ok).unwrap_or(body);
    }
    std::io::copy(&mut reader.take(body), &mut std::io::sink()).map(drop)
}

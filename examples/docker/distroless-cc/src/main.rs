//! Answers every request. It knows nothing of signals: as PID 1 it would not even end at SIGTERM, which has no effect on a
//! PID 1 without a handler. Under onset it ends like any process, and `[exit]` says that this is well.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> io::Result<()> {
    let port = std::env::var("PORT").expect("onset sets PORT");
    for stream in TcpListener::bind(format!("[::]:{port}"))?.incoming() {
        // A client that goes away is no reason to end.
        let _ = stream.and_then(answer);
    }
    Ok(())
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    let lines = BufReader::new(&stream).lines();
    lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n")
}

//! A small HTTP client: one question without content, the answer's status, and the beginning of its content. Redirects are
//! answers like any other.

use super::address::Url;
use super::because;
use super::connect::{connect, left};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 64 << 10;
/// The most that is read of an answer's content, in bytes.
pub const LARGEST_BODY: usize = 1 << 20;
/// How much is read at a time.
const CHUNK: usize = 4096;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200 to 999.
    pub status: u16,
    /// The beginning of its content, [`LARGEST_BODY`] at most; empty if it was not asked for.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether its status is one of those, and its content has that text in it.
    ///
    /// # Errors
    /// What is not so.
    pub fn judge(&self, accepted: impl Fn(u16) -> bool, contains: Option<&[u8]>) -> Result<(), String> {
        if !accepted(self.status) {
            return Err(format!("it answers with status {}", self.status));
        }
        match contains {
            Some(text) if !has(&self.body, text) => Err("its answer does not have the text in it".to_owned()),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a status is a success where nobody says which are: 200 to 399, as the kubelet has it for its HTTP probes.
pub fn is_success(status: u16) -> bool {
    (200..400).contains(&status)
}

/// Whether a text is somewhere in a content.
pub fn has(content: &[u8], text: &[u8]) -> bool {
    text.is_empty() || content.windows(text.len()).any(|window| window == text)
}

/// A question.
pub struct Request<'a> {
    /// A token: [`is_token`].
    pub method: &'a str,
    /// What is asked for, and where.
    pub url: &'a Url,
    /// What is asked over instead: a socket in the file system. The URL still says what the Host header does.
    pub socket: Option<&'a Path>,
    /// Headers beside our own; one of theirs called Host stands for ours.
    pub headers: &'a [(String, Vec<u8>)],
    /// Whether the answer's content is read.
    pub wants_body: bool,
}

impl<'a> Request<'a> {
    /// A plain GET, whose content nobody wants.
    pub fn get(url: &'a Url) -> Self {
        Request { method: "GET", url, socket: None, headers: &[], wants_body: false }
    }

    /// Asks.
    ///
    /// # Errors
    /// Why there is no answer that can be read, in words.
    pub fn ask(&self, deadline: Duration) -> Result<Answer, String> {
        let stream = match self.socket {
            // What TcpStream does with its descriptor is right for any socket that is a stream, and its writes, unlike
            // those of UnixStream, raise no SIGPIPE.
            Some(path) => UnixStream::connect(path)
                .map(|stream| TcpStream::from(OwnedFd::from(stream)))
                .map_err(|error| because(&error))?,
            None => connect(&self.url.address, deadline)?,
        };
        let mut stream = Timed { stream, deadline };
        stream.write_all(&self.head()).map_err(|error| format!("cannot ask: {}", because(&error)))?;
        read_answer(&mut |buffer| stream.read(buffer), self.wants_body && self.method != "HEAD")
    }

    fn head(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.url.target).into_bytes();
        let has = |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let mut put = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                head.extend_from_slice(part);
            }
        };
        let ours = [
            ("Host", &*self.url.host()),
            ("User-Agent", "onset"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("Content-Length", "0"),
        ];
        // With these methods content is expected, and some servers insist on knowing that there is none (RFC 9110,
        // section 8.6).
        let count = if matches!(self.method, "POST" | "PUT" | "PATCH") { ours.len() } else { ours.len() - 1 };
        for (name, value) in &ours[..count] {
            if !has(name) {
                put(name, value.as_bytes());
            }
        }
        for (name, value) in self.headers {
            put(name, value);
        }
        put("Connection", b"close");
        head.extend_from_slice(b"\r\n");
        head
    }
}

/// Whether that can be a method's or a header's name (RFC 9110, "token").
pub fn is_token(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// Whether that can be a header's name, and one we do not set ourselves to read the answer.
pub fn is_header_name(name: &str) -> bool {
    is_token(name) && !name.eq_ignore_ascii_case("Connection")
}

/// Whether that can be a header's value: no line ends, no NUL.
pub fn is_header_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| b"\r\n\0".contains(byte))
}

/// A stream on which nothing takes longer than up to the deadline.
struct Timed {
    stream: TcpStream,
    deadline: Duration,
}

impl Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)))?;
        self.stream.read(buffer)
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(self.deadline)))?;
            match self.stream.write(bytes) {
                Ok(length) => bytes = &bytes[length..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What reads the next of an answer, as read(2) does.
type Source<'a> = &'a mut dyn FnMut(&mut [u8]) -> io::Result<usize>;

/// How the end of an answer's content is told (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
    UntilEnd,
}

fn read_answer(source: Source<'_>, wants_body: bool) -> Result<Answer, String> {
    let mut input = Input { source, buffer: Vec::new(), at: 0 };
    let mut head = LARGEST_HEAD;
    loop {
        let status = input.status(&mut head)?;
        let mut length = Length::UntilEnd;
        loop {
            let line = input.line(&mut head)?;
            if line.is_empty() {
                break;
            }
            length = note_length(&line, length)?;
        }
        // 100 Continue, 103 Early Hints: the answer is yet to come.
        if status < 200 {
            continue;
        }
        let body = match status {
            204 | 304 => Vec::new(),
            _ if !wants_body => Vec::new(),
            _ => input.body(length)?,
        };
        return Ok(Answer { status, body });
    }
}

/// What a header says of the content's length. Chunks count more than a number.
fn note_length(line: &[u8], length: Length) -> Result<Length, String> {
    let mut halves = line.splitn(2, |&byte| byte == b':');
    let name = halves.next().unwrap_or_default();
    let value = halves.next().unwrap_or_default().trim_ascii();
    if name.eq_ignore_ascii_case(b"transfer-encoding") {
        let last = value.rsplit(|&byte| byte == b',').next().unwrap_or_default().trim_ascii();
        return Ok(if last.eq_ignore_ascii_case(b"chunked") { Length::Chunked } else { Length::UntilEnd });
    }
    if name.eq_ignore_ascii_case(b"content-length") && length != Length::Chunked {
        let number = number(value, 10);
        return number.map(Length::Known).ok_or_else(|| "the answer has a Content-Length that is no number".to_owned());
    }
    Ok(length)
}

/// A number that is written in digits alone, of this base.
fn number(text: &[u8], base: u32) -> Option<usize> {
    let text = std::str::from_utf8(text).ok()?;
    if !text.chars().all(|character| character.is_digit(base)) {
        return None;
    }
    usize::from_str_radix(text, base).ok()
}

/// What has been read, and where the next is read from.
struct Input<'a> {
    source: Source<'a>,
    buffer: Vec<u8>,
    at: usize,
}

impl Input<'_> {
    /// Reads more; `false` at the end.
    fn fill(&mut self) -> Result<bool, String> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let mut chunk = [0; CHUNK];
        loop {
            match (self.source)(&mut chunk) {
                Ok(length) => {
                    self.buffer.extend_from_slice(&chunk[..length]);
                    return Ok(length > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(because(&error)),
            }
        }
    }

    /// A line without its end, of at most as many bytes as are left of `limit`.
    fn line(&mut self, limit: &mut usize) -> Result<Vec<u8>, String> {
        loop {
            let rest = &self.buffer[self.at..];
            let end = rest.iter().position(|&byte| byte == b'\n');
            let length = end.map_or(rest.len(), |end| end + 1);
            if length > *limit {
                return Err("the answer's head is too large".to_owned());
            }
            if let Some(end) = end {
                let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]).to_vec();
                *limit -= length;
                self.at += length;
                return Ok(line);
            }
            if !self.fill()? {
                return Err(ended_early());
            }
        }
    }

    fn status(&mut self, limit: &mut usize) -> Result<u16, String> {
        let line = self.line(limit).map_err(|error| if self.buffer.is_empty() { no_answer(error) } else { error })?;
        let mut words = line.split(|&byte| byte == b' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().filter(|word| word.len() == 3).and_then(|word| number(word, 10));
        let status = status.and_then(|status| u16::try_from(status).ok()).filter(|&status| status >= 100);
        status.filter(|_| version.starts_with(b"HTTP/1.")).ok_or_else(|| "the answer is not HTTP/1".to_owned())
    }

    /// At most `count` bytes, or as many as there are; whether there were as many.
    fn take(&mut self, count: usize, into: &mut Vec<u8>) -> Result<bool, String> {
        let mut missing = count;
        loop {
            let length = missing.min(self.buffer.len() - self.at);
            into.extend_from_slice(&self.buffer[self.at..self.at + length]);
            self.at += length;
            missing -= length;
            if missing == 0 {
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn body(&mut self, length: Length) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        match length {
            Length::UntilEnd => {
                self.take(LARGEST_BODY, &mut body)?;
            }
            Length::Known(length) => {
                if !self.take(length.min(LARGEST_BODY), &mut body)? {
                    return Err(ended_early());
                }
            }
            Length::Chunked => self.chunks(&mut body)?,
        }
        Ok(body)
    }

    /// Chunks (RFC 9112, section 7.1), up to the last or as many as are wanted.
    fn chunks(&mut self, body: &mut Vec<u8>) -> Result<(), String> {
        let wrong = || "the answer's chunks cannot be read".to_owned();
        loop {
            let line = self.line(&mut CHUNK.clone())?;
            let size = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
            let size = number(size, 16).ok_or_else(wrong)?;
            let room = LARGEST_BODY - body.len();
            if size == 0 || room == 0 {
                return Ok(());
            }
            if !self.take(size.min(room), body)? {
                return Err(ended_early());
            }
            if size <= room && !self.line(&mut CHUNK.clone())?.is_empty() {
                return Err(wrong());
            }
            if size > room {
                return Ok(());
            }
        }
    }
}

fn ended_early() -> String {
    "the answer ended too early".to_owned()
}

fn no_answer(error: String) -> String {
    if error == ended_early() { "the connection was closed without an answer".to_owned() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream that hands out so many bytes at a time.
    fn drip(mut text: &[u8], step: usize) -> impl FnMut(&mut [u8]) -> io::Result<usize> {
        move |buffer| {
            let length = step.min(text.len()).min(buffer.len());
            let (now, later) = text.split_at(length);
            buffer[..length].copy_from_slice(now);
            text = later;
            Ok(length)
        }
    }

    /// Read in every way the same.
    fn answer(text: &[u8]) -> Result<(u16, String), String> {
        let read = |step| read_answer(&mut drip(text, step), true);
        let whole = read(usize::MAX);
        for step in [1, 2, 3, 7] {
            assert_eq!(read(step), whole);
        }
        whole.map(|answer| (answer.status, String::from_utf8_lossy(&answer.body).into_owned()))
    }

    #[test]
    fn an_answer_is_read_however_its_end_is_told() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nreadyREST",
            "HTTP/1.0 200\r\n\r\nready",
            "HTTP/1.1 200 OK\nX: y\n\nready",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nrea\r\n02\r\ndy\r\n0\r\nTrailer: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\ntransfer-encoding: gzip, Chunked\r\n\r\n5\r\nready\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nready",
        ] {
            assert_eq!(answer(text.as_bytes()), Ok((200, "ready".to_owned())), "{text}");
        }
        assert_eq!(
            answer(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"),
            Ok((302, String::new()))
        );
        assert_eq!(answer(b"HTTP/1.1 204 No Content\r\n\r\n"), Ok((204, String::new())));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (text, said) in [
            ("", "the connection was closed without an answer"),
            ("HTTP/1.1 200 OK\r\nX: y\r\n", "ended too early"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nready", "ended too early"),
            ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no number"),
            ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nready", "no number"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nready", "ended too early"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "chunks"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nready\r\n", "chunks"),
            ("HTTP/2 200\r\n\r\n", "not HTTP/1"),
            ("SSH-2.0-OpenSSH\r\n", "not HTTP/1"),
            ("HTTP/1.1 99 x\r\n\r\n", "not HTTP/1"),
        ] {
            assert!(answer(text.as_bytes()).is_err_and(|error| error.contains(said)), "{text:?}");
        }
    }

    #[test]
    fn an_answer_without_end_takes_no_more_than_its_limits() {
        let endless = |start: &str, more: &[u8]| {
            let text = [start.as_bytes(), &more.repeat(4 * LARGEST_BODY / more.len())].concat();
            read_answer(&mut drip(&text, CHUNK), true)
        };
        let refused = Err("the answer's head is too large".to_owned());
        assert_eq!(endless("HTTP/1.1 200 OK\r\nX: ", b"x"), refused);
        assert_eq!(endless("HTTP/1.1 200 OK\r\n", b"X: y\r\n"), refused);
        assert_eq!(endless("", b"HTTP/1.1 100 Continue\r\n\r\n"), refused);
        for start in ["\r\n", "Content-Length: 99999999999\r\n\r\n"] {
            let answer = endless(&format!("HTTP/1.1 200 OK\r\n{start}"), b"x");
            assert_eq!(answer.map(|answer| answer.body.len()), Ok(LARGEST_BODY));
        }
        let chunked = endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"7\r\nendless\r\n");
        assert_eq!(chunked.map(|answer| answer.body.len()), Ok(LARGEST_BODY));
    }

    #[test]
    fn without_a_body_nothing_is_read_behind_the_head() {
        let mut drip = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", 1);
        assert_eq!(read_answer(&mut drip, false), Ok(Answer { status: 200, body: Vec::new() }));
    }

    #[test]
    fn a_request_has_our_headers_and_theirs() {
        let url = Url::parse("http://web:8080/a?b").expect("a URL");
        let ours = "GET /a?b HTTP/1.1\r\nHost: web:8080\r\nUser-Agent: onset\r\nAccept: */*\r\n\
            Accept-Encoding: identity\r\nConnection: close\r\n\r\n";
        let head = |method: &str, headers: &[(String, Vec<u8>)]| {
            String::from_utf8(Request { method, headers, ..Request::get(&url) }.head()).expect("text")
        };
        assert_eq!(head("GET", &[]), ours);
        assert_eq!(head("HEAD", &[]), ours.replace("GET", "HEAD"));
        let post = ours.replace("GET", "POST").replace("identity", "identity\r\nContent-Length: 0");
        assert_eq!(head("POST", &[]), post);
        let theirs = head("GET", &[("host".to_owned(), b"x".to_vec())]);
        assert!(theirs.contains("\r\nhost: x\r\n") && !theirs.contains("Host:"), "{theirs}");
    }

    #[test]
    fn an_answer_is_judged_by_its_status_and_its_content() {
        let answer = Answer { status: 302, body: b"all is well".to_vec() };
        assert_eq!(answer.judge(is_success, None), Ok(()));
        assert_eq!(answer.judge(is_success, Some(b"is")), Ok(()));
        assert_eq!(answer.judge(|status| status == 200, None), Err("it answers with status 302".to_owned()));
        let missing = Err("its answer does not have the text in it".to_owned());
        assert_eq!(answer.judge(is_success, Some(b"ill")), missing);
        assert_eq!([199, 200, 399, 400].map(is_success), [false, true, true, false]);
    }

    #[test]
    fn headers_end_where_they_should() {
        assert!(is_header_name("X-Api_Key") && is_header_value(b"a: b"));
        assert!(!["", "a b", "a:", "connection"].into_iter().any(is_header_name));
        assert!(![&b"a\r\nX: y"[..], b"a\nb", b"a\0"].into_iter().any(is_header_value));
    }
}

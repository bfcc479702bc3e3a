//! The HTTP that git's protocol is spoken over: requests of `gix-transport`, sent by our own client.

use std::{
    cell::RefCell,
    io::{BufRead, Cursor, Read, Write},
    rc::Rc,
    time::{Duration, Instant},
};

use gix::error::ErrorExt as _;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use sluice_core::{Context, Problem, retry::Policy};
use sluice_http::{
    BodyLimit, Client, HeaderName, HeaderValue, Request, Response, Url, header::AUTHORIZATION, is_transient,
};

/// How long one request may take, in which a server packs all trees of a commit and sends them.
const ONE_TRY: Duration = Duration::from_mins(5);
/// How long a request may take with all its tries.
const PATIENCE: Duration = Duration::from_mins(10);
/// How many bytes of an answer are taken, which stands in memory: the trees of some millions of files.
const LONGEST_ANSWER: usize = 512 << 20;
/// A repository that was renamed redirects those who read.
const REDIRECTS: usize = 3;

/// A line to one server. It remembers what went wrong, in words for people: the protocol above it has its own.
pub(crate) struct Line<'a> {
    cx: &'a Context,
    client: Client,
    /// The header that says who asks. Redirects to another origin do not carry it.
    authorization: Option<HeaderValue>,
    redirected: Option<String>,
    trouble: Rc<RefCell<Option<Problem>>>,
}

impl<'a> Line<'a> {
    pub(crate) fn new(
        cx: &'a Context,
        client: Client,
        authorization: Option<HeaderValue>,
        trouble: Rc<RefCell<Option<Problem>>>,
    ) -> Self {
        Self { cx, client, authorization, redirected: None, trouble }
    }

    fn complete(&self, request: Request, headers: impl IntoIterator<Item = impl AsRef<str>>) -> Request {
        let named = headers.into_iter().filter_map(|line| {
            let (name, value) = line.as_ref().split_once(':')?;
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value.trim()).ok()?))
        });
        let named = named.chain(self.authorization.clone().map(|value| (AUTHORIZATION, value)));
        // What is fetched changes nothing on the server: a POST may be sent again, too.
        let request = request.timeout(ONE_TRY).body_limit(BodyLimit::Fail(LONGEST_ANSWER)).idempotent(true);
        named.fold(request, |request, (name, value)| request.header(name, value))
    }

    fn call(&self, request: Request) -> Call<'a> {
        Call {
            cx: self.cx,
            client: self.client.clone(),
            trouble: Rc::clone(&self.trouble),
            request: Some(request),
            body: Vec::new(),
            answer: None,
        }
    }
}

impl<'a> Http for Line<'a> {
    type Headers = Part<'a>;
    type ResponseBody = Part<'a>;
    type PostBody = Question<'a>;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Part<'a>, Part<'a>>> {
        let request = Request::get(parse(url)?).redirects(REDIRECTS);
        let mut call = self.call(self.complete(request, headers));
        let answer = call.answer().map_err(std::io::Error::raise)?;
        let (asked, came) = (url.strip_prefix(base_url), answer.from.clone());
        self.redirected = asked.and_then(|tail| came.strip_suffix(tail).map(str::to_owned));
        let (headers, body) = Part::of(call);
        Ok(GetResponse { headers, body })
    }

    fn post(
        &mut self,
        url: &str,
        _: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Part<'a>, Part<'a>, Question<'a>>> {
        let request = self.complete(Request::post(parse(url)?, Vec::new()), headers);
        let (headers, body) = Part::of(self.call(request));
        Ok(PostResponse { post_body: Question(Rc::clone(&body.call)), headers, body })
    }

    fn configure(&mut self, _: &dyn std::any::Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

fn parse(url: &str) -> gix::Result<Url> {
    Url::parse(url).map_err(sluice_http::Error::raise)
}

/// One request, which is sent when its answer is first asked for: until then its body is written.
struct Call<'a> {
    cx: &'a Context,
    client: Client,
    trouble: Rc<RefCell<Option<Problem>>>,
    /// Until it is sent.
    request: Option<Request>,
    body: Vec<u8>,
    answer: Option<Answer>,
}

struct Answer {
    headers: Vec<u8>,
    body: bytes::Bytes,
    from: String,
}

impl Call<'_> {
    fn answer(&mut self) -> std::io::Result<&Answer> {
        if let Some(request) = self.request.take() {
            let request = request.body(std::mem::take(&mut self.body));
            match self.send(request) {
                Ok(answer) => self.answer = Some(answer),
                Err(problem) => {
                    self.trouble.borrow_mut().get_or_insert(problem);
                }
            }
        }
        self.answer.as_ref().ok_or_else(|| std::io::Error::other("the server gave no answer"))
    }

    fn send(&self, request: Request) -> Result<Answer, Problem> {
        let policy = Policy::default();
        let deadline = Instant::now() + PATIENCE;
        let tried = self.client.send_with_retry(request, &policy, deadline, is_transient);
        let failed =
            |why: &dyn std::fmt::Display| Problem::undecided("could not fetch from the server").why(why);
        match self.cx.block_on(tried)?.outcome {
            Ok(response) if response.status.is_success() => Ok(Answer::of(response)),
            Ok(response) => {
                let why = format!("{} answers {}", response.url.origin(), response.status);
                let help = match response.status.as_u16() {
                    401 | 403 | 404 => {
                        "give a `token` that may read the repository: `permissions: contents: read`"
                    }
                    _ => "run again later",
                };
                Err(failed(&why).help(help))
            }
            Err(error) => {
                Err(failed(&error).help("check the network, and that the server can be reached from here"))
            }
        }
    }
}

impl Answer {
    fn of(response: Response) -> Self {
        let mut headers = Vec::new();
        for (name, value) in &response.headers {
            headers.extend_from_slice(name.as_str().as_bytes());
            headers.extend_from_slice(b": ");
            headers.extend_from_slice(value.as_bytes());
            headers.push(b'\n');
        }
        Self { headers, body: response.body, from: response.url.reveal() }
    }
}

/// The body of a request while it is written.
pub(crate) struct Question<'a>(Rc<RefCell<Call<'a>>>);

impl Write for Question<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().body.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The headers or the body of an answer.
pub(crate) struct Part<'a> {
    call: Rc<RefCell<Call<'a>>>,
    take: fn(&Answer) -> bytes::Bytes,
    taken: Option<Cursor<bytes::Bytes>>,
}

impl<'a> Part<'a> {
    fn of(call: Call<'a>) -> (Self, Self) {
        let call = Rc::new(RefCell::new(call));
        let headers = |answer: &Answer| bytes::Bytes::from(answer.headers.clone());
        let body = |answer: &Answer| answer.body.clone();
        (Self { call: Rc::clone(&call), take: headers, taken: None }, Self { call, take: body, taken: None })
    }

    fn taken(&mut self) -> std::io::Result<&mut Cursor<bytes::Bytes>> {
        if self.taken.is_none() {
            self.taken = Some(Cursor::new((self.take)(self.call.borrow_mut().answer()?)));
        }
        self.taken.as_mut().ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.taken()?.read(buffer)
    }
}

impl BufRead for Part<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.taken()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(taken) = &mut self.taken {
            taken.consume(amount);
        }
    }
}

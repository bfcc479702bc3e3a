//! Fetching from a git server, with version 2 of its protocol: <https://git-scm.com/docs/protocol-v2>.
//!
//! Only what is missing is asked for, and never the content of a file: to compare trees takes none.

use std::{cell::RefCell, path::Path, rc::Rc, sync::atomic::AtomicBool};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gix::{ObjectId, bstr::BString, error::message, progress::Discard};
use gix_protocol::{
    Command, Handshake, LsRefsCommand,
    fetch::{Arguments, Response},
    handshake::Ref,
    ls_refs::RefPrefixes,
};
use gix_transport::{Protocol, Service, client::blocking_io::http::Transport};
use sluice_core::{Context, Problem, Secret};
use sluice_http::{Client, HeaderValue};

use crate::transport::Line;

/// A server of one repository.
pub(crate) struct Server<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) client: Client,
    /// The address of the repository, `https://github.com/acme/shop.git`.
    pub(crate) url: String,
    pub(crate) token: Option<Secret>,
}

/// What to fetch of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The commit with its trees.
    Trees,
    /// The commit with all its ancestors, without any tree.
    History,
}

/// Whether the server had what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    Yes,
    /// It says that it has no such commit.
    Unknown,
}

impl Server<'_> {
    /// The branches and tags whose full names begin with one of these, each with the commit that it stands for.
    pub(crate) fn references(&self, names: &[&str]) -> Result<Vec<(BString, ObjectId)>, Problem> {
        let mut session = self.connect()?;
        let mut prefixes = RefPrefixes::new();
        prefixes.extend(names.iter().map(|name| BString::from(*name)));
        let command = LsRefsCommand::new(Some(prefixes), &session.handshake.capabilities, agent());
        let found = command.invoke_blocking(&mut session.transport, &mut Discard, false);
        let found = found.map_err(|error| session.trouble(&error))?;
        Ok(found.into_iter().filter_map(named).collect())
    }

    /// Fetches a commit into a folder of packs.
    pub(crate) fn fetch(&self, commit: ObjectId, want: Want, into: &Path) -> Result<Fetched, Problem> {
        let mut session = self.connect()?;
        match session.fetch(commit, want, into) {
            Ok(()) => Ok(Fetched::Yes),
            // The words of git's own server, which GitHub's runs, too.
            Err(error) if chain(&error).contains("not our ref") => Ok(Fetched::Unknown),
            Err(error) => Err(session.trouble(&error)),
        }
    }

    fn connect(&self) -> Result<Session<'_>, Problem> {
        let trouble = Rc::default();
        let url = gix::Url::try_from(self.url.as_str()).map_err(|error| {
            Problem::undecided("could not fetch from the server").why(format!("its address is none: {error}"))
        })?;
        let line = Line::new(self.cx, self.client.clone(), self.authorization(), Rc::clone(&trouble));
        let transport = Transport::new_http(line, url, Protocol::V2, false);
        let mut session = Session { transport, handshake: Handshake::default(), trouble };
        let no_one_to_ask = |_| Ok(None);
        let handshake = gix_protocol::handshake(
            &mut session.transport,
            Service::UploadPack,
            no_one_to_ask,
            Vec::new(),
            &mut Discard,
        );
        session.handshake = handshake.map_err(|error| session.trouble(&error))?;
        if session.handshake.server_protocol_version != Protocol::V2 {
            return Err(Problem::undecided("could not fetch from the server")
                .why("it does not speak version 2 of git's protocol")
                .help("have the commits fetched by actions/checkout: `fetch-depth: 0`"));
        }
        Ok(session)
    }

    /// GitHub takes a token as the password of any user.
    fn authorization(&self) -> Option<HeaderValue> {
        let token = self.token.as_ref()?;
        let login = format!("x-access-token:{}", token.expose());
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(login))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// A conversation with a server.
struct Session<'a> {
    transport: Transport<Line<'a>>,
    handshake: Handshake,
    trouble: Rc<RefCell<Option<Problem>>>,
}

impl Session<'_> {
    fn fetch(&mut self, commit: ObjectId, want: Want, into: &Path) -> gix::Result {
        let mut features = Command::Fetch.default_features(Protocol::V2, &self.handshake.capabilities);
        features.push(agent());
        if commit.kind() != gix::hash::Kind::Sha1 {
            features.push(("object-format", Some(commit.kind().to_string())));
        }
        let mut arguments = Arguments::new(Protocol::V2, features, false);
        arguments.want(commit);
        match want {
            Want::Trees => {
                arguments.deepen(1);
                if arguments.can_use_filter() {
                    arguments.filter("blob:none");
                }
            }
            Want::History if arguments.can_use_filter() => arguments.filter("tree:0"),
            Want::History => {}
        }
        let mut reader = arguments.send(&mut self.transport, true)?;
        // Every line of the answer may be one of the server's own words, which are not ours to tell.
        let response = Response::from_line_reader(Protocol::V2, &mut reader, true, false)?;
        if !response.has_pack() {
            return Err(message("the server sent no objects").into());
        }
        reader.set_progress_handler(Some(Box::new(|_, _| std::ops::ControlFlow::Continue(()))));
        gix_pack::Bundle::write_to_directory(
            &mut reader,
            Some(into),
            &mut Discard,
            &AtomicBool::new(false),
            None::<gix::OdbHandle>,
            commit.kind(),
            gix_pack::bundle::write::Options::default(),
        )?;
        Ok(())
    }

    /// What went wrong: on the line, where that knows, else in the conversation.
    fn trouble(&self, error: &gix::Error) -> Problem {
        self.trouble.borrow_mut().take().unwrap_or_else(|| {
            Problem::undecided("could not fetch from the server")
                .why(error.probable_cause())
                .help("run again, or have the commits fetched by actions/checkout: `fetch-depth: 0`")
        })
    }
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(concat!("sluice/", env!("CARGO_PKG_VERSION")).to_owned()))
}

/// All that an error says of itself.
fn chain(error: &gix::Error) -> String {
    format!("{error:?}")
}

fn named(reference: Ref) -> Option<(BString, ObjectId)> {
    match reference {
        Ref::Peeled { full_ref_name, object, .. }
        | Ref::Direct { full_ref_name, object }
        | Ref::Symbolic { full_ref_name, object, .. } => Some((full_ref_name, object)),
        Ref::Unborn { .. } => None,
    }
}

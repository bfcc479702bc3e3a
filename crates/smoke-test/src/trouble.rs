//! Why a try has no answer to judge, and what that says of the host.

use sluice_core::Verdict;
use sluice_http::{Error, Phase, TlsProblem};

/// How far a try came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not as far as to its host: it has no address here, or a proxy stands in between.
    Unknown,
    /// Nothing came back from the host: the way to it may be to blame.
    Silent,
    /// The host itself said that nothing listens there.
    Refused,
    /// The host let the connection in.
    Reached,
}

/// Why a try has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) reach: Reach,
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
    pub(crate) help: Option<String>,
    /// Whether trying again is of no use, and why.
    pub(crate) is_final: Option<&'static str>,
    /// Whether the host can't have acted on the try.
    pub(crate) never_left: bool,
}

impl Trouble {
    /// The host answered, and its answer is a no.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self {
            reach: Reach::Reached,
            verdict: Verdict::Failed,
            reason: reason.into(),
            help: None,
            is_final: None,
            never_left: false,
        }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Trying again would give the same.
    pub(crate) fn for_good(self, why: &'static str) -> Self {
        Self { is_final: Some(why), ..self }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        // The client's messages say what, then what to do.
        let (reason, help) = match message.split_once("; ") {
            Some((reason, help)) => (reason.to_owned(), Some(help.to_owned())),
            None => (message, None),
        };
        let reach = reach(&error);
        let verdict = if is_certain(reach, &error) { Verdict::Failed } else { Verdict::Undecided };
        Self { reach, verdict, reason, help, is_final: None, never_left: error.could_not_reach() }
    }
}

fn reach(error: &Error) -> Reach {
    match error {
        Error::Dns { .. }
        | Error::Timeout { phase: Phase::Dns, .. }
        | Error::ProxyRefused { .. }
        | Error::ProxySetting { .. }
        | Error::CaFile { .. }
        | Error::Identity { .. } => Reach::Unknown,
        Error::Connect { refused: true, .. } => Reach::Refused,
        Error::Connect { .. } | Error::Timeout { phase: Phase::Connect, .. } => Reach::Silent,
        _ => Reach::Reached,
    }
}

/// Whether the host is wrong for whoever asks.
///
/// Whom to trust, and what time it is, are matters of where this runs.
fn is_certain(reach: Reach, error: &Error) -> bool {
    match error {
        Error::Tls {
            problem: TlsProblem::Untrusted | TlsProblem::Authority | TlsProblem::NotValidYet,
            ..
        } => false,
        _ => matches!(reach, Reach::Refused | Reach::Reached),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use Verdict::{Failed, Undecided};

    use super::*;

    fn of(error: Error) -> (Reach, Verdict) {
        let trouble = Trouble::from(error);
        (trouble.reach, trouble.verdict)
    }

    fn tls(problem: TlsProblem) -> Error {
        Error::Tls { origin: "https://shop.example.com".to_owned(), problem }
    }

    fn timeout(phase: Phase) -> Error {
        let origin = "https://shop.example.com".to_owned();
        Error::Timeout { origin, phase, limit: Duration::from_secs(10) }
    }

    fn connect(refused: bool) -> Error {
        Error::Connect { address: "10.0.0.1:443".to_owned(), why: "why".to_owned(), refused }
    }

    #[test]
    fn what_may_be_the_network_s_fault_is_undecided() {
        let dns = Error::Dns { host: "shop.example.com".to_owned(), why: "why".to_owned() };
        assert_eq!(of(dns), (Reach::Unknown, Undecided));
        assert_eq!(of(timeout(Phase::Dns)), (Reach::Unknown, Undecided));
        assert_eq!(of(timeout(Phase::Connect)), (Reach::Silent, Undecided));
        assert_eq!(of(connect(false)), (Reach::Silent, Undecided));
        assert_eq!(of(tls(TlsProblem::Untrusted)), (Reach::Reached, Undecided));
        assert_eq!(of(tls(TlsProblem::Authority)), (Reach::Reached, Undecided));
        assert_eq!(of(tls(TlsProblem::NotValidYet)), (Reach::Reached, Undecided));
    }

    #[test]
    fn what_the_host_itself_does_is_a_failure() {
        assert_eq!(of(connect(true)), (Reach::Refused, Failed));
        for error in [
            timeout(Phase::Tls),
            timeout(Phase::Answer),
            timeout(Phase::Body),
            tls(TlsProblem::Expired),
            tls(TlsProblem::WrongName(vec![])),
            tls(TlsProblem::NotTls),
            Error::RedirectLoop { origin: "https://shop.example.com".to_owned() },
        ] {
            assert_eq!(of(error.clone()), (Reach::Reached, Failed), "{error}");
        }
    }

    #[test]
    fn a_message_is_split_into_what_and_what_to_do() {
        let trouble = Trouble::from(tls(TlsProblem::Expired));
        assert_eq!(
            trouble.reason,
            "no secure connection to https://shop.example.com: its certificate has expired"
        );
        assert_eq!(trouble.help.unwrap(), "renew it");
    }
}

//! One signed AWS call over HTTP, without an SDK.
//!
//! For actions that make a single kind of call: an alarm's metrics, a message to a topic, an object put. What needs
//! more than the environment's credentials (profiles, OIDC, roles to assume) is `sluice-aws`.
//!
//! ```no_run
//! # async fn run(client: sluice_http::Client, variable: impl Fn(&str) -> Option<String>, now: jiff::Timestamp,
//! #     deadline: std::time::Instant) -> Result<(), Box<dyn std::error::Error>> {
//! use sluice_sigv4::{Access, Call, Service, accept, is_transient};
//!
//! let access = Access::from_lookup(variable, None)?;
//! let call = Call::query(Service::SNS, "Publish", "2010-03-31", [("Message", "deployed"), ("TopicArn", "arn:...")]);
//! let request = access.sign(&call, now)?;
//! let tried = client.send_with_retry(request, &Default::default(), deadline, is_transient).await;
//! let answer = accept(tried.outcome?)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a caller may rely on
//!
//! - **Where from.** Credentials, region and endpoints come from the environment's variables, by the names that the
//!   AWS CLI has; nothing is read but through the lookup that is passed in. [`Access::secrets`] are to be masked.
//! - **Signed as sent.** [`Access::sign`] gives a [`sluice_http::Request`], to be sent within five minutes and by
//!   whatever policy of retries is right. No redirect is followed: a signature is for one host.
//! - **Refusals are read.** [`accept`] turns an answer that is no success into a [`Refusal`], with AWS's own code and
//!   message, whether it was said in XML or in JSON. AWS repeats the request in some of its messages: a refusal is cut
//!   to a line that holds no header.
//!
//! # How it is laid out
//!
//! `access` holds whose call it is, `service` and `endpoints` whom it is for and where; `call` and `s3` make it; `sign` signs it; `refusal`
//! reads what came back instead of success.

mod access;
mod call;
mod endpoints;
mod refusal;
mod s3;
mod service;
mod sign;

pub use self::{
    access::{Access, Credentials, InvalidAccess},
    call::Call,
    endpoints::Endpoints,
    refusal::{Reason, Refusal, accept, is_transient},
    s3::{Encryption, Lock, ObjectList, PutObject},
    service::{Service, dns_suffix},
    sign::{Unsignable, presign},
};

//! One call: signed, sent until an answer stands, read.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;
use sluice_core::retry::{Jitter, Policy};
use sluice_http::{BodyLimit, Request, Response};
use sluice_sigv4::{Access, Call, Refusal, accept, is_transient};

use crate::{Aws, Error};

/// The findings of one scan are long: a page of a thousand stays far below this.
const LARGEST: usize = 16 << 20;
/// How long one try may take. AWS takes its time for findings.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long all tries may take: a signature is good for five minutes.
const ALL_PATIENCE: Duration = Duration::from_mins(4);

/// As AWS's SDKs try again: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>.
const POLICY: Policy = Policy {
    first: Duration::from_secs(1),
    factor: 2,
    cap: Duration::from_secs(20),
    jitter: Jitter::Full,
    attempts: NonZeroU32::new(3),
};

impl Aws {
    /// Makes a call that needs the IAM action, and reads its JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        action: &str,
        region: &str,
        call: Call,
    ) -> Result<T, Error> {
        let access = Access::new(self.credentials().await?, region, self.endpoints().clone())?;
        let request =
            access.sign(&call.repeatable(), self.now()).map_err(|error| Error::of(action, &error))?;
        let answer = self.send(action, request).await?;
        // What is not of the form that the API describes is not AWS's, whatever its status.
        serde_json::from_slice(&answer.body)
            .map_err(|_| Error::refused(action, Refusal::new(Some(answer.status), None, None)))
    }

    /// Sends a request until its answer stands, and takes nothing but success.
    pub(crate) async fn send(&self, action: &str, request: Request) -> Result<Response, Error> {
        let request = request.timeout(PATIENCE).body_limit(BodyLimit::Fail(LARGEST));
        let deadline = Instant::now() + ALL_PATIENCE;
        let tried = self.client().send_with_retry(request, &POLICY, deadline, is_transient).await;
        let answer = tried.outcome.map_err(|error| Error::of_transport(action, &error))?;
        accept(answer).map_err(|refusal| Error::refused(action, refusal))
    }
}

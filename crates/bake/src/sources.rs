//! Whom questions go to.

use jiff::Timestamp;
use sluice_http::Client;

use crate::cloudwatch::CloudWatch;
use crate::prometheus::Prometheus;
use crate::query::{Answer, Query, Question, Trouble};

/// All that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Sources {
    pub(crate) client: Client,
    pub(crate) prometheus: Option<Prometheus>,
    pub(crate) cloudwatch: Option<CloudWatch>,
}

impl Sources {
    /// Asks once. A failure is not repeated: it is an error among the measurements, and shown.
    pub(crate) async fn ask(&self, question: &Question, now: Timestamp) -> Result<Answer, Trouble> {
        let unasked = || Trouble::lasting("nothing says whom to ask");
        let client = &self.client;
        match &question.query {
            Query::Prometheus(query) => {
                let time = (!question.offset.is_zero()).then(|| question.time(now));
                self.prometheus.as_ref().ok_or_else(unasked)?.ask(client, query, time).await
            }
            Query::CloudWatch(statistic) => {
                let cloudwatch = self.cloudwatch.as_ref().ok_or_else(unasked)?;
                cloudwatch.statistic(client, statistic, question.time(now), now).await
            }
            Query::Alarms(names) => {
                self.cloudwatch.as_ref().ok_or_else(unasked)?.alarms(client, names, now).await
            }
        }
    }
}

//! What is answered, at once or as it happens, and what is recorded of it.

use std::sync::Arc;

use sluice_faulty_server::{Answer, Reply, Request, Service};

use crate::{
    Shared, controllers,
    record::record,
    reply::KubernetesReply as _,
    rest::{self, Outcome},
};

impl Service for Shared {
    fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        if !self.lets_in(request) {
            return Reply::unauthorized().into();
        }
        let outcome = rest::answer(&mut self.world(), request);
        match outcome {
            Outcome::Now(reply) => {
                if let Ok(body) = serde_json::from_slice(&reply.body) {
                    record(request, reply.status, &body);
                }
                reply.into()
            }
            Outcome::Watch(watch) => {
                let (out, answer) = Answer::stream("application/json");
                tokio::spawn(watch.run(Arc::clone(self), out));
                answer
            }
            Outcome::Log(log) => {
                let (out, answer) = Answer::stream("text/plain");
                tokio::spawn(log.run(Arc::clone(self), out));
                answer
            }
        }
    }

    async fn live(&self) {
        controllers::run(self).await;
    }
}

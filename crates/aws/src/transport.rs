//! The SDK's HTTP: the one client of a run.

use std::time::Duration;

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use sluice_http::{BodyLimit, Client, Error, Request, Url};

/// The findings of one scan are long: a page of a hundred stays far below this.
const LARGEST: usize = 16 << 20;
/// How long one try may take. AWS takes its time for findings.
const PATIENCE: Duration = Duration::from_secs(30);

/// Our client, as the SDK wants one.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Client,
    timeout: Duration,
}

impl Transport {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, timeout: PATIENCE }
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // Only those who ask a metadata service, which answers at once or is not there, are less patient.
        let timeout = settings.read_timeout().map_or(PATIENCE, |read| {
            read.saturating_add(settings.connect_timeout().unwrap_or_default()).min(PATIENCE)
        });
        SharedHttpConnector::new(Self { client: self.client.clone(), timeout })
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { client, timeout } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = outgoing(request, timeout)?;
            let response = client.send(request).await.map_err(of_transport)?;
            incoming(response)
        })
    }
}

fn outgoing(request: HttpRequest, timeout: Duration) -> Result<Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(|error| ConnectorError::user(error.into()))?;
    let body = body.bytes().ok_or_else(|| ConnectorError::user("a body of unknown length".into()))?.to_vec();
    let mut outgoing =
        Request::new(parts.method, url).body(body).timeout(timeout).body_limit(BodyLimit::Fail(LARGEST));
    for (name, value) in &parts.headers {
        outgoing = outgoing.header(name.clone(), value.clone());
    }
    Ok(outgoing)
}

fn incoming(response: sluice_http::Response) -> Result<HttpResponse, ConnectorError> {
    let mut incoming = http::Response::new(SdkBody::from(response.body));
    *incoming.status_mut() = response.status;
    *incoming.headers_mut() = response.headers;
    incoming.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))
}

/// The SDK tries again what ran out of time or broke on the way, and nothing else.
fn of_transport(error: Error) -> ConnectorError {
    match &error {
        Error::Timeout { .. } => ConnectorError::timeout(error.into()),
        error_kind if error_kind.is_retryable() => ConnectorError::io(error.into()),
        _ => ConnectorError::other(error.into(), None),
    }
}

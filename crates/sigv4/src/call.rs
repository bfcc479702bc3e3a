//! A call: what is asked of a service.

use bytes::Bytes;
use serde_json::Value;
use sluice_http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::Service;

/// A call to be signed: made for one of AWS's protocols, refined by [`Call::header`].
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) service: Service,
    pub(crate) method: Method,
    /// Where the call goes when not to the service's own host.
    pub(crate) bucket: Option<String>,
    /// Begins with a slash, percent-encoded, with its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) repeatable: bool,
}

impl Call {
    /// A call by the query protocol (CloudWatch, SNS, STS), which answers in XML.
    pub fn query<'a>(
        service: Service,
        action: &str,
        version: &str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(parameters)
            .finish();
        Self::post(service, body, HeaderValue::from_static("application/x-www-form-urlencoded"))
    }

    /// A call by AWS's JSON protocol 1.1 (EventBridge), which answers in JSON. `target` is what the service's reference
    /// gives as `X-Amz-Target`.
    pub fn json(service: Service, target: &'static str, body: &Value) -> Self {
        Self::post(service, body.to_string(), HeaderValue::from_static("application/x-amz-json-1.1"))
            .header(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(target))
    }

    fn post(service: Service, body: String, kind: HeaderValue) -> Self {
        Self {
            service,
            method: Method::POST,
            bucket: None,
            path: "/".to_owned(),
            headers: HeaderMap::new(),
            body: body.into(),
            repeatable: false,
        }
        .header(header::CONTENT_TYPE, kind)
    }

    /// Sets a header, to be signed with the others.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Declares that the call changes nothing, or the same twice: then it may be sent again whatever became of it.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_of_a_query_are_encoded() {
        let call =
            Call::query(Service::SNS, "Publish", "2010-03-31", [("Message", "a&Action=DeleteTopic é\n")]);
        assert_eq!(call.body, "Action=Publish&Version=2010-03-31&Message=a%26Action%3DDeleteTopic+%C3%A9%0A");
        assert_eq!(call.headers["content-type"], "application/x-www-form-urlencoded");
    }

    #[test]
    fn a_json_call_names_its_target() {
        let call = Call::json(Service::EVENTBRIDGE, "AWSEvents.PutEvents", &json!({"Entries": []}));
        assert_eq!(call.body, r#"{"Entries":[]}"#);
        assert_eq!(call.headers["x-amz-target"], "AWSEvents.PutEvents");
        assert_eq!(call.headers["content-type"], "application/x-amz-json-1.1");
    }
}

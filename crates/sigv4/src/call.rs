//! A call: what is asked of a service.

use bytes::Bytes;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use sluice_http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{Service, sign::UNRESERVED};

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

    /// A call by AWS's JSON protocol 1.1 (ECR, EventBridge), which answers in JSON. `target` is what the service's reference
    /// gives as `X-Amz-Target`.
    pub fn json(service: Service, target: &'static str, body: &Value) -> Self {
        Self::post(service, body.to_string(), HeaderValue::from_static("application/x-amz-json-1.1"))
            .header(HeaderName::from_static("x-amz-target"), HeaderValue::from_static(target))
    }

    /// A call by a REST protocol (EKS) that gets something, and is answered in JSON. The parts of the path are names,
    /// which are encoded here.
    pub fn get<'a>(
        service: Service,
        path: impl IntoIterator<Item = &'a str>,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let encoded = |text| utf8_percent_encode(text, UNRESERVED).to_string();
        let path: Vec<String> = path.into_iter().map(encoded).collect();
        let query = query.into_iter().map(|(name, value)| [encoded(name), encoded(value)].join("="));
        let query = query.collect::<Vec<_>>().join("&");
        let path = format!("/{}", path.join("/"));
        Self {
            service,
            method: Method::GET,
            bucket: None,
            path: if query.is_empty() { path } else { format!("{path}?{query}") },
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable: true,
        }
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
    fn the_parts_of_a_path_are_names() {
        let call = Call::get(Service::EKS, ["clusters", "a/../b?c"], [("nextToken", "a+b=&c")]);
        assert_eq!(call.path, "/clusters/a%2F..%2Fb%3Fc?nextToken=a%2Bb%3D%26c");
        assert_eq!(Call::get(Service::EKS, ["clusters"], []).path, "/clusters");
    }

    #[test]
    fn a_json_call_names_its_target() {
        let call = Call::json(Service::EVENTBRIDGE, "AWSEvents.PutEvents", &json!({"Entries": []}));
        assert_eq!(call.body, r#"{"Entries":[]}"#);
        assert_eq!(call.headers["x-amz-target"], "AWSEvents.PutEvents");
        assert_eq!(call.headers["content-type"], "application/x-amz-json-1.1");
    }
}

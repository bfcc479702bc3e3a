//! The kind of check that sends one HTTP request.

use std::borrow::Cow;
use std::time::Duration;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use sluice_core::Period;
use sluice_http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use sluice_http::{BODY_LIMIT, BodyLimit, HeaderName, REQUEST_TIMEOUT, Request, Url};

use crate::forms::{self, Form, Forms, Never};

/// What to send, and how far to follow.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: IndexMap<Name, Text>,
    pub(crate) body: Option<Body>,
    pub(crate) follow: u8,
    pub(crate) timeout: Duration,
}

/// The methods that a check may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// Where to send it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Target {
    /// A whole URL.
    Url { url: Url, written: String },
    /// A path and a query, to be appended to the base URL.
    Path(String),
}

/// The body of a request, and its type.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Text(String),
    Json(serde_json::Value),
    Form(IndexMap<String, String>),
}

impl Http {
    /// A GET of a URL or path.
    pub(crate) fn get(target: Target) -> Self {
        Self {
            method: Method::Get,
            target,
            headers: IndexMap::new(),
            body: None,
            follow: 0,
            timeout: REQUEST_TIMEOUT,
        }
    }

    /// The request in a few words.
    pub(crate) fn label(&self) -> String {
        match self.method {
            Method::Get => self.target.as_str().to_owned(),
            method => format!("{} {}", method.as_str(), self.target.as_str()),
        }
    }

    /// Whether sending it twice is the same as sending it once.
    ///
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2>
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method.to_http().is_idempotent()
    }

    /// The request to `url`, which is the target made whole.
    pub(crate) fn request(&self, url: Url) -> Request {
        let request = Request::new(self.method.to_http(), url)
            .timeout(self.timeout)
            .redirects(self.follow.into())
            .body_limit(BodyLimit::Cut(BODY_LIMIT));
        let mut request = match &self.body {
            Some(body) => request.body(body.bytes()),
            None => request,
        };
        for (name, value) in self.all_headers() {
            request = request.header(name, value);
        }
        request
    }

    /// The headers that are sent, those that the body implies included.
    pub(crate) fn all_headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let given = self.headers.iter().map(|(Name { name, .. }, value)| {
            let mut value = value.0.clone();
            value.set_sensitive(looks_secret(name.as_str()));
            (name.clone(), value)
        });
        let has_type = self.headers.keys().any(|header| header.name == CONTENT_TYPE);
        let implied = self.body.as_ref().and_then(Body::content_type).filter(|_| !has_type);
        given.chain(implied.map(|value| (CONTENT_TYPE, value))).collect()
    }
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    fn to_http(self) -> sluice_http::Method {
        match self {
            Self::Get => sluice_http::Method::GET,
            Self::Head => sluice_http::Method::HEAD,
            Self::Post => sluice_http::Method::POST,
            Self::Put => sluice_http::Method::PUT,
            Self::Patch => sluice_http::Method::PATCH,
            Self::Delete => sluice_http::Method::DELETE,
            Self::Options => sluice_http::Method::OPTIONS,
        }
    }
}

impl Target {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Url { written, .. } | Self::Path(written) => written,
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        if written.starts_with('/') {
            // Only a path that makes a URL behind some base will make one behind the real one.
            Url::parse(&format!("http://base{written}")).map_err(|error| error.to_string())?;
            return Ok(Self::Path(written));
        }
        match Url::parse(&written) {
            Ok(url) => Ok(Self::Url { url, written }),
            Err(_) if !written.contains("://") => Err(format!(
                "{written:?} is neither a path, which starts with \"/\", nor a URL, which starts with \"https://\""
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Body {
    /// The body as it is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Form(fields) => {
                form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()
            }
        }
    }

    fn content_type(&self) -> Option<HeaderValue> {
        match self {
            Self::Text(_) => None,
            Self::Json(_) => Some(HeaderValue::from_static("application/json")),
            Self::Form(_) => Some(HeaderValue::from_static("application/x-www-form-urlencoded")),
        }
    }
}

/// Whether what goes by this name is most likely not for everyone's eyes.
pub(crate) fn looks_secret(name: &str) -> bool {
    const WORDS: [&str; 8] =
        ["auth", "cookie", "token", "secret", "password", "session", "signature", "credential"];
    let name = name.to_ascii_lowercase();
    name.ends_with("key") || name == "sig" || WORDS.iter().any(|word| name.contains(word))
}

/// The mapping that a request is written as when there is more to say than its URL.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Fields {
    /// The method. Default: GET.
    #[serde(default)]
    method: Method,
    /// A URL, or a path that is appended to the base URL.
    #[schemars(with = "String")]
    url: Target,
    /// Headers to send.
    #[serde(default)]
    headers: IndexMap<Name, Text>,
    /// A body, sent as it stands.
    body: Option<String>,
    /// A body that is sent as JSON, with its `content-type`.
    #[serde(default, deserialize_with = "given")]
    json: Option<serde_json::Value>,
    /// A body that is sent as the fields of a form, with its `content-type`.
    form: Option<IndexMap<String, String>>,
    /// How many redirects are followed. Default: none, a redirect is an answer like any other.
    #[serde(default)]
    follow: u8,
    /// How long one try may take, redirects and body included. Default: `10s`.
    timeout: Option<Period>,
}

/// Headers that frame the message: a wrong one would garble it.
const OURS: [HeaderName; 3] = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];

/// Tells a null that is written from a value that is not.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl TryFrom<Fields> for Http {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        if fields.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            return Err("a \"timeout\" of nothing leaves no time for an answer".to_owned());
        }
        if let Some(Name { name, .. }) = fields.headers.keys().find(|header| OURS.contains(&header.name)) {
            return Err(format!("the header {name} is set by the client itself"));
        }
        let body = match (fields.body, fields.json, fields.form) {
            (None, None, None) => None,
            (Some(text), None, None) => Some(Body::Text(text)),
            (None, Some(value), None) => Some(Body::Json(value)),
            (None, None, Some(fields)) => Some(Body::Form(fields)),
            _ => return Err("a request has one body: give one of \"body\", \"json\" and \"form\"".to_owned()),
        };
        Ok(Self {
            method: fields.method,
            target: fields.url,
            headers: fields.headers,
            body,
            follow: fields.follow,
            timeout: fields.timeout.map_or(REQUEST_TIMEOUT, |timeout| timeout.0),
        })
    }
}

impl Forms for Http {
    type Item = Never;
    type Mapping = Fields;
    const EXPECTED: &'static str = "a URL, a path or a mapping";

    fn read(form: Form<Never, Fields>) -> Result<Self, String> {
        match form {
            Form::Text(text) => Target::try_from(text).map(Self::get),
            Form::Mapping(fields) => Self::try_from(fields),
            other => Err(forms::unexpected::<Self>(&other)),
        }
    }
}

impl<'de> Deserialize<'de> for Http {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        forms::deserialize(deserializer)
    }
}

impl JsonSchema for Http {
    fn schema_name() -> Cow<'static, str> {
        "Http".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = Fields::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "string", "pattern": "^(/|https?://)" }, mapping] })
    }
}

/// The name of a header. Two that differ in case only are two keys of a mapping, so that neither is lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Name {
    written: String,
    pub(crate) name: HeaderName,
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(name) => Ok(Self { written: text, name }),
            Err(_) => Err(format!("{text:?} is no name of a header")),
        }
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HeaderName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// The value of a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text(HeaderValue);

impl TryFrom<String> for Text {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        HeaderValue::from_str(&text)
            .map(Self)
            .map_err(|_| "the value of a header holds no line break or control character")
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HeaderValue".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

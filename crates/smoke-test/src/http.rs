//! The kind of check that sends one HTTP request.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use sluice_core::Period;
use sluice_http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING,
};
use sluice_http::{
    BODY_LIMIT, BodyLimit, Connections, Detour, HeaderName, Identity, Protocol, REQUEST_TIMEOUT, Request,
    Response, Url, Version,
};

use crate::address::Address;
use crate::forms::{self, Form, Forms, Never};
use crate::network::{Network, Proxy, Way};
use crate::trouble::Trouble;

/// What to send, and how far to follow.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) headers: IndexMap<Name, Text>,
    pub(crate) body: Option<Body>,
    pub(crate) follow: u8,
    pub(crate) timeout: Duration,
    pub(crate) auth: Option<Auth>,
    pub(crate) way: Way,
    /// How many bytes of the body are counted at least.
    pub(crate) count_to: u64,
}

/// Who we are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Auth {
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password, best from a variable: `{{ name }}`.
        password: String,
    },
    /// A token, best from a variable: `{{ name }}`.
    Bearer(String),
}

/// A version of HTTP that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum HttpVersion {
    #[serde(rename = "1.0")]
    Http10,
    #[serde(rename = "1.1")]
    Http11,
    #[serde(rename = "2")]
    Http2,
}

impl HttpVersion {
    pub(crate) fn of(version: Version) -> Option<Self> {
        match version {
            Version::HTTP_10 => Some(Self::Http10),
            Version::HTTP_11 => Some(Self::Http11),
            Version::HTTP_2 => Some(Self::Http2),
            _ => None,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

impl Auth {
    /// The value of the header `authorization`, of which the secret part is a secret.
    fn header(&self) -> Result<HeaderValue, String> {
        let text = match self {
            Self::Basic { user, .. } if user.contains(':') => {
                return Err("a user of basic authentication holds no \":\"".to_owned());
            }
            Self::Basic { .. } => format!("Basic {}", self.credentials()),
            Self::Bearer(token) => format!("Bearer {token}"),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "a token holds no line break or control character".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What goes over the wire, and must not be seen.
    pub(crate) fn credentials(&self) -> String {
        match self {
            Self::Basic { user, password } => BASE64_STANDARD.encode(format!("{user}:{password}")),
            Self::Bearer(token) => token.clone(),
        }
    }
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
            auth: None,
            way: Way::default(),
            count_to: 0,
        }
    }

    /// Sends the request once.
    pub(crate) async fn ask(&self, url: &Url, network: &Network) -> Result<Response, Trouble> {
        let client = network.client(&self.way)?;
        Ok(client.send(self.request(url.clone())).await?)
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
            .body_limit(BodyLimit::Cut(BODY_LIMIT))
            .count_to(self.count_to)
            .gzip();
        let mut request = match &self.body {
            Some(body) => request.body(body.bytes()),
            None => request,
        };
        for (name, value) in self.all_headers() {
            request = request.header(name, value);
        }
        match self.auth.as_ref().map(Auth::header) {
            Some(Ok(value)) => request.header(AUTHORIZATION, value),
            _ => request,
        }
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
    pub(crate) headers: IndexMap<Name, Text>,
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
    /// Who we are.
    pub(crate) auth: Option<Auth>,
    /// The certificate that is shown to a server that asks for one.
    client_certificate: Option<ClientCertificate>,
    /// PEM file with CA certificates to trust besides Mozilla's, from the repository's root.
    pub(crate) ca_file: Option<PathBuf>,
    /// The proxy: `http://[user:password@]host[:port]`, or `none`. Default: that of the environment.
    proxy: Option<String>,
    /// Addresses of hosts, past DNS and any proxy: `{shop.example.com: 10.0.0.5}`.
    #[serde(default)]
    resolve: IndexMap<String, IpAddr>,
    /// Other places of hosts, past any proxy: `{"shop.example.com:443": "blue.example.com:8443"}`.
    #[serde(default)]
    connect_to: IndexMap<Address, Address>,
    /// The version to speak: `1.1`, or `2`, which without TLS takes prior knowledge. Default: 2 where the server
    /// offers it over TLS, else 1.1.
    http_version: Option<HttpVersion>,
}

/// A client certificate and its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientCertificate {
    /// PEM file with the certificate, and those that lead to its authority, from the repository's root.
    certificate: PathBuf,
    /// PEM file with its private key, from the repository's root.
    key: PathBuf,
}

impl Fields {
    /// A GET with nothing else to say.
    pub(crate) fn get(target: Target) -> Self {
        Self {
            method: Method::Get,
            url: target,
            headers: IndexMap::new(),
            body: None,
            json: None,
            form: None,
            follow: 0,
            timeout: None,
            auth: None,
            client_certificate: None,
            ca_file: None,
            proxy: None,
            resolve: IndexMap::new(),
            connect_to: IndexMap::new(),
            http_version: None,
        }
    }

    /// How the connections are to be made.
    fn way(&mut self) -> Result<Way, String> {
        let resolved = self.resolve.drain(..).map(|(host, address)| Detour {
            host,
            port: None,
            to: address.to_string(),
            to_port: None,
        });
        let connected = self.connect_to.drain(..).map(|(from, to)| Detour {
            host: from.host,
            port: from.port,
            to: to.host,
            to_port: to.port,
        });
        let protocol = match self.http_version {
            None => Protocol::Any,
            Some(HttpVersion::Http11) => Protocol::Http1,
            Some(HttpVersion::Http2) => Protocol::Http2,
            Some(HttpVersion::Http10) => return Err("the version to speak is 1.1 or 2".to_owned()),
        };
        let identity = self.client_certificate.take();
        Ok(Way {
            connections: Connections {
                ca_files: self.ca_file.take().into_iter().collect(),
                identity: identity
                    .map(|ClientCertificate { certificate, key }| Identity { certificate, key }),
                protocol,
                detours: connected.chain(resolved).collect(),
                is_fresh: false,
                private: None,
            },
            proxy: match self.proxy.take() {
                None => Proxy::Environment,
                Some(none) if none == "none" => Proxy::None,
                Some(url) => Proxy::Url(url),
            },
        })
    }
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

    fn try_from(mut fields: Fields) -> Result<Self, String> {
        let way = fields.way()?;
        if let Some(auth) = &fields.auth {
            auth.header()?;
            if fields.headers.keys().any(|header| header.name == AUTHORIZATION) {
                return Err("give either \"auth\" or the header authorization".to_owned());
            }
        }
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
            auth: fields.auth,
            way,
            count_to: 0,
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
        json_schema!({ "anyOf": [{ "type": "string", "pattern": "^(/|https?://|\\{\\{)" }, mapping] })
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

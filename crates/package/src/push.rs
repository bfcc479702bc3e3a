//! Pushing an image by the distribution API:
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>.
//!
//! Everything goes by digest, what is named before what names it: a registry never holds an image of which a part is
//! missing, and a push that was cut off is done by pushing again.

use std::time::Duration;

use anyhow::{Context as _, bail};
use oci_spec::image::{Descriptor, MediaType};
use sluice_http::{Client, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Url, header};
use sluice_registry::{Keyring, Location};

use crate::layout::Layout;

/// How long one part may take to arrive.
const PATIENCE: Duration = Duration::from_mins(5);

/// One repository of a registry, to push to.
pub(crate) struct Repository {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Repository {
    /// Logs in where the registry wants it.
    pub(crate) async fn open(client: &Client, name: &str, keyring: &Keyring) -> anyhow::Result<Self> {
        let location = Location::of(&name.parse()?);
        let base = Url::parse(&location.base())?;
        let registry = sluice_registry::Registry::new(client.clone(), location, keyring);
        let authorization = registry.authorization("pull,push").await?;
        Ok(Self { client: client.clone(), base, authorization })
    }

    /// Pushes all that the layout holds.
    pub(crate) async fn push(&self, layout: &Layout) -> anyhow::Result<()> {
        for image in layout.images()? {
            let Some((manifest, blobs)) = image.blobs.split_first() else { continue };
            for blob in blobs {
                self.push_blob(blob, layout.blob(blob)?).await?;
            }
            self.push_manifest(manifest, layout.blob(manifest)?).await?;
        }
        self.push_manifest(&layout.index, layout.blob(&layout.index)?).await
    }

    async fn push_blob(&self, blob: &Descriptor, content: Vec<u8>) -> anyhow::Result<()> {
        let digest = blob.digest();
        let there = self.send(Request::new(Method::HEAD, self.url(&format!("/blobs/{digest}"))?)).await?;
        if there.status == StatusCode::OK {
            return Ok(());
        }
        let begun = self.send(Request::post(self.url("/blobs/uploads/")?, Vec::new())).await?;
        if begun.status != StatusCode::ACCEPTED {
            bail!("{} does not take {digest}: {}", self.base.origin(), told(&begun));
        }
        let place = begun.header("location").context("the registry does not say where to upload to")?;
        let joint = if place.contains('?') { '&' } else { '?' };
        let place = self.base.join(&format!("{place}{joint}digest={digest}"))?;
        let bytes = HeaderValue::from_static("application/octet-stream");
        self.put(place, bytes, content).await.with_context(|| format!("could not push {digest}"))
    }

    async fn push_manifest(&self, manifest: &Descriptor, content: Vec<u8>) -> anyhow::Result<()> {
        let digest = manifest.digest();
        let kind = media_type(manifest.media_type())?;
        let place = self.url(&format!("/manifests/{digest}"))?;
        self.put(place, kind, content).await.with_context(|| format!("could not push {digest}"))
    }

    async fn put(&self, place: Url, kind: HeaderValue, content: Vec<u8>) -> anyhow::Result<()> {
        let request = Request::new(Method::PUT, place).header(header::CONTENT_TYPE, kind).body(content);
        let answer = self.send(request).await?;
        if answer.status != StatusCode::CREATED {
            bail!("{} answers {}", self.base.origin(), told(&answer));
        }
        Ok(())
    }

    /// A registry may have uploads go elsewhere: credentials do not go along.
    async fn send(&self, mut request: Request) -> anyhow::Result<Response> {
        const AUTHORIZATION: HeaderName = header::AUTHORIZATION;
        if let Some(authorization) = &self.authorization
            && request.url().same_origin(&self.base)
        {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        Ok(self.client.send(request.timeout(PATIENCE)).await?)
    }

    fn url(&self, path: &str) -> anyhow::Result<Url> {
        Ok(Url::parse(&format!("{}{path}", self.base.reveal()))?)
    }
}

fn media_type(kind: &MediaType) -> anyhow::Result<HeaderValue> {
    Ok(HeaderValue::from_str(kind.as_ref())?)
}

/// The status, and what the registry says of it.
fn told(answer: &Response) -> String {
    let words = String::from_utf8_lossy(&answer.body);
    format!("{} {}", answer.status, words.chars().take(300).filter(|c| !c.is_control()).collect::<String>())
}

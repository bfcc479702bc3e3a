//! Lists, a page at a time:
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>.

use futures_util::{Stream, stream};
use http::Method;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    Cluster, Error, Kind, Listed, Object, Selector,
    call::{BODY_LIMIT, Call, decode},
    meta::ListMeta,
};

/// The most objects of a page.
const MOST: usize = 500;
/// The largest page in bytes. A single object may be larger: there is no smaller page.
const LARGEST: usize = 16 << 20;
/// How large a page is meant to be: objects that are larger than those before them find room.
const MEANT: usize = LARGEST / 2;

/// What is still to be listed.
struct Pages<'a> {
    cluster: &'a Cluster,
    kind: &'a Kind,
    selector: Selector,
    limit: usize,
    from: From,
}

/// Where the next page begins.
#[derive(Clone)]
enum From {
    /// With the first object.
    Start,
    /// Where the server has said that it goes on.
    Token(String),
    /// There is none.
    End,
}

impl Cluster {
    /// All objects of a kind, page by page, so that only as many are held as are looked at.
    ///
    /// Where the server forgets the version of the list between two pages, the rest comes as it is now: with the token that
    /// the server gives for that, else all of it comes in one answer, and objects come twice.
    pub fn objects_by_page<'a>(
        &'a self,
        kind: &'a Kind,
    ) -> impl Stream<Item = Result<Vec<Object>, Error>> + 'a {
        stream::try_unfold(Pages::new(self, kind, Selector::all()), move |mut pages| async move {
            let page = match pages.next().await {
                Err(Error::Gone { rest: Some(token), .. }) => {
                    pages.from = From::Token(token);
                    pages.next().await?
                }
                Err(Error::Gone { rest: None, .. }) => Some(pages.whole().await?),
                page => page?,
            };
            let Some(page) = page else { return Ok(None) };
            let read = |item| Object::of_list(kind, item).map_err(|why| Error::unreadable(kind, why));
            let objects = page.items.into_iter().map(read).collect::<Result<_, _>>()?;
            Ok(Some((objects, pages)))
        })
    }

    /// All objects of a kind at one version. A list that outlives what the server remembers is read once more, at once.
    pub(crate) async fn all_pages<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        selector: &Selector,
    ) -> Result<Listed<T>, Error> {
        let mut pages = Pages::new(self, kind, selector.clone());
        let mut all: Listed<T> = Listed { items: Vec::new(), resource_version: String::new() };
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    all.items.extend(page.items);
                    all.resource_version = page.resource_version;
                }
                Ok(None) => return Ok(all),
                Err(Error::Gone { .. }) => return pages.whole().await,
                Err(error) => return Err(error),
            }
        }
    }
}

impl<'a> Pages<'a> {
    const fn new(cluster: &'a Cluster, kind: &'a Kind, selector: Selector) -> Self {
        Self { cluster, kind, selector, limit: MOST, from: From::Start }
    }

    /// The next page; `None` after the last one. [`Error::Gone`] when the server has forgotten the list.
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Listed<T>>, Error> {
        let from = match &self.from {
            From::Start => None,
            From::Token(token) => Some(token.clone()),
            From::End => return Ok(None),
        };
        let call = self.call(from.as_deref());
        let body = loop {
            let largest = if self.limit > 1 { LARGEST } else { BODY_LIMIT };
            let call = call.clone().with("limit", self.limit.to_string()).body_limit(largest);
            match self.cluster.api.read_bytes(&call).await {
                Err(Error::TooLarge { .. }) if self.limit > 1 => self.limit = (self.limit / 4).max(1),
                body => break body?,
            }
        };
        let (page, more) = Page::read(&call, &body)?;
        // The objects that come next are taken to be like these.
        if let Some(room) = (MEANT * page.items.len()).checked_div(body.len()) {
            self.limit = room.clamp(1, MOST);
        }
        if from.is_some() && more == from {
            return Err(Error::unreadable(call.what(), "a list that does not end"));
        }
        self.from = more.map_or(From::End, From::Token);
        Ok(Some(page))
    }

    /// All of it in one answer.
    async fn whole<T: DeserializeOwned>(&mut self) -> Result<Listed<T>, Error> {
        self.from = From::End;
        let call = self.call(None);
        let (page, more) = Page::read(&call, &self.cluster.api.read_bytes(&call).await?)?;
        match more {
            None => Ok(page),
            Some(_) => Err(Error::unreadable(call.what(), "a list in pages, which was not asked for")),
        }
    }

    fn call(&self, from: Option<&str>) -> Call {
        let call = self.selector.apply(Call::of(Method::GET, "list", self.kind, self.cluster.namespace()));
        match from {
            Some(token) => call.with("continue", token),
            None => call,
        }
    }
}

/// One page of a list. Its objects are read as what they are asked for, and what is not is passed over: it is never in
/// memory but as the bytes that came.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(deserialize_with = "or_empty")]
    items: Vec<T>,
}

/// Go writes an empty list that was never made as null.
fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(list: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(list)?.unwrap_or_default())
}

impl<T: DeserializeOwned> Page<T> {
    /// The page, and the token of the one after it.
    fn read(call: &Call, body: &[u8]) -> Result<(Listed<T>, Option<String>), Error> {
        let Self { metadata, items } = decode(call, body)?;
        let more = metadata.continue_.filter(|more| !more.is_empty());
        Ok((Listed { items, resource_version: metadata.resource_version.unwrap_or_default() }, more))
    }
}

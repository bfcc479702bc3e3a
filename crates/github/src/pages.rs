//! Lists over several pages, followed to the last one and counted.

use serde::de::DeserializeOwned;
use sluice_http::Response;

use crate::{Api, Error, Kind, api::read_json, call::Call};

/// The most entries that GitHub gives on one page.
pub(crate) const PAGE: &str = "100";

/// One page of a list.
pub(crate) struct Page<T> {
    pub(crate) entries: Vec<T>,
    /// How many entries the whole list has, where GitHub says so.
    pub(crate) total: Option<u64>,
}

/// A list without a count is a plain array.
impl<T> From<Vec<T>> for Page<T> {
    fn from(entries: Vec<T>) -> Self {
        Self { entries, total: None }
    }
}

impl Api {
    /// Reads a list page by page until `find` finds what is looked for; `None` when it is on no page.
    ///
    /// Fails with [`Kind::Incomplete`] when the pages end before the list does.
    pub(crate) async fn find_in_pages<P, T, F>(
        &self,
        call: Call,
        mut find: impl FnMut(T) -> Option<F>,
    ) -> Result<Option<F>, Error>
    where
        P: DeserializeOwned + Into<Page<T>>,
    {
        let (doing, permission) = (call.doing.clone(), call.permission);
        let mut next = Some(call.query("per_page", PAGE));
        let mut got = 0;
        let mut total = None;
        while let Some(call) = next {
            let (page, reply) = self.ask(call.clone(), read_json::<P>).await?;
            let page: Page<T> = page.into();
            got += page.entries.len();
            total = page.total;
            if let Some(found) = page.entries.into_iter().find_map(&mut find) {
                return Ok(Some(found));
            }
            next = self.next_page(call, &reply)?;
        }
        match total {
            Some(count) if count > got as u64 => {
                Err(Error { doing, permission, kind: Kind::Incomplete { got, count } })
            }
            _ => Ok(None),
        }
    }

    /// Reads all entries of a list.
    pub(crate) async fn all_pages<P, T>(&self, call: Call) -> Result<Vec<T>, Error>
    where
        P: DeserializeOwned + Into<Page<T>>,
    {
        let mut all = Vec::new();
        self.find_in_pages::<P, T, ()>(call, |entry| {
            all.push(entry);
            None
        })
        .await?;
        Ok(all)
    }

    /// The call of the next page, from the `Link` header: <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>.
    fn next_page(&self, call: Call, reply: &Response) -> Result<Option<Call>, Error> {
        let Some(links) = reply.headers.get("link") else { return Ok(None) };
        let malformed = |why: &str| Error {
            doing: call.doing.clone(),
            permission: call.permission,
            kind: Kind::Malformed { why: why.to_owned() },
        };
        let links = links.to_str().map_err(|_| malformed("its Link header is not ASCII"))?;
        let Some(next) = next_link(links) else { return Ok(None) };
        // Only the API gets the token: a page elsewhere is none of its pages.
        let path = self.below_rest(next).ok_or_else(|| malformed("its next page is not one of the API"))?;
        if path == call.path {
            return Err(malformed("its next page is this page"));
        }
        Ok(Some(Call { path: path.to_owned(), ..call }))
    }
}

/// The address of `rel="next"` in a `Link` header.
fn next_link(links: &str) -> Option<&str> {
    links.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next =
            parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_the_links() {
        let links = r#"<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel="next", <https://x/a?page=9>; rel="last""#;
        assert_eq!(next_link(links), Some("https://x/a?page=3"));
        assert_eq!(next_link(r#"<https://x/a?page=1>; rel="first""#), None);
        assert_eq!(next_link("rubbish, <, <x"), None);
    }
}

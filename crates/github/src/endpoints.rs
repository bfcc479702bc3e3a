//! Where the API is.

use sluice_core::Problem;
use sluice_http::Url;

/// The addresses of the REST and the GraphQL API: those of github.com, or of a GitHub Enterprise Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    pub(crate) rest: String,
    pub(crate) graphql: Url,
}

impl Endpoints {
    /// The addresses that the runner names in `GITHUB_API_URL` and `GITHUB_GRAPHQL_URL`, else those of github.com.
    ///
    /// With the first one alone the second is derived from it: an Enterprise Server has its REST API at `/api/v3` and
    /// GraphQL at `/api/graphql`.
    ///
    /// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
    pub fn from_lookup(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let rest = variable("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned());
        let rest = rest.trim_end_matches('/').to_owned();
        let graphql = variable("GITHUB_GRAPHQL_URL").unwrap_or_else(|| match rest.strip_suffix("/v3") {
            Some(api) => format!("{api}/graphql"),
            None => format!("{rest}/graphql"),
        });
        parse("GITHUB_API_URL", &rest)?;
        let graphql = parse("GITHUB_GRAPHQL_URL", &graphql)?;
        Ok(Self { rest, graphql })
    }
}

fn parse(variable: &str, value: &str) -> Result<Url, Problem> {
    let address = Url::parse(value).map_err(|error| error.to_string());
    let address = address.and_then(|url| {
        let is_plain = !value.contains(['?', '#']);
        if is_plain { Ok(url) } else { Err("it has a query or a fragment".to_owned()) }
    });
    address.map_err(|why| {
        Problem::misconfigured(format!("{variable} is no address of GitHub's API"))
            .why(why)
            .help("set it as GitHub's runner does: https://api.github.com, or https://HOST/api/v3")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(rest: Option<&str>, graphql: Option<&str>) -> Result<(String, String), Problem> {
        let lookup = |name: &str| {
            let value = if name == "GITHUB_API_URL" { rest } else { graphql };
            value.map(str::to_owned)
        };
        Endpoints::from_lookup(lookup).map(|found| (found.rest, found.graphql.reveal()))
    }

    fn found(rest: &str, graphql: &str) -> (String, String) {
        (rest.to_owned(), graphql.to_owned())
    }

    #[test]
    fn github_com_is_the_default() {
        assert_eq!(
            endpoints(None, None).unwrap(),
            found("https://api.github.com", "https://api.github.com/graphql")
        );
    }

    #[test]
    fn an_enterprise_server_has_graphql_beside_its_rest_api() {
        let rest = "https://github.example.com/api/v3";
        let graphql = "https://github.example.com/api/graphql";
        assert_eq!(endpoints(Some(rest), None).unwrap(), found(rest, graphql));
        assert_eq!(endpoints(Some(&format!("{rest}/")), Some(graphql)).unwrap(), found(rest, graphql));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for rest in ["api.github.com", "https://", "https://api.github.com?x", "https://api.github.com#x"] {
            let problem = endpoints(Some(rest), None).unwrap_err();
            assert_eq!(problem.what, "GITHUB_API_URL is no address of GitHub's API", "{rest}");
        }
        let problem = endpoints(None, Some("graphql")).unwrap_err();
        assert_eq!(problem.what, "GITHUB_GRAPHQL_URL is no address of GitHub's API");
    }
}

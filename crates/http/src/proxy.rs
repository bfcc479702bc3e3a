//! Which proxy stands between us and a host, from the variables that everybody sets.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::{Error, Url};

/// The proxies of the environment.
#[derive(Clone)]
pub struct Proxies(Arc<Matcher>);

/// How to reach a host.
pub(crate) enum Route {
    /// Straight.
    Direct,
    /// Ask the proxy for the whole URL.
    Forward(Proxy),
    /// Ask the proxy for a tunnel, and speak TLS with the host through it.
    Tunnel(Proxy),
}

pub(crate) struct Proxy {
    pub(crate) url: Url,
    pub(crate) credentials: Option<HeaderValue>,
}

impl Proxies {
    /// No proxy at all.
    pub fn none() -> Self {
        Self(Arc::new(Matcher::builder().build()))
    }

    /// This proxy for every host, whatever the environment says. `setting` is what messages call the place that names it.
    ///
    /// Fails with [`Error::ProxySetting`] for anything but an `http://` proxy.
    pub fn through(proxy: &str, setting: &'static str) -> Result<Self, Error> {
        if !is_http_proxy(proxy) {
            return Err(Error::ProxySetting { variable: setting });
        }
        Ok(Self(Arc::new(Matcher::builder().all(proxy).build())))
    }

    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` through `lookup`. The lower-case name of each
    /// comes first, as in curl (<https://curl.se/docs/manpage.html#ENVIRONMENT>); an empty value is none.
    ///
    /// Fails with [`Error::ProxySetting`] for anything but an `http://` proxy: going past a proxy that is meant to be
    /// used could not be seen.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = lookup(name).filter(|value| !value.trim().is_empty())?;
                Some((*name, value.trim().to_owned()))
            })
        };
        let usable = |names: &[&'static str]| match first(names) {
            None => Ok(String::new()),
            Some((_, value)) if is_http_proxy(&value) => Ok(value),
            Some((name, _)) => Err(Error::ProxySetting { variable: name }),
        };
        let matcher = Matcher::builder()
            .https(usable(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])?)
            .http(usable(&["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])?)
            .no(first(&["no_proxy", "NO_PROXY"]).map_or(String::new(), |(_, value)| value));
        Ok(Self(Arc::new(matcher.build())))
    }

    pub(crate) fn route(&self, target: &Url) -> Result<Route, Error> {
        let Some(intercept) = self.0.intercept(target.uri()) else { return Ok(Route::Direct) };
        let proxy =
            Proxy { url: Url::from_uri(intercept.uri())?, credentials: intercept.basic_auth().cloned() };
        Ok(if target.is_https() { Route::Tunnel(proxy) } else { Route::Forward(proxy) })
    }

    /// The credentials that a request itself carries to the proxy: not over `https`, where the host would see them.
    pub(crate) fn credentials_in_request(&self, target: &Url) -> Option<HeaderValue> {
        if target.is_https() {
            return None;
        }
        self.0.intercept(target.uri())?.basic_auth().cloned()
    }
}

fn is_http_proxy(value: &str) -> bool {
    let any = http::Uri::from_static("http://host.invalid/");
    let intercept: Option<Intercept> = Matcher::builder().http(value).build().intercept(&any);
    intercept
        .is_some_and(|proxy| proxy.uri().scheme_str() == Some("http") && Url::from_uri(proxy.uri()).is_ok())
}

impl fmt::Debug for Proxies {
    /// Tells nothing: the address of a proxy may hold its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, Error> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Proxies::from_lookup(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn route(variables: &[(&str, &str)], url: &str) -> String {
        match proxies(variables).unwrap().route(&Url::parse(url).unwrap()).unwrap() {
            Route::Direct => "direct".to_owned(),
            Route::Forward(proxy) => format!("forward by {}", proxy.url.origin()),
            Route::Tunnel(proxy) => format!("tunnel by {}", proxy.url.origin()),
        }
    }

    #[test]
    fn each_scheme_has_its_proxy() {
        let both = [("HTTPS_PROXY", "http://secure.example:3128"), ("http_proxy", "plain.example:3128")];
        assert_eq!(route(&both, "https://shop.example.com"), "tunnel by http://secure.example:3128");
        assert_eq!(route(&both, "http://shop.example.com"), "forward by http://plain.example:3128");
        assert_eq!(route(&both[..1], "http://shop.example.com"), "direct");
        let all = [("ALL_PROXY", "http://any.example:1"), ("https_proxy", "")];
        assert_eq!(route(&all, "https://shop.example.com"), "tunnel by http://any.example:1");
        assert_eq!(route(&all, "http://shop.example.com"), "forward by http://any.example:1");
    }

    #[test]
    fn lower_case_comes_first() {
        let both = [("HTTPS_PROXY", "http://upper.example"), ("https_proxy", "http://lower.example")];
        assert_eq!(route(&both, "https://shop.example.com"), "tunnel by http://lower.example");
    }

    #[test]
    fn no_proxy_is_for_hosts_domains_and_networks() {
        let variables =
            [("http_proxy", "http://proxy.example"), ("no_proxy", "localhost, .example.com,10.0.0.0/8")];
        for direct in ["http://localhost:8080", "http://shop.example.com", "http://10.1.2.3/"] {
            assert_eq!(route(&variables, direct), "direct", "{direct}");
        }
        for proxied in ["http://notexample.com", "http://11.1.2.3/"] {
            assert_eq!(route(&variables, proxied), "forward by http://proxy.example", "{proxied}");
        }
        assert_eq!(route(&[variables[0], ("NO_PROXY", "*")], "http://notexample.com"), "direct");
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_not_passed_by() {
        for value in ["socks5://secret@proxy.example", "https://proxy.example", "http://", "http://a b"] {
            let error = proxies(&[("ALL_PROXY", value)]).unwrap_err();
            assert_eq!(error, Error::ProxySetting { variable: "ALL_PROXY" }, "{value}");
        }
    }

    #[test]
    fn credentials_go_to_the_proxy_alone() {
        let proxies = proxies(&[("ALL_PROXY", "http://me:pass@proxy.example")]).unwrap();
        let carried = |url: &str| proxies.credentials_in_request(&Url::parse(url).unwrap());
        assert_eq!(carried("http://shop.example.com").unwrap(), "Basic bWU6cGFzcw==");
        assert_eq!(carried("https://shop.example.com"), None);
        let Route::Tunnel(proxy) = proxies.route(&Url::parse("https://shop.example.com").unwrap()).unwrap()
        else {
            panic!("https goes through a tunnel");
        };
        assert_eq!(proxy.credentials.unwrap(), "Basic bWU6cGFzcw==");
    }

    #[test]
    fn a_proxy_of_its_own_is_for_every_host() {
        let proxies = Proxies::through("http://proxy.example.com:3128", "proxy-url").unwrap();
        for (target, tunnels) in [("https://10.0.0.1:6443/", true), ("http://localhost:8001/", false)] {
            let route = proxies.route(&Url::parse(target).unwrap()).unwrap();
            assert_eq!(matches!(route, Route::Tunnel(_)), tunnels, "{target}");
            assert!(!matches!(route, Route::Direct), "{target}");
        }
        let refused = Proxies::through("socks5://proxy.example.com:1080", "proxy-url").unwrap_err();
        assert_eq!(refused, Error::ProxySetting { variable: "proxy-url" });
    }
}

//! The clients of a run: one for each way of making connections, so that checks of one way share theirs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sluice_http::{CONNECT_TIMEOUT, Client, Connections, Dialer, Error, Proxies};

/// How a check wants its connections made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) connections: Connections,
    pub(crate) proxy: Proxy,
}

/// Which proxy is used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Proxy {
    /// That of the environment.
    #[default]
    Environment,
    /// None.
    None,
    /// This one, which may hold a password.
    Url(String),
}

/// The clients of a run.
#[derive(Debug)]
pub(crate) struct Network {
    /// The CA file that counts for all connections.
    pub(crate) ca_file: Option<PathBuf>,
    /// What paths in checks files are relative to.
    pub(crate) root: PathBuf,
    /// The time at which certificates are judged.
    pub(crate) now: Timestamp,
    proxies: Proxies,
    clients: Mutex<HashMap<Way, Client>>,
}

impl Network {
    pub(crate) fn new(ca_file: Option<PathBuf>, root: &Path, now: Timestamp, proxies: Proxies) -> Self {
        Self { ca_file, root: root.to_owned(), now, proxies, clients: Mutex::default() }
    }

    /// The client for a way; fails when a file that the way names can't be used.
    pub(crate) fn client(&self, way: &Way) -> Result<Client, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(way) {
            return Ok(client.clone());
        }
        let proxies = match &way.proxy {
            Proxy::Environment => self.proxies.clone(),
            Proxy::None => Proxies::none(),
            Proxy::Url(url) => Proxies::from_lookup(|name| (name == "all_proxy").then(|| url.clone()))?,
        };
        let client = Client::with(&self.complete(&way.connections), &proxies, CONNECT_TIMEOUT)?;
        clients.insert(way.clone(), client.clone());
        Ok(client)
    }

    /// What opens bare connections.
    pub(crate) fn dialer(&self, connections: &Connections) -> Result<Dialer, Error> {
        Dialer::new(&self.complete(connections), CONNECT_TIMEOUT)
    }

    /// The connections with what counts for all, and with their files found.
    fn complete(&self, connections: &Connections) -> Connections {
        let mut complete = connections.clone();
        for file in &mut complete.ca_files {
            *file = self.root.join(&*file);
        }
        complete.ca_files.extend(self.ca_file.clone());
        if let Some(identity) = &mut complete.identity {
            identity.certificate = self.root.join(&identity.certificate);
            identity.key = self.root.join(&identity.key);
        }
        complete
    }
}

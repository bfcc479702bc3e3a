//! Calls of the GraphQL API.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sluice_http::{Method, Response};

use crate::{
    Api, Error, Kind,
    api::read_json,
    call::Call,
    reply::{Fault, GraphqlError, judge_graphql},
};

#[derive(Serialize)]
struct Query<'a, V> {
    query: &'a str,
    variables: V,
}

#[derive(Deserialize)]
struct Reply<T> {
    data: Option<T>,
}

/// What stands beside errors is not looked at: data in part is no answer.
#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<GraphqlError>,
}

impl Api {
    /// Sends a query or a mutation. Data beside an error is no answer.
    pub(crate) async fn graphql<T: DeserializeOwned>(
        &self,
        doing: String,
        permission: &'static str,
        query: &str,
        variables: impl Serialize,
    ) -> Result<T, Error> {
        let call = Call::new(Method::POST, doing, permission).body(&Query { query, variables });
        self.ask(call, read).await.map(|(data, _)| data)
    }
}

fn read<T: DeserializeOwned>(reply: &Response) -> Result<T, Fault> {
    judge_graphql(reply, &read_json::<Errors>(reply)?.errors)?;
    let reply: Reply<T> = read_json(reply)?;
    reply.data.ok_or_else(|| Kind::Malformed { why: "it holds neither data nor errors".to_owned() }.into())
}

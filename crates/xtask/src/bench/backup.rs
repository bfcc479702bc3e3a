//! backup against an API server on loopback that answers from memory.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Must, Table,
    measure::{Run, in_turns},
};

/// How often each export is run.
const ROUNDS: usize = 11;
/// How often that of a large namespace is.
const FEW: usize = 3;
/// The objects of the namespace, all of one kind.
const OBJECTS: usize = 1_000;
/// The objects of the namespace with many of them.
const MANY: usize = 10_000;
/// The objects of the namespace with large ones, and the size of each in bytes.
const LARGE: (usize, usize) = (300, 900 << 10);
/// The kinds that are listed.
const KINDS: u32 = 40;
/// The server time of each list, where it is slow.
const SLOW: Duration = Duration::from_millis(50);

pub(super) fn measure(binaries: &Path) -> anyhow::Result<Table> {
    let folder = tempfile::tempdir()?;
    let binary = binaries.join("backup");
    let port = serve()?;
    let export = |path: &str, arguments: &[&str]| -> anyhow::Result<Run> {
        let kubeconfig = folder.path().join(format!("kubeconfig{}", path.replace('/', "-")));
        std::fs::write(&kubeconfig, kubeconfig_of(port, path))?;
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        let mut all = vec!["export", &kubeconfig];
        all.extend(arguments);
        Ok(Run::new(folder.path(), &binary.to_string_lossy(), &all))
    };
    // A folder of its own for each run: what is there is not written over. Nothing is left of it.
    let to_folder =
        format!("to=\"$(mktemp -u -p .)\"; {} export --to \"$to\" \"$@\" && rm -r \"$to\"", binary.display());
    let written = |path: &str| -> anyhow::Result<Run> {
        let mut run = export(path, &[])?;
        run.command = ["sh", "-c", &to_folder, "sh", &run.command[2]].map(str::to_owned).to_vec();
        Ok(run)
    };
    let [some, slow] = in_turns([&written("")?, &export("/slow", &["--dry-run"])?], ROUNDS)?;
    let [many, large] = in_turns([&written("/many")?, &written("/large")?], FEW)?;

    let title = format!(
        "backup on loopback, {KINDS} kinds, objects of one of them: the middle (and the least) of {ROUNDS} runs in turns, of {FEW} where it is large"
    );
    let mut table = Table::new(&title, &["", "time", "on a processor", "memory"]);
    let sequential = (SLOW * KINDS).as_secs_f64() * 1000.0;
    let ratio = slow.median / sequential;
    let faster =
        Must { words: format!("≤ 0.25 of {sequential:.0} ms one after another"), holds: ratio <= 0.25 };
    let (count, size) = LARGE;
    let rows = [
        (format!("{OBJECTS} objects to a folder"), &some, vec![Must::megabytes(&some, 50)]),
        (format!("dry run of them, {} ms a list", SLOW.as_millis()), &slow, vec![faster]),
        (format!("{MANY} objects to a folder"), &many, vec![Must::megabytes(&many, 50)]),
        (
            format!("{count} objects of {} KiB to a folder", size >> 10),
            &large,
            vec![Must::megabytes(&large, 50)],
        ),
    ];
    for (what, taken, musts) in rows {
        let time = format!("{:.1} ({:.1}) ms", taken.median, taken.least);
        let processor = format!("{:.1} ms", taken.processor);
        table.row([what, time, processor, format!("{:.1} MB", taken.megabytes)], &musts);
    }
    Ok(table)
}

fn kubeconfig_of(port: u16, path: &str) -> String {
    let cluster = json!({"name": "bench", "cluster": {"server": format!("http://127.0.0.1:{port}{path}")}});
    let context =
        json!({"name": "bench", "context": {"cluster": "bench", "user": "bench", "namespace": "shop"}});
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench", "clusters": [cluster],
        "contexts": [context], "users": [{"name": "bench", "user": {"token": "t"}}],
    })
    .to_string()
}

/// The objects of a namespace, written down, by the path that their API server is below.
type Namespaces = [(&'static str, Vec<String>); 4];

/// An API server that keeps its connections: below `/slow` it takes its time for each list.
fn serve() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let deployments = |count: usize| (0..count).map(|number| deployment(number).to_string()).collect();
    let namespaces: Arc<Namespaces> = Arc::new([
        ("/slow", deployments(OBJECTS)),
        ("/many", deployments(MANY)),
        ("/large", (0..LARGE.0).map(|number| large(number).to_string()).collect()),
        ("", deployments(OBJECTS)),
    ]);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let namespaces = Arc::clone(&namespaces);
            // A connection that breaks off is the other side's to tell.
            std::thread::spawn(move || converse(stream, &namespaces).ok());
        }
    });
    Ok(port)
}

fn converse(mut stream: TcpStream, namespaces: &Namespaces) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        let target = first.split(' ').nth(1).unwrap_or_default();
        let mut meant = namespaces
            .iter()
            .filter_map(|(root, objects)| target.strip_prefix(root).map(|path| (*root, path, objects)));
        let Some((root, path, objects)) = meant.next() else { return Ok(()) };
        if root == "/slow" && path.contains("/namespaces/shop/") {
            std::thread::sleep(SLOW);
        }
        let body = answer(path, objects);
        let mut reply = String::new();
        let _ = write!(
            reply,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes())?;
    }
}

fn answer(path: &str, objects: &[String]) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let told = match path {
        "/version" => json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"}),
        "/api" => groups("", "v1", &[]),
        "/apis" => groups("apps", "v1", &kinds()),
        _ if path.ends_with("/selfsubjectaccessreviews") => json!({"status": {"allowed": true}}),
        _ if path.ends_with("/deployments") => return page(query, objects),
        _ => return page("", &[]),
    };
    told.to_string()
}

fn kinds() -> Vec<(String, String)> {
    let others = (1..KINDS).map(|n| (format!("Kind{n}"), format!("kind{n}s")));
    std::iter::once(("Deployment".to_owned(), "deployments".to_owned())).chain(others).collect()
}

/// <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>
fn groups(group: &str, version: &str, kinds: &[(String, String)]) -> Value {
    let resources: Vec<Value> = kinds
        .iter()
        .map(|(kind, plural)| {
            json!({"resource": plural, "scope": "Namespaced", "verbs": ["create", "get", "list", "patch"],
                "singularResource": kind.to_lowercase(), "responseKind": {"group": group, "version": version, "kind": kind}})
        })
        .collect();
    let versions = json!([{"version": version, "resources": resources, "freshness": "Current"}]);
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": [{"metadata": {"name": group, "creationTimestamp": null}, "versions": versions}]})
}

/// A page, as large as it is asked for. Objects are written down before: the time of this server is not what is measured.
fn page(query: &str, objects: &[String]) -> String {
    let number = |name: &str| {
        let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        parameters.find(|(found, _)| *found == name).and_then(|(_, value)| value.parse().ok())
    };
    let from: usize = number("continue").unwrap_or(0).min(objects.len());
    let to = from.saturating_add(number("limit").unwrap_or(usize::MAX)).min(objects.len());
    let mut metadata = json!({"resourceVersion": "1"});
    if to < objects.len() {
        metadata["continue"] = to.to_string().into();
    }
    let items = objects[from..to].join(",");
    format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{metadata},"items":[{items}]}}"#)
}

/// An object that is mostly one large text.
fn large(number: usize) -> Value {
    let line = "a line of a large file, which has: everything # in it\n";
    let name = format!("large-{number}");
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"},
        "data": {"file": line.repeat(LARGE.1 / line.len())},
    })
}

/// A Deployment as clusters have them, with what controllers and managers write into it: some 3 KB.
fn deployment(number: usize) -> Value {
    let name = format!("service-{number}");
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop"});
    let variables: Vec<Value> = (0..10)
        .map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("a value of {n}")}))
        .collect();
    let fields: serde_json::Map<_, _> =
        (0..20).map(|n| (format!("f:field{n}"), json!({".": {}, "f:inner": {}}))).collect();
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("00000000-0000-0000-0000-{number:012}"),
            "resourceVersion": "1", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z", "labels": labels,
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "apiVersion": "apps/v1",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": fields}}],
        },
        "spec": {
            "replicas": 3, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"serviceAccountName": name, "containers": [{
                "name": "main", "image": format!("registry.example.com/shop/{name}:v1"), "env": variables,
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 5},
            }]}},
        },
        "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "updatedReplicas": 3,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                "message": "Deployment has minimum availability.", "lastUpdateTime": "2026-01-01T00:00:00Z"}]},
    })
}

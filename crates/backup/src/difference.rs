//! What differs between two states of an object, for people.

use serde_json::Value;
use similar::TextDiff;

use crate::{hidden, yaml};

/// The difference as `diff -u` prints it; empty when there is none. The values of a Secret are not shown, only
/// whether they differ.
pub(crate) fn between(name: &str, is_secret: bool, now: &Value, then: &Value) -> String {
    let (mut now, mut then) = (now.clone(), then.clone());
    if is_secret {
        hidden::states(&mut now, &mut then);
    }
    let text = |value: &Value| yaml::write(value).unwrap_or_else(|error| format!("# {error}\n"));
    TextDiff::from_lines(text(&now).as_str(), text(&then).as_str())
        .unified_diff()
        .context_radius(3)
        .header(&format!("{name} now"), &format!("{name} restored"))
        .to_string()
}

/// An object with what another one says of it laid over: maps are filled, everything else is replaced.
pub(crate) fn laid_over(now: &Value, says: &Value) -> Value {
    let (Value::Object(fields), Value::Object(said)) = (now, says) else { return says.clone() };
    let mut fields = fields.clone();
    for (key, value) in said {
        let laid = fields.get(key).map_or_else(|| value.clone(), |now| laid_over(now, value));
        fields.insert(key.clone(), laid);
    }
    Value::Object(fields)
}

/// What `found` has and `expected` has not, as paths: what a restored object keeps of what was there.
pub(crate) fn beyond(expected: &Value, found: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    collect(expected, found, String::new(), &mut paths);
    paths
}

fn collect(expected: &Value, found: &Value, path: String, paths: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in found {
                let path = format!("{path}.{key}");
                match expected.get(key) {
                    Some(expected) => collect(expected, value, path, paths),
                    None => paths.push(path),
                }
            }
        }
        (Value::Array(expected), Value::Array(found)) => {
            for (index, value) in found.iter().enumerate() {
                let path = format!("{path}[{index}]");
                match expected.get(index) {
                    Some(expected) => collect(expected, value, path, paths),
                    None => paths.push(path),
                }
            }
        }
        _ if expected == found => {}
        _ => paths.push(path),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_reads_as_a_diff() {
        let object = |replicas: u32| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"replicas": replicas}});
        let diff = between("Deployment api", false, &object(3), &object(2));
        insta::assert_snapshot!(diff, @"
        --- Deployment api now
        +++ Deployment api restored
        @@ -3,4 +3,4 @@
         metadata:
           name: api
         spec:
        -  replicas: 3
        +  replicas: 2
        ");
        assert_eq!(between("x", false, &object(2), &object(2)), "");
    }

    #[test]
    fn no_value_of_a_secret_is_shown() {
        let secret =
            |password: &str| json!({"kind": "Secret", "data": {"user": "c2hvcA==", "password": password}});
        let diff = between("Secret db", true, &secret("b2xk"), &secret("bmV3"));
        insta::assert_snapshot!(diff, @r#"
        --- Secret db now
        +++ Secret db restored
        @@ -1,4 +1,4 @@
         kind: Secret
         data:
        -  password: "*** (of the cluster)"
        +  password: "*** (of the backup)"
           user: "***"
        "#);
        assert!(!diff.contains("b2xk") && !diff.contains("bmV3"));
    }

    #[test]
    fn what_is_said_lies_over_what_is_there() {
        let now = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}});
        let says = json!({"a": {"c": [3], "g": {}}, "d": {"h": 1}});
        assert_eq!(
            laid_over(&now, &says),
            json!({"a": {"b": 1, "c": [3], "g": {}}, "d": {"h": 1}, "e": {"f": 1}})
        );
    }

    #[test]
    fn what_stays_beyond_the_backup_is_found() {
        let expected = json!({"a": 1, "list": [{"name": "x"}], "same": {"b": []}});
        let found = json!({"a": 2, "list": [{"name": "x", "value": 1}, 2], "same": {"b": []}, "new": 1});
        assert_eq!(beyond(&expected, &found), [".a", ".list[0].value", ".list[1]", ".new"]);
        assert!(beyond(&expected, &expected).is_empty());
    }
}

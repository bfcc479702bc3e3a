//! The local modules that a Terraform file calls.
//!
//! A source is local when it starts with `./` or `../`:
//! <https://developer.hashicorp.com/terraform/language/modules/sources#local-paths>

use serde_json::Value;

use super::{
    Form, Unread, Use,
    hcl::{self, Kind},
    place_in,
};

/// Whether Terraform reads a file of this name.
pub(super) fn reads(name: &[u8]) -> bool {
    name.ends_with(b".tf") || name.ends_with(b".tf.json")
}

/// What a file uses.
pub(super) fn uses(name: &[u8], content: &[u8]) -> Result<Vec<Use>, Unread> {
    if name.ends_with(b".json") { in_json(content) } else { in_hcl(content) }
}

fn in_hcl(content: &[u8]) -> Result<Vec<Use>, Unread> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = std::str::from_utf8(content).map_err(|error| Unread::new(error, None))?;
    let values = hcl::attributes(text, "module", "source")
        .map_err(|broken| Unread::new(broken.why, Some(place_in(text, broken.at))))?;
    Ok(values.into_iter().filter_map(|value| source(value.kind, place_in(text, value.start))).collect())
}

fn source(kind: Kind, place: (usize, usize)) -> Option<Use> {
    let place = Some(place);
    let unknown = Use { path: String::new(), form: Form::Unknown, place };
    match kind {
        Kind::Text(source) => local(&source, place),
        Kind::Expression => Some(unknown),
        // What stands before the first computed part may name the folder that all of its values lie in, or
        // the host of a source elsewhere.
        Kind::Template(start) => match start.rfind('/') {
            Some(end) if is_local(&start) => {
                Some(Use { path: start[..end].to_owned(), form: Form::Folder, place })
            }
            _ if start.contains([':', '.']) => None,
            _ => Some(unknown),
        },
    }
}

/// `{"module": {"name": {"source": "..."}}}`, with a list where there may be several:
/// <https://developer.hashicorp.com/terraform/language/syntax/json#nested-block-mapping>
fn in_json(content: &[u8]) -> Result<Vec<Use>, Unread> {
    let root: Value = serde_json::from_slice(content)
        .map_err(|error| Unread::new(&error, Some((error.line(), error.column()))))?;
    let modules = each(&root).filter_map(|root| root.get("module")).flat_map(each);
    let blocks = modules.filter_map(Value::as_object).flat_map(|modules| modules.values()).flat_map(each);
    let sources = blocks.filter_map(|block| block.get("source")?.as_str());
    Ok(sources.filter_map(|source| local(source, None)).collect())
}

/// The items of a list; anything else is its own only item.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

fn local(source: &str, place: Option<(usize, usize)>) -> Option<Use> {
    is_local(source).then(|| Use { path: source.to_owned(), form: Form::Folder, place })
}

fn is_local(source: &str) -> bool {
    source.starts_with("./") || source.starts_with("../") || matches!(source, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, content: &str) -> String {
        match uses(name.as_bytes(), content.as_bytes()) {
            Ok(uses) => uses.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            Err(unread) => format!("{} at {:?}", unread.why, unread.place),
        }
    }

    #[test]
    fn local_sources_are_told_with_their_places() {
        let text = "# module \"no\" { source = \"./no\" }\nmodule \"vpc\" {\n  source = \"../../modules/vpc\" # here\n}\n\
             module \"one\" { source = \"./one\" }\nresource \"x\" \"module\" {\n  source = \"./no\"\n}\n\
             module \"remote\" {\n  source  = \"terraform-aws-modules/vpc/aws\"\n  version = \"1\"\n}\n\
             module \"git\" {\n  source = \"git::https://example.com/x.git//a?ref=${var.x}\"\n}\n\
             locals {\n  text = <<-EOT\n    module \"no\" {\n      source = \"./no\"\n    }\n  EOT\n}\n\
             module \"escaped\" {\n  source = \"./caf\\u00e9\"\n}\n";
        insta::assert_snapshot!(shown("main.tf", text), @r"
        folder ../../modules/vpc at 3:12
        folder ./one at 5:25
        folder ./café at 24:12
        ");
    }

    #[test]
    fn a_source_that_is_computed_is_taken_for_all_that_it_may_be() {
        let text = "module \"a\" {\n  source = \"../modules/${var.name}\"\n}\nmodule \"b\" {\n  source = var.source\n}\n\
             module \"c\" {\n  source = \"${path.module}/x\"\n}\n";
        insta::assert_snapshot!(shown("main.tf", text), @r"
        folder ../modules at 2:12
        unknown  at 5:12
        unknown  at 8:12
        ");
    }

    #[test]
    fn json_is_read_in_all_its_forms() {
        let text =
            r#"{"module": {"a": {"source": "./a"}, "b": [{"source": "../b"}], "c": {"source": "x/y/z"}}}"#;
        assert_eq!(shown("main.tf.json", text), "folder ./a\nfolder ../b");
        let text = r#"[{"module": [{"a": {"source": "./a"}}]}, {"variable": {"x": {}}}]"#;
        assert_eq!(shown("main.tf.json", text), "folder ./a");
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_taken_for_one_that_uses_nothing() {
        insta::assert_snapshot!(shown("main.tf", "module \"a\" {\n  source = \"./a\n}\n"), @"a text ends with its line at Some((2, 12))");
        insta::assert_snapshot!(shown("main.tf.json", "{"), @"EOF while parsing an object at line 1 column 1 at Some((1, 1))");
        assert!(uses(b"main.tf", b"module \xff").is_err());
        assert_eq!(
            shown("main.tf", "\u{feff}module \"a\" {\r\n  source = \"./a\"\r\n}\r\n"),
            "folder ./a at 2:12"
        );
    }
}

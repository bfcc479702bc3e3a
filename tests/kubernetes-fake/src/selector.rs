//! Which objects a list or a watch means.

use serde_json::Value;

/// Labels and fields that an object must have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Clone, Debug)]
enum Requirement {
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    HasNot(String),
}

/// The fields that each kind can be selected by, and those of a few.
const FIELDS: [&str; 8] = [
    "metadata.name",
    "metadata.namespace",
    "status.phase",
    "spec.nodeName",
    "involvedObject.uid",
    "involvedObject.name",
    "involvedObject.kind",
    "type",
];

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, String> {
        let labels = split(labels).map(parse).collect::<Result<Vec<_>, _>>()?;
        let fields = split(fields).map(parse).collect::<Result<Vec<_>, _>>()?;
        for field in &fields {
            let (Requirement::Is(name, _) | Requirement::IsNot(name, _)) = field else {
                return Err("invalid field selector".to_owned());
            };
            if !FIELDS.contains(&name.as_str()) {
                return Err(format!("field label not supported: {name}"));
            }
        }
        Ok(Self { labels, fields })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"].get(name).and_then(Value::as_str);
        let field =
            |path: &str| object.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_str);
        self.labels.iter().all(|requirement| requirement.holds(&label))
            && self.fields.iter().all(|requirement| requirement.holds(&field))
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = text.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn parse(text: &str) -> Result<Requirement, String> {
    let word = |text: &str| text.trim().to_owned();
    if let Some((key, values)) = text.split_once('(') {
        let values = values.trim_end_matches(')').split(',').map(word).collect();
        return match key.split_whitespace().collect::<Vec<_>>()[..] {
            [key, "in"] => Ok(Requirement::In(word(key), values)),
            [key, "notin"] => Ok(Requirement::NotIn(word(key), values)),
            _ => Err(format!("unable to parse requirement: {text}")),
        };
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::IsNot(word(key), word(value)));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::Is(word(key), word(value)));
    }
    if text.contains(char::is_whitespace) {
        return Err(format!("unable to parse requirement: found '{text}', expected: in, notin, =, ==, !="));
    }
    Ok(text
        .strip_prefix('!')
        .map_or_else(|| Requirement::Has(word(text)), |key| Requirement::HasNot(word(key))))
}

impl Requirement {
    fn holds<'a>(&self, value: &impl Fn(&str) -> Option<&'a str>) -> bool {
        match self {
            Self::Is(key, wanted) => {
                value(key).unwrap_or_default() == wanted && (value(key).is_some() || wanted.is_empty())
            }
            Self::IsNot(key, unwanted) => value(key) != Some(unwanted),
            Self::In(key, wanted) => value(key).is_some_and(|value| wanted.iter().any(|one| one == value)),
            Self::NotIn(key, unwanted) => {
                !value(key).is_some_and(|value| unwanted.iter().any(|one| one == value))
            }
            Self::Has(key) => value(key).is_some(),
            Self::HasNot(key) => value(key).is_none(),
        }
    }
}

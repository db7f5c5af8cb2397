//! Schemas as every client can load them: each object has `properties`, no type is a list, nothing stands elsewhere than where
//! it is used. What is optional is simply not required. Some clients cannot load a tool whose schema is otherwise, and then
//! none of the others.

use rmcp::{handler::server::tool::schema_for_type, model::JsonObject, schemars::JsonSchema};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The schema of a type, as `rmcp` derives it.
pub(crate) fn of<T: JsonSchema + std::any::Any>() -> Arc<JsonObject> {
    schema_for_type::<T>()
}

/// The same schema in its plainest form.
pub(crate) fn plain(schema: &Arc<JsonObject>) -> Arc<JsonObject> {
    let mut plain = JsonObject::clone(schema);
    let definitions = plain.remove("$defs").and_then(|it| it.as_object().cloned()).unwrap_or_default();
    let mut schema = Value::Object(plain);
    simplify(&mut schema, &definitions, 0);
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

fn simplify(schema: &mut Value, definitions: &Map<String, Value>, depth: usize) {
    let Value::Object(object) = schema else { return };
    without_null(object);
    if let Some(definition) = named(object, definitions).filter(|_| depth < DEPTH_MAX) {
        let says = object.remove("description");
        *object = definition.clone();
        object.extend(says.map(|says| ("description".to_owned(), says)));
    }
    without_null(object);
    // JSON Schema has no formats such as `uint64`, and clients complain of them
    object.remove("format");
    if object.get("type") == Some(&Value::from("object")) {
        object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("properties" | "patternProperties", Value::Object(properties)) => {
                properties.values_mut().for_each(|it| simplify(it, definitions, depth + 1));
            }
            ("items" | "additionalProperties" | "not", value) => simplify(value, definitions, depth + 1),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(schemas)) => {
                for schema in schemas {
                    simplify(schema, definitions, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn named<'a>(object: &Map<String, Value>, definitions: &'a Map<String, Value>) -> Option<&'a Map<String, Value>> {
    let name = object.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    definitions.get(name)?.as_object()
}

/// `["integer", "null"]` is `"integer"`, and one of two that is null is the other.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|it| it != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(schemas)) = object.get_mut(key) else { continue };
        schemas.retain(|it| it.get("type") != Some(&Value::from("null")));
        if let [Value::Object(one)] = &schemas[..] {
            let one = one.clone();
            object.remove(key);
            for (key, value) in one {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// As much of a client's own word as is worth repeating.
pub(crate) fn shown(word: &str) -> &str {
    &word[..word.floor_char_boundary(SHOWN_BYTES_MAX)]
}

const SHOWN_BYTES_MAX: usize = 64;
/// A definition that names itself is not followed for ever.
const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_has_properties_and_one_type_and_names_nothing_elsewhere() {
        let schema = json!({
            "type": "object",
            "$defs": { "Hit": { "type": "object", "properties": { "at": { "type": ["integer", "null"], "format": "uint64" } } } },
            "properties": {
                "hits": { "type": "array", "items": { "$ref": "#/$defs/Hit", "description": "one" } },
                "best": { "anyOf": [{ "$ref": "#/$defs/Hit" }, { "type": "null" }] },
                "none": { "type": "object" },
                "format": { "type": "string" },
            },
        });
        let plain = plain(&Arc::new(schema.as_object().unwrap().clone()));
        let hit = json!({ "type": "object", "properties": { "at": { "type": "integer" } } });
        assert_eq!(plain["properties"]["best"], hit);
        assert_eq!(plain["properties"]["hits"]["items"]["properties"], hit["properties"]);
        assert_eq!(plain["properties"]["hits"]["items"]["description"], "one");
        assert_eq!(plain["properties"]["none"]["properties"], json!({}));
        assert_eq!(plain["properties"]["format"], json!({ "type": "string" }), "a property of that name stays");
        assert!(!plain.contains_key("$defs"));
    }
}

//! How much a reply holds, in bytes, without writing it: what its words and its data take as they are. Escapes and the
//! message around it are not counted.

use rmcp::model::{ContentBlock, ResourceContents};
use serde_json::Value;

pub(crate) fn of_block(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Image(image) => image.data.len(),
        ContentBlock::Audio(audio) => audio.data.len(),
        ContentBlock::Resource(resource) => of_resource(&resource.resource),
        ContentBlock::ResourceLink(link) => link.uri.len(),
        _ => 0, // of a later revision
    }
}

pub(crate) fn of_resource(resource: &ResourceContents) -> usize {
    match resource {
        ResourceContents::TextResourceContents { text, .. } => text.len(),
        ResourceContents::BlobResourceContents { blob, .. } => blob.len(),
        _ => 0, // of a later revision
    }
}

/// A number counts as its eight bytes, however it is written.
pub(crate) fn of_json(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => values.iter().map(|value| of_json(value) + 1).sum::<usize>() + 2,
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + of_json(value) + 4).sum::<usize>() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_about_as_long_as_it_is_written() {
        for value in [json!({"a": [1, 2, 3], "b": "words"}), json!([]), json!({"text": "x".repeat(5_000)})] {
            let (told, written) = (of_json(&value), value.to_string().len());
            assert!(told.abs_diff(written) <= 24, "{told} of {written}");
        }
    }
}

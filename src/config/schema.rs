//! The schema, docs/onset.schema.json, made from the model (JSON Schema, draft 7: what editors of TOML read).

use super::decode::{Decode, FieldShape, Shape, TableShape};
use super::model::Config;
use serde_json::{Map, Value, json};

/// The whole schema.
fn schema() -> Value {
    let mut definitions = Map::new();
    let mut schema = of_shape(&Config::shape(), &mut definitions);
    let root = schema.as_object_mut().and_then(|root| root.remove("$ref"));
    assert_eq!(root, Some(json!("#/definitions/Config")));
    let mut root = definitions.remove("Config").expect("the model's root");
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("onset");
    root["definitions"] = Value::Object(definitions);
    root
}

fn of_shape(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        // A number or a boolean stands for its text where a text is wanted.
        Shape::String { kind: "text", .. } => json!({ "type": ["string", "integer"] }),
        Shape::String { pattern: Some(pattern), .. } => json!({ "type": "string", "pattern": pattern }),
        Shape::String { pattern: None, .. } => json!({ "type": "string" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Integer { least, greatest } => {
            let mut schema = json!({ "type": "integer" });
            if *least != i64::MIN {
                schema["minimum"] = json!(least);
            }
            if *greatest != i64::MAX {
                schema["maximum"] = json!(greatest);
            }
            schema
        }
        Shape::Choice(words) => {
            let each = words.iter().map(|(word, docs)| json!({ "const": word, "description": docs.trim() }));
            json!({ "oneOf": each.collect::<Vec<_>>() })
        }
        Shape::List(item) => json!({ "type": "array", "items": of_shape(item, definitions) }),
        Shape::Map(item) => json!({ "type": "object", "additionalProperties": of_shape(item, definitions) }),
        Shape::Either(shapes) => {
            let each: Vec<Value> = shapes.iter().map(|shape| of_shape(shape, definitions)).collect();
            json!({ "anyOf": each })
        }
        Shape::Table(table) => {
            if !definitions.contains_key(table.name) {
                definitions.insert(table.name.to_owned(), Value::Null);
                let definition = of_table(table, definitions);
                definitions.insert(table.name.to_owned(), definition);
            }
            json!({ "$ref": format!("#/definitions/{}", table.name) })
        }
    }
}

fn of_table(table: &TableShape, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for FieldShape { key, docs, shape, .. } in &table.fields {
        // Draft 7 takes nothing beside a $ref, so the description goes around it.
        let mut property = of_shape(shape, definitions);
        if property.get("$ref").is_some() {
            property = json!({ "allOf": [property] });
        }
        property["description"] = json!(super::reference::plain(docs));
        properties.insert((*key).to_owned(), property);
    }
    let required: Vec<&str> = table.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    json!({
        "type": "object",
        "description": super::reference::plain(table.docs),
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[test]
fn the_schema_is_in_step_with_the_model() {
    let text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON") + "\n";
    super::reference::in_step("docs/onset.schema.json", &text);
}

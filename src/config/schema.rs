//! The schema: docs/onset.schema.json, from the docs of the model.

//! The reference: docs/configuration.md, from the docs of the model.

//! Known answers per lowering, properties against floating point, accuracy on trained models.

mod models;

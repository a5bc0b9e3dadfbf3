//! The schemas of a posted and of a listed hit in the OpenAPI document, made from the table of fields.

use analytics::hit_fields::{FIELDS, FieldInfo, Number, Part, Posted, Reading, Stored, listed};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// A hit of a posted batch.
pub struct BatchHit;

/// A hit as our API lists it.
pub struct ApiHit;

impl ToSchema for BatchHit {}

impl PartialSchema for BatchHit {
    fn schema() -> RefOr<Schema> {
        let posted = FIELDS.iter().filter_map(|info| Some((info, info.posted?)));
        let of_hits = posted.filter(|(_, posted)| posted.part == Part::Hit);
        let add = |object: ObjectBuilder, (info, posted): (&FieldInfo, Posted)| {
            let is_required = info.field.is_required();
            let value = to_schema(info, is_required).examples(to_example(info, &posted));
            let value = match info.stored {
                Stored::Number(Number::Status) => value.minimum(Some(100)).maximum(Some(599)),
                _ => value,
            };
            let object = object.property(posted.key, value.build());
            if is_required { object.required(posted.key) } else { object }
        };
        of_hits.fold(Object::builder(), add).into()
    }
}

impl ToSchema for ApiHit {}

impl PartialSchema for ApiHit {
    fn schema() -> RefOr<Schema> {
        let hit_id = Object::builder().schema_type(Type::String).description(Some(
            "The server's name for it; a number too large for JavaScript, so it is a string.",
        ));
        let object = Object::builder()
            .description(Some("A hit. Unknown fields are null."))
            .property("hit_id", hit_id.build())
            .required("hit_id");
        let add = |object: ObjectBuilder, info: &FieldInfo| {
            let is_required = info.field.is_required() || info.stored == Stored::Time;
            let object = object.property(info.listed, to_schema(info, is_required).build());
            if is_required { object.required(info.listed) } else { object }
        };
        listed().fold(object, add).into()
    }
}

fn to_schema(info: &FieldInfo, is_required: bool) -> ObjectBuilder {
    let (kind, format) = match info.stored {
        Stored::Number(Number::Status) => (Type::Integer, Some(KnownFormat::Int32)),
        Stored::Number(Number::Duration) => (Type::Number, Some(KnownFormat::Double)),
        Stored::Number(_) => (Type::Integer, Some(KnownFormat::Int64)),
        _ => (Type::String, None),
    };
    let kinds = match is_required {
        true => SchemaType::Type(kind.clone()),
        false => SchemaType::from_iter([kind.clone(), Type::Null]),
    };
    let schema = Object::builder()
        .schema_type(kinds)
        .format(format.map(SchemaFormat::KnownFormat))
        .description(Some(info.doc))
        .minimum((kind == Type::Integer).then_some(0));
    match info.posted.map(|posted| posted.reading) {
        Some(Reading::OneOf(values)) => {
            let values = values.iter().map(|value| Value::from(*value));
            schema.enum_values(Some(values.chain([Value::Null])))
        }
        _ => schema,
    }
}

fn to_example(info: &FieldInfo, posted: &Posted) -> Option<Value> {
    match (posted.example, info.stored) {
        ("", _) => None,
        (example, Stored::Number(_)) => serde_json::from_str(example).ok(),
        (example, _) => Some(Value::from(example)),
    }
}

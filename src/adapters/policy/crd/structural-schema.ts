// From the JSON Schema of policies to what Kubernetes calls a structural schema (apiextensions.k8s.io/v1): no references,
// one type for each field, nothing beside named fields. Defaults are left out, so that an object is stored as it was
// written; the description says them. A field that takes two types, such as `none` or a list, is stored as it is: the
// admission policy and the parser say what it may be.
import type { JsonSchema } from '../schema/json-schema.ts';
import { CEL_RULES } from './cel-rules.ts';

export interface StructuralSchema {
  readonly [keyword: string]: unknown;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
}

/** Value validation that both know, with one meaning. */
const SHARED = [
  'type',
  'pattern',
  'enum',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'required',
  'oneOf',
] as const;
/** As labels in the parser. */
const MAX_LABELS = 100;

/**
 * @param path where the schema stands, dotted, with `[]` for the members of a list; rules between fields are added by it.
 * @param definitions what references name.
 */
export function structuralSchema(
  schema: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
  path: string,
): StructuralSchema {
  const { $ref, ...own } = schema;
  if ($ref !== undefined) {
    const named = definitions[$ref.replace('#/$defs/', '')] ?? {};
    return structuralSchema({ ...named, ...own }, definitions, path);
  }
  const below = (child: JsonSchema, step: string): StructuralSchema =>
    structuralSchema(child, definitions, `${path}${step}`);
  const { properties, items, anyOf, const: only } = schema;
  const description = describedWithDefault(schema);
  return {
    ...(description !== '' && { description }),
    ...Object.fromEntries(SHARED.filter((name) => schema[name] !== undefined).map((name) => [name, schema[name]])),
    ...(only !== undefined && { enum: [only] }),
    ...(anyOf !== undefined && { 'x-kubernetes-preserve-unknown-fields': true }),
    ...(items !== undefined && { items: below(items, '[]') }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, below(field, `.${name}`)]),
      ),
    }),
    ...textByName(schema),
    ...CEL_RULES[path],
  };
}

/** Labels and annotations: the only fields whose names are the author's. */
function textByName({ additionalProperties }: JsonSchema): object {
  if (typeof additionalProperties !== 'object') return {};
  return { additionalProperties, maxProperties: MAX_LABELS };
}

function describedWithDefault({ description = '', default: value }: JsonSchema): string {
  const empty = value === undefined || JSON.stringify(value) === '{}' || JSON.stringify(value) === '[]';
  if (empty) return description;
  return `${description} Default ${typeof value === 'string' ? value : JSON.stringify(value)}.`.trim();
}

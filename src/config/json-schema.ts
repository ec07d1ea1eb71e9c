// The configuration as JSON Schema, for editors and for the values of the Helm chart. It says names, types and descriptions; what a
// text must be beyond that (durations, addresses) only `capstan config check` knows.
import { z } from 'zod';
import { isKey, type Key, type Section } from './key.ts';
import { schema } from './schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** @returns JSON Schema draft 2020-12 of a configuration file, without `$schema`; keys that only `serve --dev` sets are left out. */
export function configJsonSchema(): JsonSchema {
  return sectionSchema(schema);
}

function sectionSchema(section: Section): JsonSchema {
  const named = Object.entries(section).filter(([, node]) => !(isKey(node) && node.traits.devOnly === true));
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      named.map(([name, node]) => [name, isKey(node) ? keySchema(node) : sectionSchema(node)]),
    ),
  };
}

function keySchema({ shape, sentence, fallback }: Key<unknown>): JsonSchema {
  const own = Object.entries(z.toJSONSchema(shape.schema, { io: 'input', unrepresentable: 'any' }));
  return {
    ...Object.fromEntries(own.filter(([name]) => name !== '$schema')),
    description: sentence,
    ...(fallback !== undefined && { default: fallback }),
  };
}

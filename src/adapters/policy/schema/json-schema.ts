// The JSON Schema of policy documents, for editors and for pipelines: derived from the schemas that the
// parser reads with, so that what completes in an editor is what the server understands.
import { z } from 'zod';
import { KINDS } from './document-schema.ts';

/** As far as we look into one ourselves. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

/**
 * @returns a schema of draft 2020-12 for one document of any kind. What looks at several fields at once, and
 *   whether an expression is CEL, only the parser says.
 */
export function policyJsonSchema(): JsonSchema {
  const derived = z.toJSONSchema(z.union(Object.values(KINDS)), { io: 'input' }) as JsonSchema;
  const { $schema, anyOf = [], ...rest } = derived;
  return {
    $schema,
    $id: 'urn:capstan:policy:v1alpha1',
    title: 'Capstan policy',
    description: 'A PolicyBundle, a ClusterIssuancePolicy or an IssuancePolicy.',
    ...rest,
    oneOf: anyOf,
  };
}

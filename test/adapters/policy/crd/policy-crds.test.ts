// The CRDs of local policies, by what Kubernetes demands of a structural schema (apiextensions.k8s.io/v1). That a real API
// server takes them, with the cost of their rules, is shown in test/peers/kubernetes.
import { Ajv2020 } from 'ajv/dist/2020.js';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { policyCrds } from '../../../../src/adapters/policy/crd/policy-crds.ts';
import { EFFECTIVE_FIELDS } from '../../../../src/adapters/policy/crd/status-schema.ts';
import type { StructuralSchema } from '../../../../src/adapters/policy/crd/structural-schema.ts';
import { BOUND_FIELDS } from '../../../../src/domain/policy/comparison/bound-fields.ts';

const HOME = path.resolve(import.meta.dirname, '../../../..');
const PRESERVED = 'x-kubernetes-preserve-unknown-fields';

function schemaOf(kind: string): StructuralSchema {
  const crd = policyCrds().find(({ spec }) => (spec as { names: { kind: string } }).names.kind === kind);
  const { versions } = crd?.spec as { versions: [{ schema: { openAPIV3Schema: StructuralSchema } }] };
  return versions[0].schema.openAPIV3Schema;
}

interface Field {
  readonly at: string;
  readonly schema: StructuralSchema;
}

function fieldsOf(schema: StructuralSchema, at: string): readonly Field[] {
  const items = schema['items'] as StructuralSchema | undefined;
  return [
    { at, schema },
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => fieldsOf(field, `${at}.${name}`)),
    ...(items === undefined ? [] : fieldsOf(items, `${at}[]`)),
  ];
}

function examples(): readonly { readonly kind: string; readonly name: string }[] {
  const root = path.join(HOME, 'istio-config/examples/platform/policies');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(root, file), 'utf8')).map(
      (document) => document.toJS() as { kind: string; name: string },
    ),
  );
}

describe('The CRDs of local policies', () => {
  const all = ['IssuancePolicy', 'ClusterIssuancePolicy'].flatMap((kind) => fieldsOf(schemaOf(kind), kind));

  it('are published as `capstan policy schema --crds` prints them', () => {
    const published = readFileSync(path.join(HOME, 'istio-config/crds/policies.yaml'), 'utf8');
    const documents = parseAllDocuments(published).map((document) => document.toJS() as unknown);
    assert.deepEqual(documents, JSON.parse(JSON.stringify(policyCrds())), 'run `npm run crds`');
  });

  it('give each field one type, or keep it as it is written', () => {
    const untyped = all.filter(({ schema }) => schema['type'] === undefined && schema[PRESERVED] !== true);
    assert.deepEqual(
      untyped.map(({ at }) => at),
      [],
    );
  });

  it('have nothing that a structural schema may not have', () => {
    const forbidden = ['$ref', '$defs', 'const', 'anyOf', 'default', 'propertyNames'];
    const found = all.flatMap(({ at, schema }) => {
      const both = schema.properties !== undefined && schema['additionalProperties'] !== undefined;
      return [...forbidden.filter((name) => name in schema), ...(both ? ['additionalProperties'] : [])].map(
        (name) => `${at} ${name}`,
      );
    });
    assert.deepEqual(found, []);
  });

  it('keep as it is written only what may be a word or something larger', () => {
    const kept = all.filter(({ schema }) => schema[PRESERVED] === true).map(({ at }) => at.replace(/^[A-Za-z]+/, ''));
    assert.deepEqual([...new Set(kept)], ['.spec.narrow.dnsNames', '.spec.conditions[].onRenew']);
  });

  it('say something of every field, for `kubectl explain`', () => {
    const own = /^[A-Za-z]+\.(apiVersion|kind|metadata)$|\[\]$|conditions\[\]\.(status|lastTransitionTime)$/;
    const silent = all.filter(({ at, schema }) => !own.test(at) && (schema['description'] ?? '') === '');
    assert.deepEqual(
      silent.map(({ at }) => at),
      [],
    );
  });

  it('let the cost of each rule be known: what a rule walks or parses has a bound', () => {
    const ruled = all.filter(({ schema }) => schema['x-kubernetes-validations'] !== undefined);
    assert.ok(ruled.length >= 8);
    for (const { at, schema } of ruled) {
      const inside = fieldsOf(schema, at).slice(schema['type'] === 'object' ? 1 : 0);
      const read = inside.filter(({ schema: field }) => /ttl|keys|waitFor/.test(at) && field['type'] === 'string');
      assert.ok(
        read.every(({ schema: field }) => typeof field['maxLength'] === 'number'),
        at,
      );
    }
  });

  it('take the policies that are published as files', () => {
    const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false });
    const found = examples();
    assert.ok(found.length >= 4);
    for (const policy of found) {
      assert.ok(ajv.validate(schemaOf(policy.kind), policy), `${policy.kind}: ${ajv.errorsText()}`);
    }
  });

  it('have a place in the status for each limit there is', () => {
    const names = BOUND_FIELDS.map(({ field }) =>
      field.replace(/\.([a-z])/, (_, letter: string) => letter.toUpperCase()),
    );
    assert.deepEqual(['bundle', ...names], Object.keys(EFFECTIVE_FIELDS));
  });
});

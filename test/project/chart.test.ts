// The Helm chart as files: what its schema says of values, and what its templates must and must not have. What Kubernetes says of it is
// asked of a real API server in test/peers/kubernetes.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { format } from 'prettier';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { loadConfig } from '../../src/config/load.ts';

const CHART = path.resolve(import.meta.dirname, '../../istio-config/chart/capstan');
const SCHEMA = path.join(CHART, 'values.schema.json');
const read = (name: string): string => readFileSync(path.join(CHART, name), 'utf8');

type Values = Record<string, never> & { config: Record<string, Record<string, unknown>> };
const values = parse(read('values.yaml')) as Values;
const schema = JSON.parse(read('values.schema.json')) as { properties: Record<string, unknown> };
const accepts = new Ajv({ strict: false }).compile(schema);

/** @param changes by dotted path, laid over the defaults. */
function judged(changes: Readonly<Record<string, unknown>>): boolean {
  const changed = structuredClone(values) as Record<string, unknown>;
  for (const [at, value] of Object.entries(changes)) {
    const names = at.split('.');
    const last = names.pop()!;
    let place = changed;
    for (const name of names) place = (place[name] ??= {}) as Record<string, unknown>;
    place[last] = value;
  }
  return accepts(changed);
}

const POSTGRES = { 'config.journal.store': 'postgres://capstan@db.example/capstan' };

describe('The chart', () => {
  it('has a schema whose part for the configuration is made from our own', async () => {
    const made = { ...schema, properties: { ...schema.properties, config: configJsonSchema() } };
    const text = await format(JSON.stringify(made), { parser: 'json', printWidth: 120 });
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(SCHEMA, text);
    else assert.equal(read('values.schema.json'), text, 'run this test with UPDATE_DOCS=1');
  });

  it('has the CRDs of policies as they are', () => {
    // Helm follows links, and not everything else that reads a checkout does.
    const source = readFileSync(path.resolve(CHART, '../../crds/policies.yaml'), 'utf8');
    const copy = 'crds-of-policies/policies.yaml';
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path.join(CHART, copy), source);
    else assert.equal(read(copy), source, 'run this test with UPDATE_DOCS=1');
  });

  it('has defaults that its schema accepts', () => {
    assert.ok(accepts(values), JSON.stringify(accepts.errors));
  });

  it('has a schema that knows every value, and no other', () => {
    const known = Object.keys(schema.properties).filter((name) => name !== 'global');
    assert.deepEqual(known.toSorted(), Object.keys(values).toSorted());
    assert.equal(judged({ replica: 2 }), false);
    assert.equal(judged({ 'config.listen.maxConection': 5 }), false);
  });

  it('refuses several replicas of an embedded store, and takes them with PostgreSQL', () => {
    assert.equal(judged({ replicas: 2 }), false);
    assert.equal(judged({ 'autoscaling.enabled': true }), false);
    assert.equal(judged({ replicas: 3, ...POSTGRES }), true);
    assert.equal(judged({ 'autoscaling.enabled': true, ...POSTGRES }), true);
  });

  it('takes an image by digest only as a digest is written', () => {
    assert.equal(judged({ 'image.digest': 'sha256:abc' }), false);
    assert.equal(judged({ 'image.digest': `sha256:${'a'.repeat(64)}` }), true);
    assert.equal(judged({ 'image.repository': 'capstan@sha256:abc' }), false);
  });

  it('lets no condition read Secrets', () => {
    assert.equal(judged({ 'conditions.resources': { '': ['secrets'] } }), false);
  });

  it('says in a comment of its values only names that are values', () => {
    const roots = [...read('templates/statefulset.yaml').matchAll(/\.Values\.(\w+)/g)].map(([, name]) => name!);
    for (const name of new Set(roots)) assert.ok(name in values, name);
  });

  it('has the version of the package', () => {
    const { version, appVersion } = parse(read('Chart.yaml')) as { version: string; appVersion: string };
    const own = (
      JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
    ).version;
    assert.deepEqual({ version, appVersion }, { version: own, appVersion: own });
  });
});

describe("The chart's configuration", () => {
  it('is valid but for the keys of the policy bundle, which nobody but its owner has', () => {
    const given = Object.fromEntries(flat(values.config, ''));
    const loaded = loadConfig({ given: { ...given, 'policy.bundle.keys': ['/etc/capstan/bundle-keys/one.pub'] } });
    assert.ok(!('problems' in loaded), JSON.stringify('problems' in loaded && loaded.problems));
  });
});

/** Keys by dotted path, as `loadConfig` is given them. */
function flat(section: Readonly<Record<string, unknown>>, prefix: string): (readonly [string, unknown])[] {
  return Object.entries(section).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>, `${prefix}${name}.`)
      : [[prefix + name, value] as const],
  );
}

import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describePolicySchema } from '../../../../src/adapters/policy/schema/describe-schema.ts';
import { policyJsonSchema, type JsonSchema } from '../../../../src/adapters/policy/schema/json-schema.ts';
import { BOUNDS, bundleText, HEAD, localText, onlyDocument, problemsOf } from '../source/documents.ts';

const HOME = path.resolve(import.meta.dirname, '../../../..');
const published = readFileSync(path.join(HOME, 'istio-config/schema/capstan-policy.schema.json'), 'utf8');

const FULL = bundleText(`
validity: { notBefore: 2026-11-20T00:00:00Z, softExpiry: 2026-12-20T00:00:00Z, renewAfterHardExpiry: true }
audience: { clusters: ["prod-*"] }
issuers: [{ name: high, anchor: "sha256:${'ab'.repeat(32)}", minRemaining: 6h }]
classes: [{ class: gateway, namespaces: [istio-ingress] }]
rules:
  - id: mesh
    match: { classes: [workload], namespaces: { labels: { mesh: "true" } }, clusters: { labels: { env: prod } } }
    bounds: ${BOUNDS}
    deny: { serviceAccounts: [default] }
    conditions: [{ id: c, expression: "true", message: m, onRenew: warn }]
    locked: true
namespaces: { maxLocalWait: 5s, onRenew: { grace: 2h }, quotas: { perIdentityPerMinute: 5 }, audit: [{ names: [a] }] }`);

const LOCAL =
  localText(`subjects: { serviceAccounts: [api] }, narrow: { ttl: { max: 30m }, keys: ["rsa>=3072"], dnsNames: none },
  conditions: [
    { id: a, exists: { kind: Ingress, names: ["*"], selectsPod: false, where: "true" }, message: m, waitFor: 3s },
    { id: b, matches: { object: pod, annotations: { a: b } }, message: m, onRenew: { grace: 1h } },
    { id: c, claim: { name: nodeName, in: ["gpu-*"] }, message: m, mode: audit } ]`);

const CLUSTER = `${HEAD}kind: ClusterIssuancePolicy
metadata: { name: platform, annotations: { a: b } }
spec: { namespaces: { names: ["*"] }, narrow: { impersonators: [istio-system/ztunnel], trustDomains: ["*"] } }`;

/** Fields that a reader is told nothing of; what can only be one word speaks for itself. */
function undescribed({ properties = {}, anyOf = [], items = {} }: JsonSchema, at: string): string[] {
  const fields = Object.entries(properties).flatMap(([name, field]) => {
    const silent = field.description === undefined && field.const === undefined;
    return [...(silent ? [`${at}.${name}`] : []), ...undescribed(field, `${at}.${name}`)];
  });
  const below = Object.keys(items).length === 0 ? [] : undescribed(items, `${at}[]`);
  return [...fields, ...anyOf.flatMap((form) => undescribed(form, at)), ...below];
}

describe('The JSON Schema of policies', () => {
  const ajv = new Ajv2020({ allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(policyJsonSchema());
  const valid = (text: string): boolean => validate(parse(text, { schema: 'core' }));

  it('is published as `capstan policy schema` prints it', () => {
    const hint =
      'run `npm run -s capstan -- policy schema > istio-config/schema/capstan-policy.schema.json` and format it';
    assert.equal(JSON.stringify(JSON.parse(published)), JSON.stringify(policyJsonSchema()), hint);
  });

  it('has a page of reference that is `capstan policy schema --markdown`', () => {
    const page = readFileSync(path.join(HOME, 'docs/policy-reference.md'), 'utf8');
    const hint = 'run `npm run -s capstan -- policy schema --markdown > docs/policy-reference.md`';
    assert.equal(page, describePolicySchema(), hint);
  });

  it('says something of every field', () => {
    const sections = Object.entries(policyJsonSchema().$defs ?? {});
    assert.ok(sections.length > 3);
    assert.deepEqual(
      sections.flatMap(([name, schema]) => undescribed(schema, name)),
      [],
    );
  });

  for (const [what, text] of [
    ['bundle', FULL],
    ['policy of a namespace', LOCAL],
    ['policy of a cluster', CLUSTER],
    ['bundle that says little', bundleText()],
  ] as const) {
    it(`takes a ${what} that the parser takes`, () => {
      onlyDocument(text);
      assert.ok(valid(text), JSON.stringify(validate.errors));
    });
  }

  const refused: readonly [what: string, text: string][] = [
    ['another kind', bundleText().replace('PolicyBundle', 'Deployment')],
    ['a field that is misspelled', bundleText('rulez: []\nrules: []')],
    ['a field that is missing', bundleText('')],
    ['a lifetime that is none', FULL.replace('24h', '1.5h')],
    ['a moment in another zone', FULL.replace('2026-11-20T00:00:00Z', '2026-11-20T00:00:00+01:00')],
    ['a pattern of two stars', CLUSTER.replace('names: ["*"]', 'names: ["*a*"]')],
    ['a label that is no text', FULL.replace('"true" } }', 'true } }')],
    ['a key of another type', LOCAL.replace('rsa>=3072', 'dsa')],
    ['a SPIFFE ID with an unknown placeholder', FULL.replace('{serviceAccount}"', '{pod}"')],
    ['a condition that asks two things', LOCAL.replace('claim:', 'expression: "true", claim:')],
    ['a condition that asks nothing', LOCAL.replace('claim: { name: nodeName, in: ["gpu-*"] },', '')],
    ['a grace without a length', FULL.replace('{ grace: 2h }', '{}')],
    ['a namespaced policy without a namespace', LOCAL.replace(', namespace: shop', '')],
    ['the namespaces of another policy', LOCAL.replace('subjects:', 'namespaces: {}, subjects:')],
  ];
  for (const [what, text] of refused) {
    it(`refuses ${what}, as the parser does`, () => {
      assert.notDeepEqual(problemsOf(text), []);
      assert.ok(!valid(text));
    });
  }
});

// The CRDs of local policies and the admission policies beside them, in a real API server: it takes them, with the cost of
// their rules, and refuses what the parser refuses. No Capstan runs here.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { eventually } from '../../../support/eventually.ts';
import { findPrograms } from '../../programs/programs.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { ApiRefusal, type ClusterObject } from '../support/cluster-api.ts';
import { KubernetesCluster } from '../support/cluster.ts';
import { kubectl } from '../support/kubectl.ts';
import { admissionObjects, policyCrds, policyObject } from '../support/policy-manifests.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../../istio-config/examples/platform/policies');
const MESSAGE = { message: 'm' };

function examples(): readonly ClusterObject[] {
  const files = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'));
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(EXAMPLES, file), 'utf8')).map(
      (document) => document.toJS() as ClusterObject,
    ),
  );
}

const condition = (fields: object) => ({ conditions: [{ id: 'c', ...MESSAGE, ...fields }] });

/** What is wrong, and what the API server says of it. */
const REFUSED: readonly (readonly [what: string, spec: object, said: RegExp])[] = [
  ['an unknown field', { narow: {} }, /unknown field "spec\.narow"/],
  ['a mode that is none', { mode: 'maybe' }, /spec\.mode: Unsupported value/],
  ['a lifetime that is none', { narrow: { ttl: { max: '1.5h' } } }, /spec\.narrow\.ttl\.max.* should match/],
  [
    'a minimum above the maximum',
    { narrow: { ttl: { min: '2h', max: '90m' } } },
    /spec\.narrow\.ttl\.min.*longer than max/,
  ],
  ['a default outside', { narrow: { ttl: { max: '1d', default: '25h' } } }, /ttl\.default.*between min and max/],
  ['a type of key twice', { narrow: { keys: ['rsa', 'rsa>=3072'] } }, /spec\.narrow\.keys.*second time/],
  ['a key too short', { narrow: { keys: ['rsa>=1024'] } }, /spec\.narrow\.keys.*2048 to 16384/],
  ['a pattern of two stars', { deny: { serviceAccounts: ['*a*'] } }, /spec\.deny\.serviceAccounts\[0\]/],
  ['a condition that asks nothing', condition({}), /spec\.conditions\[0\].*oneOf/],
  [
    'a condition that asks two things',
    condition({ expression: 'true', claim: { name: 'podName', in: ['*'] } }),
    /oneOf/,
  ],
  ['a wait too long', condition({ expression: 'true', waitFor: '1m' }), /waitFor.*at most 10s/],
  [
    'a selector in another namespace',
    condition({ exists: { kind: 'Service', selectsPod: true, inNamespace: 'shop' } }),
    /selectsPod.*inNamespace: self only/,
  ],
  [
    'two conditions of one name',
    { conditions: [1, 2].map(() => ({ id: 'c', ...MESSAGE, expression: 'true' })) },
    /spec\.conditions/,
  ],
  ['an object of another namespace', condition({ exists: { kind: 'Service', inNamespace: 'data' } }), /must be self/],
  ['DNS names that are no list', { narrow: { dnsNames: 'all' } }, /dnsNames must be none, or a list/],
  ['DNS names that are no patterns', { narrow: { dnsNames: ['a b'] } }, /dnsNames must be none, or a list/],
  ['a renewal that is none', condition({ expression: 'true', onRenew: 'never' }), /onRenew must be enforce/],
  ['a grace that is none', condition({ expression: 'true', onRenew: { grace: 'long' } }), /onRenew must be enforce/],
];

const TAKEN: readonly (readonly [what: string, spec: object])[] = [
  ['that says nothing', {}],
  ['with limits in order', { narrow: { ttl: { min: '10m', default: '1h', max: '1d' } } }],
  ['without DNS names', { narrow: { dnsNames: 'none' } }],
  ['with DNS names', { narrow: { dnsNames: ['*.shop.example', 'a*'] } }],
  ['with a grace', condition({ expression: 'true', onRenew: { grace: '2h' }, waitFor: '10s' })],
  ['that warns at renewal', condition({ expression: 'true', onRenew: 'warn' })],
  ['of its own namespace', condition({ exists: { kind: 'Service', inNamespace: 'shop' } })],
];

describe('The CRDs of local policies in an API server', function () {
  this.timeout(120_000);
  const ended = new AsyncDisposableStack();
  let cluster: KubernetesCluster;
  before(async function () {
    peerOrSkip(this, KubernetesCluster.programs() && findPrograms('kubectl'), 'Kubernetes');
    cluster = ended.use(await KubernetesCluster.start());
    const namespaces = ['shop', 'data', 'payments'].map((name) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    }));
    await cluster.apply([...namespaces, ...policyCrds(), ...admissionObjects()]);
    await eventually(
      'the admission policies are in force',
      async () => {
        const said = await refusal(policyObject('shop', 'probe', { narrow: { dnsNames: 'all' } }));
        return said === undefined ? undefined : said;
      },
      { withinMs: 30_000 },
    );
  });
  after(async () => ended.disposeAsync());

  /** As `kubectl apply --dry-run=server --validate=strict`. @returns what is said against it. */
  async function refusal(object: ClusterObject): Promise<string | undefined> {
    const { metadata } = object;
    const plural = metadata.namespace === undefined ? 'clusterissuancepolicies' : 'issuancepolicies';
    const place = metadata.namespace === undefined ? '' : `namespaces/${metadata.namespace}/`;
    const target = `/apis/capstan.dev/v1alpha1/${place}${plural}?dryRun=All&fieldValidation=Strict`;
    try {
      await cluster.api.ask('POST', target, object);
      return undefined;
    } catch (error) {
      if (error instanceof ApiRefusal) return error.message;
      throw error;
    }
  }

  it('are without any complaint of the API server', async () => {
    for (const { metadata } of policyCrds()) {
      const found = await cluster.api.get({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata,
      });
      const { conditions } = found?.['status'] as { conditions: { type: string; status: string; message: string }[] };
      const wrong = conditions.filter(({ type, status }) => type === 'NonStructuralSchema' || status === 'False');
      assert.deepEqual(wrong, []);
    }
  });

  it('take the policies that are published as files', async () => {
    const found = examples();
    assert.ok(found.length >= 4);
    for (const policy of found) assert.equal(await refusal(policy), undefined, policy.metadata.name);
  });

  for (const [what, spec] of TAKEN) {
    it(`take a policy ${what}`, async () => {
      assert.equal(await refusal(policyObject('shop', 'web', spec)), undefined);
    });
  }

  for (const [what, spec, said] of REFUSED) {
    it(`refuse ${what}`, async () => {
      assert.match((await refusal(policyObject('shop', 'web', spec))) ?? 'taken', said);
    });
  }

  it('let the policy of a cluster look at other namespaces, and at the cluster', async () => {
    for (const inNamespace of ['data', 'none']) {
      const spec = condition({ exists: { kind: 'Service', inNamespace } });
      assert.equal(await refusal(policyObject(undefined, 'platform', spec)), undefined);
    }
  });

  it('have kubectl explain each field, and show how a policy stands', async () => {
    const explained = said('explain', 'issuancepolicy.spec.narrow.ttl.max');
    assert.match(explained, /Longest lifetime/);
    const object = policyObject('shop', 'web', { mode: 'audit', narrow: { ttl: { max: '30m' } }, contact: '#shop' });
    await cluster.apply([object]);
    const conditions = ['Accepted', 'ExceedsCentral'].map((type) => ({
      ...{ type, status: 'True', reason: 'Test', message: '' },
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }));
    await cluster.api.patch(
      object,
      { status: { conditions, lastDay: { issued: 3, refused: 2, auditHits: 0 } } },
      'status',
    );
    const [head = '', row = ''] = said('get', 'issp', '-n', 'shop').split('\n');
    assert.match(head, /NAME +MODE +MAX TTL +ACCEPTED +EXCEEDS +REFUSED +AGE/);
    assert.match(row, /web +audit +30m +True +True +2 /);
  });

  it('have kubectl warn of what is seldom meant', () => {
    const { stderr } = run('apply', '--dry-run=server', '-f', '-', {
      input: policyObject('shop', 'api', { mode: 'off' }),
    });
    assert.match(stderr, /Warning: .*spec\.contact names nobody/);
    assert.match(stderr, /Warning: .*spec\.mode is off/);
  });

  function said(...args: readonly string[]): string {
    const { stdout, stderr, status } = run(...args, {});
    assert.equal(status, 0, stderr);
    return stdout;
  }

  function run(...given: readonly [...args: string[], { readonly input?: object }]) {
    const { input } = given.at(-1) as { readonly input?: object };
    const args = given.slice(0, -1) as string[];
    return spawnSync(...kubectl(cluster, ...args), {
      encoding: 'utf8',
      ...(input !== undefined && { input: JSON.stringify(input) }),
    });
  }
});

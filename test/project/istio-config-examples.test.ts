// The example under istio-config/examples: what its README promises is what the evaluator says.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { snapshotOf } from '../../src/adapters/kubernetes/manifests/manifest-snapshot.ts';
import { readManifests } from '../../src/adapters/kubernetes/manifests/read-manifests.ts';
import { workloadsIn, type Workload } from '../../src/adapters/kubernetes/manifests/workloads.ts';
import { parsePolicyDocuments } from '../../src/adapters/policy/source/parse-documents.ts';
import { evaluate } from '../../src/domain/policy/evaluation/evaluate.ts';
import { PolicySet } from '../../src/domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../src/domain/policy/request.ts';
import { formatPosition, type Problem } from '../../src/domain/text/position.ts';
import { NOON_MS } from '../support/fakes/fake-clock.ts';

const ROOT = path.resolve(import.meta.dirname, '../../istio-config/examples');
const README = readFileSync(path.join(ROOT, 'README.md'), 'utf8');

function filesIn(folder: string): Map<string, string> {
  const names = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.yaml')).sort();
  return new Map(files.map((name) => [path.join(folder, name), readFileSync(path.join(ROOT, folder, name), 'utf8')]));
}

const manifestFiles = filesIn('manifests');
const policyFiles = new Map([...filesIn('security'), ...filesIn('platform')]);

const told = (problems: readonly Problem[]): string[] =>
  problems.map(({ position, path: field, problem }) => `${formatPosition(position)} ${field} ${problem}`);

/** README rows by workload. */
function promised(): Map<string, string> {
  const rows = README.split('\n').filter((line) => /^\| [a-z-]+\/[a-z-]+ /.test(line));
  return new Map(
    rows.map((row) => row.split('|').map((cell) => cell.trim())).map(([, name = '', verdict = '']) => [name, verdict]),
  );
}

function policies(): PolicySet {
  const parsed = [...policyFiles].map(([place, text]) => parsePolicyDocuments(text, place));
  assert.deepEqual(told(parsed.flatMap(({ problems }) => problems)), []);
  const documents = parsed.flatMap((file) => file.documents);
  const [central] = documents.filter(({ position }) => position.place.startsWith('security/'));
  assert.ok(central?.document.kind === 'PolicyBundle');
  return PolicySet.of({
    bundle: central.document,
    bundleDigest: central.digest,
    local: documents.flatMap(({ document, digest }) =>
      document.kind === 'PolicyBundle' ? [] : [{ policy: document, digest }],
    ),
    cluster: { id: 'default', labels: {} },
  });
}

function requestOf({ namespace, serviceAccount, pod }: Workload): PolicyRequest {
  return {
    subject: {
      trustDomain: 'cluster.local',
      namespace,
      serviceAccount,
      spiffeId: `spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`,
    },
    key: { type: 'ec-p256', bits: 0 },
    requestedTtlMs: 0,
    dnsNames: [],
    claims: { podName: pod!.metadata.name },
    issuer: { name: 'default', anchors: [], remainingMs: Infinity },
    nowMs: NOON_MS,
  };
}

/** The decision on each workload, over the manifests, a pod for each, and what `extra` adds. */
function decisions(extra = '') {
  const set = policies();
  const { objects } = readManifests(new Map([...manifestFiles, ['manifests/extra.yaml', extra]]));
  const workloads = workloadsIn(objects).workloads;
  const pods = workloads.map(({ pod, position }) => ({ object: pod!, position }));
  const snapshot = snapshotOf([...objects, ...pods]);
  return new Map(
    workloads.map((workload) => [
      `${workload.namespace}/${workload.name}`,
      evaluate(set, requestOf(workload), snapshot),
    ]),
  );
}

function verdicts(extra?: string): Map<string, string> {
  const words = [...decisions(extra)].map(([name, { outcome, failures }]): [string, string] => {
    const [first] = failures;
    const policy = first?.policy.split('/').at(-1) ?? '';
    return [name, outcome === 'approved' ? 'issued' : `${first?.reason ?? outcome} ${policy}`];
  });
  return new Map(words.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('The example under istio-config/examples', () => {
  it('is a mesh of at least four namespaces and a dozen workloads, without a problem', () => {
    const { objects, problems } = readManifests(manifestFiles);
    assert.deepEqual(told(problems), []);
    const workloads = workloadsIn(objects).workloads;
    assert.ok(workloads.length >= 12);
    assert.ok(new Set(workloads.map(({ namespace }) => namespace)).size >= 4);
  });

  it('says in the first line of each file who owns it', () => {
    const silent = [...manifestFiles, ...policyFiles].filter(([, text]) => !/^# Owner: .+\(.+\)/.test(text));
    assert.deepEqual(
      silent.map(([place]) => place),
      [],
    );
  });

  it('keeps each namespace in its own folder', () => {
    const { objects } = readManifests(manifestFiles);
    const strays = objects.filter(({ object: { kind, metadata }, position: { place } }) => {
      const namespace = kind === 'Namespace' ? metadata.name : metadata.namespace;
      return namespace !== path.basename(path.dirname(place));
    });
    assert.deepEqual(strays, []);
  });

  it('is decided as its README says, workload by workload', () => {
    assert.deepEqual(Object.fromEntries(verdicts()), Object.fromEntries(promised()));
  });

  it('shows a refusal of each common kind, while most workloads pass', () => {
    const refused = [...decisions().values()].flatMap(({ failures: [first] }) => (first === undefined ? [] : [first]));
    assert.ok(refused.length < promised().size / 2);
    assert.ok(new Set(refused.map(({ policy, field, allowed }) => `${policy} ${field} ${allowed}`)).size >= 5);
  });

  it('names in every refusal whom to ask', () => {
    for (const { failures } of decisions().values()) {
      for (const { contact, change } of failures) {
        assert.match(contact ?? '', /^#[\w-]+$|@/);
        assert.notEqual(change, '');
      }
    }
  });

  it('notes in the decision who would be refused, where a rule or policy is on trial', () => {
    const audits = decisions()
      .get('data/warehouse')
      ?.audits.map(({ reason, policy }) => `${reason} ${policy}`);
    assert.deepEqual(audits, ['CAP-P12 corp-mesh@42', 'CAP-P02 data/try-p384']);
    assert.deepEqual(decisions().get('shop/storefront')?.audits, []);
  });

  it('lets reviews pass with the Ingress that its README has', () => {
    const [, ingress = ''] = /```yaml\n([\s\S]*?)```/.exec(README) ?? [];
    assert.equal(verdicts(ingress).get('shop/reviews'), 'issued');
  });
});

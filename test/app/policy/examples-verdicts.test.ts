// What a pull request shows is what the server does: `policy check` on istio-config/examples, and a running
// server with the same bundle, policies and manifests, asked by the same workloads.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { parse } from 'yaml';
import { readManifests } from '../../../src/adapters/kubernetes/manifests/read-manifests.ts';
import { workloadsIn } from '../../../src/adapters/kubernetes/manifests/workloads.ts';
import { runCli } from '../../../src/cli/program.ts';
import { recordTerminal } from '../../cli/support/recorded-terminal.ts';
import { buildCsr } from '../../support/certificates.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { claimsOf } from '../support/token-mint.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../istio-config/examples');
const BUNDLE = path.join(EXAMPLES, 'security/bundle.yaml');
const POLICIES = path.join(EXAMPLES, 'platform/policies');
const MANIFESTS = path.join(EXAMPLES, 'manifests');

interface Checked {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly outcome: string;
  readonly decision: {
    readonly request: { readonly claims: { readonly podName: string } };
    readonly failures: readonly { readonly reason: string; readonly policy: string; readonly field: string }[];
    readonly audits: readonly { readonly reason: string }[];
  };
}

async function checked(): Promise<readonly Checked[]> {
  const recorded = recordTerminal();
  const argv = ['policy', 'check', '--bundle', BUNDLE, '--policies', POLICIES, MANIFESTS, '--output', 'json'];
  const options = { terminal: recorded.terminal, environment: {}, signal: new AbortController().signal };
  assert.equal(await runCli(argv, options), 1, recorded.error());
  return (JSON.parse(recorded.out()) as { workloads: Checked[] }).workloads;
}

describe('The example of a company with a security team and a platform team', function () {
  this.timeout(60_000);
  let files: ServerFiles;
  let server: RunningServer;
  let workloads: readonly Checked[];
  before(async () => {
    workloads = await checked();
    files = await ServerFiles.create();
    // As its authors wrote it; the signature does not mind layout.
    const text = readFileSync(BUNDLE, 'utf8');
    files.write('bundle.yaml.sig', files.signBundle(parse(text, { schema: 'core' }) as object));
    files.write('bundle.yaml', text);
    cpSync(POLICIES, files.path('policies'), { recursive: true });
    cpSync(MANIFESTS, files.path('manifests'), { recursive: true });
    files.setManifest('pods.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: podsOf(workloads) }));
    server = await RunningServer.start({ files });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  it('has at least twelve workloads in at least four namespaces, and refuses for several reasons', () => {
    assert.ok(workloads.length >= 12);
    assert.ok(new Set(workloads.map(({ namespace }) => namespace)).size >= 4);
    const refused = workloads.filter(({ outcome }) => outcome === 'refused');
    assert.ok(refused.length >= 5 && refused.length < workloads.length / 2);
    assert.ok(new Set(refused.map(({ decision }) => decision.failures[0]?.field)).size >= 5);
  });

  it('gets from a server, workload by workload, the verdicts that the pull request showed', async () => {
    for (const workload of workloads) {
      const { namespace, serviceAccount, outcome, decision } = workload;
      const kubernetes = claimsOf(namespace, serviceAccount)['kubernetes.io'] as object;
      const pod = { name: decision.request.claims.podName, uid: 'pod-uid' };
      const claims = { ...claimsOf(namespace, serviceAccount), 'kubernetes.io': { ...kubernetes, pod } };
      const authorization = `Bearer ${await files.mint.token(serviceAccount, claims)}`;
      const csr = (await buildCsr()).pem;
      using client = server.client();
      const { code, details } = await client.call({ csr, headers: { authorization } });
      const title = `${namespace}/${workload.name}: ${details}`;
      assert.equal(status[code], outcome === 'approved' ? 'OK' : 'PERMISSION_DENIED', title);
      const [record] = files.decisions({ limit: 1 });
      assert.deepEqual(short(record?.policy?.failures), short(decision.failures), title);
      assert.deepEqual(short(record?.policy?.audits), short(decision.audits), title);
    }
  });
});

function short(clauses: readonly object[] = []): readonly string[] {
  return clauses.map((clause) => JSON.stringify(clause));
}

/** The pods that would run, under the names that `check` gave them. */
function podsOf(workloads: readonly Checked[]): readonly object[] {
  const texts = readdirSync(MANIFESTS, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [name, readFileSync(path.join(MANIFESTS, name), 'utf8')] as const);
  const known = workloadsIn(readManifests(new Map(texts)).objects).workloads;
  return workloads.map(({ kind, namespace, name, decision }) => {
    const found = known.find((one) => one.kind === kind && one.namespace === namespace && one.name === name);
    assert.ok(found !== undefined);
    const { podName } = decision.request.claims;
    return { ...found.pod, metadata: { ...found.pod!.metadata, name: podName } };
  });
}

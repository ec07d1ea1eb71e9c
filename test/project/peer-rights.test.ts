// With what rights the servers of the tests are in a cluster: with those of an installation, for otherwise a test shows what nobody
// may do. Whoever connects one in another way is found here, with and without a cluster.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const TESTS = path.resolve(import.meta.dirname, '..');
const KUBERNETES = 'peers/kubernetes';
/** This file, and those of the server's own rooms, which are tested with an API server that is a fake. */
const ELSEWHERE =
  /^(project\/peer-rights|adapters|app|authority|cli|config|domain|live|review|support|transcripts|yaml)\b/;

const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !ELSEWHERE.test(file))
  .map((file) => ({ file, text: readFileSync(path.join(TESTS, file), 'utf8') }));

const having = (pattern: RegExp): readonly string[] =>
  files.flatMap(({ file, text }) => (pattern.test(text) ? [file] : [])).sort();

describe('A server of a test in a real cluster', () => {
  it('is connected by the account that the chart makes, and by nothing else', () => {
    const connecting = having(/kubernetes\.(from|kubeconfig)'|\bfrom\W+'kubeconfig'/);
    assert.deepEqual(connecting, [`${KUBERNETES}/support/chart-account.ts`]);
  });

  it('never has what the administrator has, who is there for programs that an operator runs', () => {
    assert.deepEqual(having(/administratorKubeconfig/), [
      // `capstan doctor`, from a workstation.
      `${KUBERNETES}/installation/doctor.test.ts`,
      `${KUBERNETES}/support/cluster-files.ts`,
      `${KUBERNETES}/support/cluster.ts`,
      `${KUBERNETES}/support/kubectl.ts`,
    ]);
  });

  it('has no account but the one of the chart: istiod and cert-manager have others, and the doctor in a pod', () => {
    assert.deepEqual(having(/accountKubeconfig/), [
      `${KUBERNETES}/installation/doctor.test.ts`,
      // `capstan rogue`, with the role that is made for it.
      `${KUBERNETES}/installation/rogue.test.ts`,
      `${KUBERNETES}/istio/support/istiod.ts`,
      `${KUBERNETES}/signing/support/cert-manager.ts`,
      `${KUBERNETES}/support/chart-account.ts`,
      `${KUBERNETES}/support/cluster.ts`,
    ]);
  });

  it('has no role that a test made up', () => {
    const roles = having(/kind: 'ClusterRole'|kind: 'Role'/);
    assert.deepEqual(roles, [
      // Of service accounts that are nobody's.
      `${KUBERNETES}/harness.test.ts`,
      // The binding of the role that `capstan rogue` is given.
      `${KUBERNETES}/installation/rogue.test.ts`,
      // What the doctor looks at, and finds too small; no server runs with it.
      `${KUBERNETES}/installation/support/installation.ts`,
      // Of istiod, and of cert-manager.
      `${KUBERNETES}/istio/support/istiod.ts`,
      `${KUBERNETES}/signing/support/cert-manager.ts`,
      // Of istiod, and of who asks as it does.
      `${KUBERNETES}/support/relayed-requests.ts`,
    ]);
  });
});

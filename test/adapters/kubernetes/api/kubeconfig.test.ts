import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  inClusterAccess,
  kubeconfigAccess,
  kubeconfigFileAccess,
} from '../../../../src/adapters/kubernetes/api/kubeconfig.ts';

const config = (cluster: string, user: string, more = ''): string => `
apiVersion: v1
kind: Config
current-context: main
clusters:
- name: one
  cluster: { server: "https://10.0.0.1:6443", ${cluster} }
contexts:
- name: main
  context: { cluster: one, user: me, namespace: mesh }
- name: other
  context: { cluster: elsewhere, user: me }
users:
- name: me
  user: { ${user} }
${more}`;

describe('A kubeconfig', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'kubeconfig-'))));
  after(() => rmSync(folder, { recursive: true }));

  const read = (cluster: string, user: string) => kubeconfigAccess(config(cluster, user), 'here');

  it('says where the API server is and what is shown to it', () => {
    const ca = Buffer.from('-----BEGIN').toString('base64');
    const access = read(`certificate-authority-data: ${ca}, tls-server-name: kubernetes`, 'token: secret');
    assert.equal(access.server.origin, 'https://10.0.0.1:6443');
    assert.equal(access.namespace, 'mesh');
    assert.equal(access.serverName, 'kubernetes');
    assert.deepEqual(access.ca, { text: '-----BEGIN' });
    assert.deepEqual(access.token, { text: 'secret' });
  });

  it('may name files, relative to itself, which are read when they are needed', () => {
    const file = path.join(folder, 'config');
    writeFileSync(file, config('certificate-authority: ca.crt', 'tokenFile: /token, client-key: key.pem'));
    const access = kubeconfigFileAccess(file);
    assert.deepEqual(access.ca, { file: path.join(folder, 'ca.crt') });
    assert.deepEqual(access.token, { file: '/token' });
    assert.deepEqual(access.key, { file: path.join(folder, 'key.pem') });
  });

  it('from elsewhere has everything in itself', () => {
    assert.throws(() => read('certificate-authority: ca.crt', 'token: t'), /here names a file/);
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['insecure-skip-tls-verify: true', 'token: t', /insecure-skip-tls-verify, which would let whoever answers/],
    ['proxy-url: "http://p"', 'token: t', /proxy-url, which is not supported/],
    ['', 'exec: { command: aws }', /exec, which would run a program/],
    ['', 'auth-provider: { name: gcp }', /auth-provider/],
    ['', 'as: admin', /asks to act as somebody else/],
  ];
  for (const [cluster, user, problem] of refused) {
    it(`is refused by name with ${cluster}${user}`, () => assert.throws(() => read(cluster, user), problem));
  }

  it('is refused where it names nothing that is there', () => {
    const text = config('', 'token: t');
    assert.throws(() => kubeconfigAccess(text, 'here', { context: 'no' }), /no context "no"; it has main, other/);
    assert.throws(() => kubeconfigAccess(text, 'here', { context: 'other' }), /no cluster "elsewhere"/);
    assert.throws(() => kubeconfigAccess(text.replace('https', 'http'), 'here'), /not an https URL/);
    assert.throws(() => kubeconfigFileAccess(path.join(folder, 'none')), /none, which does not exist/);
  });

  it('quotes nothing of itself when it cannot be read', () => {
    for (const text of ['token: "se-cret', 'token: se-cret', '[]', 'users: se-cret']) {
      assert.throws(
        () => kubeconfigAccess(text, 'here'),
        ({ message }: Error) => message.includes('here') && !message.includes('cret'),
      );
    }
  });

  it('is not needed in a pod, which has a service account', () => {
    for (const name of ['ca.crt', 'token']) writeFileSync(path.join(folder, name), name);
    writeFileSync(path.join(folder, 'namespace'), 'mesh\n');
    const access = inClusterAccess({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }, folder);
    assert.equal(access.server.href, 'https://[fd00::1]/');
    assert.equal(access.namespace, 'mesh');
    assert.deepEqual(access.token, { file: path.join(folder, 'token') });
    assert.throws(() => inClusterAccess({}), /needs a pod: KUBERNETES_SERVICE_HOST is not set/);
  });
});

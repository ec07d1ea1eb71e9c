import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inClusterAccess } from '../../../../../src/adapters/kubernetes/api/access/in-cluster.ts';
import {
  kubeconfigAccess,
  kubeconfigFileAccess,
} from '../../../../../src/adapters/kubernetes/api/access/kubeconfig.ts';

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

  const own = (...files: readonly string[]) => kubeconfigFileAccess({ files, environment: { PATH: '/bin' } });
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
    const access = own(file);
    assert.deepEqual(access.ca, { file: path.join(folder, 'ca.crt') });
    assert.deepEqual(access.token, { file: '/token' });
    assert.deepEqual(access.key, { file: path.join(folder, 'key.pem') });
  });

  it('from elsewhere has everything in itself', () => {
    assert.throws(() => read('certificate-authority: ca.crt', 'token: t'), /here names a file/);
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ['insecure-skip-tls-verify: true', 'token: t', /insecure-skip-tls-verify, which would let whoever answers/],
    [
      'proxy-url: "socks5://user:se-cret@p"',
      'token: t',
      /proxy-url, which must be an http or https URL: other proxies/,
    ],
    ['', 'exec: { command: aws }', /exec, which would run a program/],
    ['', 'auth-provider: { name: gcp }', /auth-provider/],
    ['', 'as: admin', /asks to act as somebody else/],
  ];
  for (const [cluster, user, problem] of refused) {
    it(`is refused by name with ${cluster}${user}`, () => assert.throws(() => read(cluster, user), problem));
  }

  it('is refused where it names nothing that is there', () => {
    const text = config('', 'token: t');
    const naming = (context: string) => text.replace('current-context: main', `current-context: ${context}`);
    assert.throws(() => kubeconfigAccess(naming('absent'), 'here'), /no context "absent"; it has main, other/);
    assert.throws(() => kubeconfigAccess(naming('other'), 'here'), /no cluster "elsewhere"/);
    assert.throws(() => kubeconfigAccess(text.replace('https', 'http'), 'here'), /not an https URL/);
    assert.throws(() => own(path.join(folder, 'none')), /none, which does not exist/);
  });

  it('of several files is read as one: of two of a name the first counts, and each says where its files are', () => {
    mkdirSync(path.join(folder, 'below'), { recursive: true });
    const [first, second] = [path.join(folder, 'first'), path.join(folder, 'below/second')];
    writeFileSync(
      first,
      'apiVersion: v1\nkind: Config\nclusters: null\nusers: [{ name: me, user: { token: mine } }]\n',
    );
    writeFileSync(second, config('certificate-authority: ca.crt', 'token: theirs'));
    const access = own(first, path.join(folder, 'none'), second);
    assert.deepEqual(access.token, { text: 'mine' });
    assert.deepEqual(access.ca, { file: path.join(folder, 'below/ca.crt') });
    assert.equal(access.place, `${first}, ${second}`);
    assert.throws(() => own(path.join(folder, 'none'), path.join(folder, 'nor-this')), /none, which does not exist/);
  });

  it('names the context that is asked for instead of its own', () => {
    const file = path.join(folder, 'contexts');
    writeFileSync(file, config('', 'token: t'));
    const access = (context: string) => kubeconfigFileAccess({ files: [file], context, environment: {} });
    assert.equal(access('main').namespace, 'mesh');
    assert.throws(() => access('other'), /no cluster "elsewhere"/);
  });

  it('may lead over a proxy', () => {
    assert.equal(read('proxy-url: "http://user:pass@p:3128"', 'token: t').proxy?.host, 'p:3128');
  });

  describe("of the operator's own that names a program", () => {
    const file = () => path.join(folder, 'exec');
    const exec = (more: string, cluster = '', user = '') => {
      const fields = 'apiVersion: client.authentication.k8s.io/v1beta1, command: aws, interactiveMode: IfAvailable';
      writeFileSync(file(), config(cluster, `exec: { ${fields} ${more} } ${user}`));
      return own(file());
    };

    it('has it run with the environment of this process and with its own', () => {
      const { program } = exec(
        ', args: [eks, get-token], env: [{ name: AWS_PROFILE, value: prod }], installHint: get it',
      );
      const { environment, ...rest } = program!;
      assert.deepEqual(rest, {
        place: file(),
        command: 'aws',
        args: ['eks', 'get-token'],
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        installHint: 'get it',
      });
      const { KUBERNETES_EXEC_INFO: info = '', ...others } = environment;
      assert.deepEqual(others, { PATH: '/bin', AWS_PROFILE: 'prod' });
      assert.deepEqual(JSON.parse(info), {
        apiVersion: 'client.authentication.k8s.io/v1beta1',
        kind: 'ExecCredential',
        spec: { interactive: false },
      });
    });

    it('finds it beside itself where it is named by a path, and tells it of the cluster where it wants to know', () => {
      writeFileSync(path.join(folder, 'ca.crt'), 'PEM');
      const extensions = 'extensions: [{ name: client.authentication.k8s.io/exec, extension: { audience: a } }]';
      const text = exec(', provideClusterInfo: true', `certificate-authority: ca.crt, ${extensions}`);
      const { spec } = JSON.parse(text.program?.environment['KUBERNETES_EXEC_INFO'] ?? '') as { spec: object };
      assert.deepEqual(spec, {
        interactive: false,
        cluster: {
          server: 'https://10.0.0.1:6443',
          'certificate-authority-data': Buffer.from('PEM').toString('base64'),
          config: { audience: 'a' },
        },
      });
      writeFileSync(file(), readFileSync(file(), 'utf8').replace('command: aws', 'command: ./bin/aws'));
      assert.equal(own(file()).program?.command, path.join(folder, 'bin/aws'));
    });

    it('does not need it where it gives a token', () => {
      const { program, token } = exec('', '', ', token: t');
      assert.deepEqual([program, token], [undefined, { text: 't' }]);
    });

    for (const [more, problem] of [
      [', apiVersion: client.authentication.k8s.io/v1alpha1', /exec\.apiVersion, which must be client\.auth/],
      [', interactiveMode: Always', /exec\.interactiveMode: Always, and nobody is there to be asked/],
      [', command: [se-cret]', /exec\.command, which is wrong$/],
    ] as const) {
      it(`is refused by name with ${more.slice(2)}`, () => {
        const [field = ''] = more.slice(2).split(':');
        const fields = { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws', interactiveMode: 'Never' };
        const kept = Object.entries(fields).filter(([name]) => name !== field);
        const written = kept.map(([name, value]) => `${name}: ${value}`).join(', ');
        writeFileSync(file(), config('', `exec: { ${written}${more} }`));
        assert.throws(() => own(file()), problem);
      });
    }
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

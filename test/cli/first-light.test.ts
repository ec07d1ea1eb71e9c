// The story of a newcomer, told through the command line alone: start, enrol, look, be refused, read
// the journal, stop.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../src/cli/program.ts';
import { recordTerminal, type RecordedTerminal } from './support/recorded-terminal.ts';

const ANY_PORT = ['--listen-tls-address', '127.0.0.1:0', '--listen-http-address', '127.0.0.1:0'];
const DEMO = ['--namespace', 'default', '--service-account', 'demo'];

describe('A newcomer', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'capstan-cli-'));
  const dataDir = path.join(folder, 'data');
  const server: RecordedTerminal = recordTerminal();
  const shutdown = new AbortController();
  let ended: Promise<number>;
  let address: string;

  async function capstan(...argv: readonly string[]) {
    const recorded = recordTerminal();
    const { signal } = new AbortController();
    const code = await runCli(argv, { terminal: recorded.terminal, environment: {}, signal });
    return { code, out: recorded.out(), error: recorded.error() };
  }

  const issue = async (out: string, ...more: readonly string[]) =>
    capstan('issue', '--out', path.join(folder, out), '--server', address, '--data-dir', dataDir, ...more);

  before(async () => {
    const argv = ['serve', '--dev', '--data-dir', dataDir, ...ANY_PORT];
    ended = runCli(argv, { terminal: server.terminal, environment: {}, signal: shutdown.signal });
    const ready = server.seen(/CSR API and SDS (\S+) \(TLS\)[^]*Try next/);
    const failed = ended.then((code) => assert.fail(`serve ended with ${code}: ${server.error()}`));
    address = (await Promise.race([ready, failed]))[1] ?? '';
  });

  after(async () => {
    shutdown.abort();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });

  it('is told what is up, whom to trust and what to try next', () => {
    const root = new X509Certificate(readFileSync(path.join(dataDir, 'root-cert.pem')));
    assert.match(server.out(), /^Capstan is ready for trust domain cluster\.local\.$/m);
    assert.ok(server.out().includes(`SHA-256 ${root.fingerprint256}`), server.out());
    assert.match(server.out(), /10 years left/);
    assert.match(
      server.out(),
      new RegExp(`capstan issue ${DEMO.join(' ')} --out demo --server ${address} --data-dir `),
    );
    assert.equal(server.error(), '');
  });

  it('enrols a workload: its own key, a chain for its identity, the trust anchors', async () => {
    const { code, out, error } = await issue('demo', ...DEMO);
    assert.deepEqual([code, error], [0, '']);
    assert.match(out, /^spiffe:\/\/cluster\.local\/ns\/default\/sa\/demo has a certificate until /);
    assert.match(out, /^ {2}issuer {3}CN=Capstan Dev Issuer$/m);
    assert.deepEqual(readdirSync(path.join(folder, 'demo')).sort(), ['cert-chain.pem', 'key.pem', 'root-cert.pem']);
    const key = path.join(folder, 'demo', 'key.pem');
    const leaf = new X509Certificate(readFileSync(path.join(folder, 'demo', 'cert-chain.pem')));
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.ok(leaf.checkPrivateKey(createPrivateKey(readFileSync(key))));
    assert.equal(leaf.subjectAltName, 'URI:spiffe://cluster.local/ns/default/sa/demo');
  });

  it('has the chain explained up to the anchor', async () => {
    const { code, out } = await capstan('inspect', path.join(folder, 'demo', 'cert-chain.pem'));
    assert.equal(code, 0);
    assert.match(out, /trusted: every link holds up to the trust anchor/);
    assert.match(out, /service account demo in namespace default of trust domain cluster\.local/);
    assert.match(out, /CN=Throwaway Corporate Root\n.*trust anchor in .*root-cert\.pem/);
  });

  for (const keyType of ['ec-p384', 'rsa-2048']) {
    it(`chooses ${keyType} and a shorter life`, async () => {
      const out = `demo-${keyType}`;
      const { code } = await issue(out, ...DEMO, '--key-type', keyType, '--ttl', '10m');
      assert.equal(code, 0);
      const leaf = new X509Certificate(readFileSync(path.join(folder, out, 'cert-chain.pem')));
      assert.ok(leaf.validToDate.getTime() - Date.now() <= 600_000);
    });
  }

  it('is refused a namespace that policy does not allow, in one line and with exit code 77', async () => {
    const who = ['--namespace', 'payments', '--service-account', 'demo'];
    const { code, out, error } = await issue('refused', ...who);
    assert.deepEqual([code, out], [77, '']);
    assert.match(error, /^capstan: CAP-P01 no policy rule allows this identity: .* id=(\w+)\n$/);
    assert.ok(!readdirSync(folder).includes('refused'));
    const decision = /id=(\w+)/.exec(error)?.[1] ?? '';
    const listed = await capstan('journal', 'list', '--data-dir', dataDir, '--decision', decision);
    assert.match(listed.out, /refused \(csr\) +spiffe:\/\/cluster\.local\/ns\/payments\/sa\/demo +CAP-P01 /);
  });

  it('reads the journal while the server writes it', async () => {
    const list = async (...more: readonly string[]) => {
      const { code, out } = await capstan('journal', 'list', '--data-dir', dataDir, '--output', 'json', ...more);
      assert.equal(code, 0);
      return JSON.parse(out) as Readonly<Record<string, string>>[];
    };
    const refused = await list('--refused', '--since', '1h');
    assert.deepEqual(
      refused.map(({ reason }) => reason),
      ['CAP-P01'],
    );
    const demo = await list('--issued', '--identity', 'spiffe://cluster.local/ns/default/sa/demo');
    assert.equal(demo.length, 3);
    const leaf = new X509Certificate(readFileSync(path.join(folder, 'demo', 'cert-chain.pem')));
    assert.equal(demo.at(-1)?.['serial'], leaf.serialNumber.toLowerCase().replace(/^0+/, ''));
  });

  it('writes a token to a file of its owner, with no newline that a proxy would put into a header', async () => {
    const file = path.join(folder, 'token-out');
    const { code, out } = await capstan('token', ...DEMO, '--data-dir', dataDir, '--out', file);
    assert.deepEqual([code, out], [0, '']);
    assert.match(readFileSync(file, 'utf8'), /^[\w-]+\.[\w-]+\.[\w-]+$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal((await issue('by-written-token', ...DEMO, '--token-file', file)).code, 0);
  });

  it('proves an identity with a token file, and cannot ask for another with it', async () => {
    const { out: token } = await capstan('token', ...DEMO, '--data-dir', dataDir);
    assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const tokenFile = path.join(folder, 'token');
    writeFileSync(tokenFile, token);
    assert.equal((await issue('by-token', ...DEMO, '--token-file', tokenFile)).code, 0);
    const other = ['--namespace', 'default', '--service-account', 'other'];
    const { code, error } = await issue('other', ...other, '--token-file', tokenFile);
    assert.equal(code, 77);
    assert.match(error, /^capstan: CAP-C06 /);
  });

  it('hears of a taken port by its key or address, and starts nothing', async () => {
    const { code, error } = await capstan(
      ...['serve', '--dev', '--data-dir', path.join(folder, 'second'), '--listen-http-address', '127.0.0.1:0'],
      ...['--listen-tls-address', address],
    );
    assert.equal(code, 78);
    assert.match(error, new RegExp(`^capstan: CAP-X03 .*${address}`));
  });

  it('stops the server in order, which warned of nothing about its own throwaway key', async () => {
    shutdown.abort();
    assert.equal(await ended, 0);
    assert.match(server.out(), /Capstan has stopped\.\n$/);
    const { code, error } = await issue('late', ...DEMO);
    assert.equal(code, 69);
    assert.match(error, /^capstan: UNAVAILABLE /);
    const log = readFileSync(path.join(dataDir, 'capstan.log'), 'utf8');
    assert.ok(log.includes('issuerInForce') && !log.includes('trustWarning'), log);
  });
});

describe('A newcomer who has a cluster', () => {
  it('tries it with --dev, and is told what is wrong with the kubeconfig', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'capstan-cli-'));
    try {
      const kubeconfig = path.join(folder, 'kubeconfig');
      const cluster = ['--cluster-kubernetes-from', 'kubeconfig', '--cluster-kubernetes-kubeconfig', kubeconfig];
      const serve = async () => {
        const { terminal, error } = recordTerminal();
        const argv = ['serve', '--dev', '--data-dir', path.join(folder, 'data'), ...ANY_PORT, ...cluster];
        return [
          await runCli(argv, { terminal, environment: {}, signal: new AbortController().signal }),
          error(),
        ] as const;
      };
      const [code, missing] = await serve();
      assert.equal(code, 78);
      assert.match(missing, /CAP-X03 .*kubeconfig, which does not exist/);
      writeFileSync(kubeconfig, '{ "clusters": [], "users": [], "contexts": [], "current-context": "kind" }');
      assert.match((await serve())[1], /CAP-X03 .*has no context "kind"; it has none/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

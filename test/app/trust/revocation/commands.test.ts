// `capstan crl` as operators use it, against whole servers and against files.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { runCli } from '../../../../src/cli/program.ts';
import { readCrl, readCrls } from '../../../../src/domain/x509/crl/read-crl.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { good, testAuthority, type TestAuthority } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { crlIssuerOf, crlOf, crlPem } from '../../../support/paths/crls.ts';
import { RunningServer } from '../../support/running-server.ts';
import { nested, ServerFiles } from '../../support/server-files.ts';
import { untilServing } from '../../support/several-processes.ts';

const SOON = { withinMs: 60_000 };
const HOUR_MS = 3_600_000;

interface Ran {
  readonly code: number;
  readonly output: string;
  readonly error: string;
}

async function crl(...argv: readonly string[]): Promise<Ran> {
  const { terminal, out, error } = recordTerminal();
  const code = await runCli(['crl', ...argv], { terminal, environment: {}, signal: AbortSignal.timeout(60_000) });
  return { code, output: out(), error: error() };
}

/** The list of the root, a minute old unless said otherwise. */
function rootListPem({ bundle, root }: TestAuthority, given: Parameters<typeof crlOf>[2] = {}): string {
  return crlPem(rootList({ bundle, root }, given));
}

function rootList(
  { bundle, root }: Pick<TestAuthority, 'bundle' | 'root'>,
  given: Parameters<typeof crlOf>[2] = {},
): Uint8Array {
  return crlOf({ issuer: crlIssuerOf(bundle.anchors[0]!), keyPem: root.keyPem }, Date.now(), given);
}

describe('Operators and revocation lists', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  beforeEach(async () => void (files = await ServerFiles.create()));
  afterEach(() => files[Symbol.dispose]());

  /** Of a server that reads `root.crl`. */
  const settings = () => ({ 'crl.address': '127.0.0.1:0', 'trustAnchors.crlFile': files.path('root.crl') });
  function configFile(more: Readonly<Record<string, unknown>> = {}): string {
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings(), ...more })));
    return files.path('capstan.json');
  }
  const ask = async (...argv: readonly string[]): Promise<Ran> => crl(...argv, '--data-dir', files.directory);
  async function bring(given: string | Uint8Array, more: Readonly<Record<string, unknown>> = {}): Promise<Ran> {
    writeFileSync(files.path('given.crl'), given);
    return crl('import', '--crl', files.path('given.crl'), '--config', configFile(more));
  }
  const kept = (): string => readFileSync(files.path('root.crl'), 'utf8');

  it('see what is missing, bring the list of the root, and see whole chains handed out', async () => {
    await using server = await RunningServer.start({ files, settings: settings() });
    const { id } = files.pki.issuer;
    const before = await ask('list');
    assert.match(before.output, new RegExp(`^${id} +CN=Test Mesh Issuer +here .* 0 +current$`, 'm'), before.error);
    assert.match(
      before.output,
      /^Not handed out for whole chains \(ca-crl\.pem\): there is no CRL of CN=Test Corporate Root/m,
    );
    const brought = await bring(rootListPem(files.pki));
    assert.match(brought.output, /root\.crl has the list of CN=Test Corporate Root, until .*, 0 revoked; a running/);
    const after = await eventually(
      'they are handed out',
      async () => {
        const { output } = await ask('list');
        return output.includes('Handed out for whole chains') ? output : undefined;
      },
      SOON,
    );
    assert.match(after, /^[0-9a-f]{16} +CN=Test Corporate Root +elsewhere +1 .* 0 +current$/m);
    assert.equal((await fetch(`http://${server.report.crlAddress}/crl/ca-crl.pem`)).status, 200);
  });

  it('see the numbers of what is revoked, and have every list as files that OpenSSL reads', async () => {
    files.write('root.crl', rootListPem(files.pki));
    await using server = await RunningServer.start({ files, settings: settings() });
    const { id } = files.pki.issuer;
    const { response } = await server.ask('default', 'demo');
    const serial = new X509Certificate(response?.certChain[0] ?? '').serialNumber.toLowerCase().replace(/^0+/, '');
    const { terminal, error } = recordTerminal();
    const revoke = ['revoke', '--serial', serial, '--reason', 'a drill', '--data-dir', files.directory];
    assert.equal(await runCli(revoke, { terminal, environment: {}, signal: AbortSignal.timeout(60_000) }), 0, error());
    await eventually(
      'it is listed',
      async () => (await ask('show', id)).output.split('\n').includes(`  ${serial}`),
      SOON,
    );
    const shown = JSON.parse((await ask('show', id, '--output', 'json')).output) as Record<string, unknown>;
    assert.deepEqual([shown['id'], shown['imported'], shown['serials']], [id, false, [serial]]);

    assert.equal((await ask('export', '--out', files.path('all'))).code, 0);
    const names = readdirSync(files.path('all'));
    assert.equal(names.length, 2);
    for (const name of names)
      execFileSync('openssl', ['crl', '-in', files.path(`all/${name}`), '-noout', '-issuer'], { stdio: 'pipe' });
    assert.equal((await ask('export', id, '--format', 'der', '--out', files.path('one'))).code, 0);
    const der = readFileSync(files.path(`one/${id}.crl`));
    assert.deepEqual([...good(readCrl(der)).serials], [serial]);
    const unknown = await ask('show', 'f'.repeat(16));
    assert.equal(unknown.code, 65);
    assert.match(unknown.error, /CAP-O02 .*there is no revocation list of that CA/);
  });

  it('have the same answers of a server of two processes', async () => {
    await using server = await RunningServer.start({ files, settings: { ...settings(), processes: 2 } });
    assert.ok(server.tlsPort > 0);
    await untilServing(files, 2);
    const { id } = files.pki.issuer;
    const list = await eventually(
      'it is signed',
      async () => {
        const { code, output } = await ask('show', id, '--output', 'json');
        return code === 0 ? (JSON.parse(output) as Record<string, unknown>) : undefined;
      },
      SOON,
    );
    assert.deepEqual([list['id'], list['serials']], [id, []]);
    assert.match((await ask('list')).output, /there is no CRL of CN=Test Corporate Root/);
  });

  it('are told what to set on a server that makes none', async () => {
    await using server = await RunningServer.start({ files });
    assert.equal(server.report.crlAddress, undefined);
    const { code, error } = await ask('list');
    assert.equal(code, 65);
    assert.match(error, /CAP-O02 .*this server makes no revocation lists: set crl\.address, sds\.crl or /);
  });

  describe('bring lists of the CAs above', () => {
    it('as PEM or DER, again and again, each in the place of the one before', async () => {
      const first = rootList(files.pki, { thisUpdateMs: Date.now() - 2 * HOUR_MS });
      assert.equal((await bring(first)).code, 0);
      assert.equal(kept(), crlPem(first));
      assert.equal(statSync(files.path('root.crl')).mode & 0o777, 0o600);
      assert.match((await bring(first)).output, /root\.crl has it already/);
      const second = rootListPem(files.pki, { number: 2 });
      assert.equal((await bring(second)).code, 0);
      assert.equal(kept(), second);
    });

    it('beside those of other CAs, which stay', async () => {
      const next = await testAuthority();
      const other = rootListPem(next);
      files.write('root.crl', other);
      assert.equal((await bring(rootListPem(files.pki))).code, 0);
      assert.equal(good(readCrls(kept())).length, 2);
      assert.ok(kept().startsWith(other));
    });

    it('and are refused what no peer would take, or what forgets: the file stays', async () => {
      const now = rootListPem(files.pki);
      assert.equal((await bring(now)).code, 0);
      const other = await testAuthority();
      const forged = rootList({ bundle: files.pki.bundle, root: other.root });
      const old = { thisUpdateMs: Date.now() - 30 * HOUR_MS, nextUpdateMs: Date.now() - HOUR_MS };
      for (const [given, why] of [
        [rootListPem(files.pki, { thisUpdateMs: Date.now() - 2 * HOUR_MS }), /the file has a newer one/],
        [rootListPem(files.pki, old), /is out of date/],
        [rootListPem(files.pki, { thisUpdateMs: Date.now() + HOUR_MS }), /which is yet to come/],
        [rootList(other), /is of no CA above an issuer of this configuration: CN=Test Corporate Root/],
        [forged, /has a signature that is not by the key of CN=Test Corporate Root/],
        [files.pki.root.certificatePem, /has a PEM block that is not X509 CRL/],
        ['<html>', /does not parse/],
      ] as const) {
        const { code, error } = await bring(given);
        assert.equal(code, 78, error);
        assert.match(error, /CAP-X03/);
        assert.match(error, why);
      }
      assert.equal(kept(), now);
    });

    it('and are shown the way where the file is mounted from Kubernetes', async () => {
      mkdirSync(files.path('..data'));
      files.write('..data/root.crl', rootListPem(files.pki, { thisUpdateMs: Date.now() - 2 * HOUR_MS }));
      symlinkSync('..data/root.crl', files.path('root.crl'));
      const before = kept();
      const { code, error } = await bring(rootListPem(files.pki));
      assert.equal(code, 78);
      assert.match(error, /is a symbolic link and was left as it is; .*kubectl create configmap/);
      assert.equal(kept(), before);
    });

    it('and are told which key names the file', async () => {
      const { code, error } = await bring(rootListPem(files.pki), { 'trustAnchors.crlFile': undefined });
      assert.equal(code, 78);
      assert.match(error, /trustAnchors\.crlFile is not set/);
    });
  });
});

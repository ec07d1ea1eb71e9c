import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { FakeClock } from '../../support/fakes/fake-clock.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const NOW_MS = Date.UTC(2026, 11, 1);
const BUNDLE = `apiVersion: capstan.dev/v1alpha1
kind: PolicyBundle
metadata: { name: corp-mesh, sequence: 42 }
validity: { notBefore: 2026-11-20T00:00:00Z, softExpiry: 2026-12-20T00:00:00Z, hardExpiry: 2027-01-20T00:00:00Z }
audience: { clusters: ["prod-*"] }
owner: { team: pki-security, contact: pki@corp.example }
rules:
  - id: mesh-default
    match: { namespaces: { names: ["shop", "team-*"], labels: { mesh: "true" } } }
    bounds:
      trustDomains: [corp.example]
      spiffeId: "spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}"
      ttl: { min: 10m, max: 24h, default: 1h }
      keys: [ec-p256, "rsa>=3072"]
      usages: [digitalSignature, serverAuth, clientAuth]
    locked: true
  - id: no-default-sa
    deny: { serviceAccounts: ["default"] }
    mode: audit
`;

describe('The holders of the policy bundle', () => {
  let folder: string;
  const at = (name: string): string => path.join(folder, name);
  const bundle = (): string => at('bundle.yaml');

  async function capstan(...argv: readonly string[]) {
    const recorded = recordTerminal();
    const options = {
      terminal: recorded.terminal,
      environment: {},
      clock: new FakeClock(NOW_MS),
      signal: AbortSignal.abort(),
    };
    const code = await runCli(['bundle', ...argv], options);
    return { code, out: recorded.out(), error: recorded.error() };
  }

  const sign = async (who: string, ...more: readonly string[]) =>
    capstan('sign', bundle(), '--key', at(`${who}.key`), ...more);
  const verify = async (who: readonly string[], ...more: readonly string[]) =>
    capstan('verify', bundle(), '--key', ...who.map((name) => at(`${name}.pub`)), ...more);
  const edit = (from: string, to: string): void => writeFileSync(bundle(), BUNDLE.replace(from, to));

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'holders-'));
    writeFileSync(bundle(), BUNDLE);
    await capstan('keygen', '--out', at('ada'));
    await capstan('keygen', '--out', at('bob'), '--algorithm', 'ecdsa-p256');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe('make keys', () => {
    it('of which the private one is theirs alone', () => {
      assert.equal(statSync(at('ada.key')).mode & 0o777, 0o600);
      assert.match(readFileSync(at('ada.key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
      assert.match(readFileSync(at('bob.pub'), 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
    });

    it('and are told where they are and what they are for, but never the key', async () => {
      const { code, out } = await capstan('keygen', '--out', at('eve'));
      assert.equal(code, 0);
      assert.match(
        out,
        /private key {2}\S+eve\.key: .*\npublic key {3}\S+eve\.pub: .*\nkey id {7}sha256:[0-9a-f]{64}\n/,
      );
      const [, secret = ''] = readFileSync(at('eve.key'), 'utf8').split('\n');
      assert.ok(!out.includes(secret));
    });

    it('never over keys that are there, and never half a pair', async () => {
      const before = readFileSync(at('ada.key'), 'utf8');
      const { code, error } = await capstan('keygen', '--out', at('ada'));
      assert.deepEqual(
        [code, /cannot write \S+ada\.key: it exists, and keys are never overwritten/.test(error)],
        [73, true],
      );
      assert.equal(readFileSync(at('ada.key'), 'utf8'), before);
      rmSync(at('ada.key'));
      assert.equal((await capstan('keygen', '--out', at('ada'))).code, 73);
      assert.ok(!existsSync(at('ada.key')));
    });
  });

  it('write into folders that are there, and make none', async () => {
    const missing = at('missing');
    writeFileSync(at('file'), '');
    for (const [folder, why] of [
      [missing, 'does not exist'],
      [at('file'), 'is not a directory'],
    ] as const) {
      for (const { code, error } of [
        await sign('ada', '--out', path.join(folder, 'x')),
        await capstan('keygen', '--out', path.join(folder, 'x')),
      ]) {
        assert.deepEqual([code, error], [73, `capstan: cannot write ${folder}/x: ${folder} ${why}\n`]);
      }
    }
    assert.ok(!existsSync(missing));
  });

  describe('sign one after the other', () => {
    it('until there are enough', async () => {
      assert.match(
        (await sign('ada')).out,
        /^corp-mesh@42 {2}sha256:\w{64}\n.*\nwritten to {2}\S+bundle\.yaml\.sig, which holds 1 signature\n/,
      );
      const tooFew = await verify(['ada', 'bob'], '--threshold', '2');
      assert.equal(tooFew.code, 77);
      assert.match(
        tooFew.error,
        /corp-mesh@42\) is refused: 1 problem\n.*2 of 2 pinned keys must sign, 1 did; missing: \S+bob\.pub/,
      );
      assert.match((await sign('bob')).out, /holds 2 signatures/);
      const { code, out, error } = await verify(['ada', 'bob'], '--threshold', '2', '--cluster', 'prod-1');
      assert.deepEqual([code, error], [0, '']);
      assert.match(out, /is good: corp-mesh@42, sha256:\w{64}/);
      assert.equal(out.match(/ {2}signed by {2}\S+\.pub \(sha256:\w{64}\)/g)?.length, 2);
    });

    it('once each: signing again takes the place of the first time', async () => {
      await sign('bob');
      assert.match((await sign('bob')).out, /holds 1 signature\n/);
    });

    it('anew when the bundle has changed, for the old signatures are void', async () => {
      await sign('ada');
      await sign('bob');
      edit('sequence: 42', 'sequence: 43');
      const { code, out, error } = await sign('ada');
      assert.equal(code, 0);
      assert.match(error, /the bundle has changed: 2 signatures in \S+ are void/);
      assert.match(out, /holds 1 signature\n/);
      assert.equal((await verify(['ada'])).code, 0);
    });

    it('and need not when it was only laid out anew', async () => {
      await sign('ada');
      writeFileSync(
        bundle(),
        `# reviewed\n${BUNDLE.replace('{ name: corp-mesh, sequence: 42 }', '\n  sequence: 42\n  name: "corp-mesh"')}`,
      );
      assert.equal((await verify(['ada'])).code, 0);
      assert.deepEqual((await sign('bob')).error, '');
    });

    it('to another place, if they like', async () => {
      await sign('ada', '--out', at('elsewhere.sig'));
      assert.equal((await verify(['ada'])).code, 66);
      assert.equal((await verify(['ada'], '--signature', at('elsewhere.sig'))).code, 0);
    });

    it('but not over a file that is something else', async () => {
      writeFileSync(at('bundle.yaml.sig'), 'precious');
      const { code, error } = await sign('ada');
      assert.equal(code, 65);
      assert.match(
        error,
        /bundle\.yaml\.sig is no signature file: 1 problem\n {2}\S+bundle\.yaml\.sig:1:1: is not JSON/,
      );
      assert.equal(readFileSync(at('bundle.yaml.sig'), 'utf8'), 'precious');
    });

    it('only what is a bundle', async () => {
      edit('keys: [ec-p256, "rsa>=3072"]', 'keys: [dsa]');
      const { code, error } = await sign('ada');
      assert.equal(code, 65);
      assert.match(error, /bundle\.yaml is no policy bundle: 1 problem\n {2}\S+bundle\.yaml:14:\d+: rules\S*keys\S* /);
      assert.ok(!existsSync(at('bundle.yaml.sig')));
    });

    it('with a private key and nothing else', async () => {
      const { code, error } = await capstan('sign', bundle(), '--key', at('ada.pub'));
      assert.equal(code, 65);
      assert.match(error, /ada\.pub does not start with -----BEGIN PRIVATE KEY-----/);
      assert.equal((await sign('nobody')).code, 66);
    });

    it('with a key in the form that is needed, and are told which', async () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
      const forms = {
        encrypted: privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }),
        sec1: privateKey.export({ type: 'sec1', format: 'pem' }),
        rsa: rsa.export({ type: 'pkcs8', format: 'pem' }),
      };
      for (const [name, pem] of Object.entries(forms)) {
        writeFileSync(at(`${name}.key`), pem);
        const { code, error } = await sign(name);
        assert.equal(code, 65, name);
        assert.match(error, /\.key .*; a private key in PKCS#8, unencrypted, Ed25519 or P-256 is needed\n$/);
      }
    });
  });

  describe('verify as a server would', () => {
    beforeEach(async () => sign('ada'));

    it('what was changed after it was signed', async () => {
      edit('max: 24h', 'max: 48h');
      const { code, error } = await verify(['ada']);
      assert.equal(code, 77);
      assert.match(error, /bundle\.yaml\.sig:1:1: digest is of another bundle than this one/);
    });

    it('for which cluster it is', async () => {
      const { code, error } = await verify(['ada'], '--cluster', 'test-1');
      assert.equal(code, 77);
      assert.match(error, /bundle\.yaml:5:\d+: audience\.clusters is meant for prod-\*; this cluster is test-1/);
    });

    it('and for which time', async () => {
      const at = async (now: string) => verify(['ada'], '--now', now);
      assert.match((await at('2026-11-19T23:59:59Z')).error, /validity\.notBefore has not come/);
      assert.deepEqual((await at('2026-11-20T00:00:00Z')).error, '');
      const soft = await at('2026-12-20T00:00:00Z');
      assert.deepEqual([soft.code, /is past its soft expiry, 2026-12-20 00:00:00 UTC/.test(soft.error)], [0, true]);
      const hard = await at('2027-01-20T00:00:00Z');
      assert.deepEqual([hard.code, /validity\.hardExpiry has passed/.test(hard.error)], [77, true]);
    });

    it('naming signatures that count for nothing', async () => {
      await sign('bob');
      const { code, out } = await verify(['ada']);
      assert.equal(code, 0);
      assert.match(out, / {2}ignored {4}sha256:\w{64}, which is not among the keys/);
    });

    it('in one shape for scripts, whether it is good or refused', async () => {
      const good = await verify(['ada'], '--output', 'json');
      const { digest, signedBy, ...rest } = JSON.parse(good.out) as Record<string, unknown>;
      const common = { file: bundle(), name: 'corp-mesh', sequence: 42, threshold: 1, ignored: [] };
      assert.deepEqual([good.code, good.error], [0, '']);
      assert.deepEqual(rest, { ...common, verdict: 'good', pastSoftExpiry: false, problems: [] });
      assert.match(String(digest), /^sha256:[0-9a-f]{64}$/);
      assert.deepEqual(
        (signedBy as { key: string }[]).map(({ key }) => key),
        [at('ada.pub')],
      );
      const refused = await verify(['ada'], '--output', 'json', '--cluster', 'test-1');
      const { verdict, problems } = JSON.parse(refused.out) as { verdict: string; problems: object[] };
      assert.deepEqual([refused.code, refused.error, verdict], [77, '', 'refused']);
      const problem = 'is meant for prod-*; this cluster is test-1';
      assert.deepEqual(problems, [{ place: bundle(), line: 5, column: 13, path: 'audience.clusters', problem }]);
    });

    it('with keys that are keys, and enough of them', async () => {
      assert.match(
        (await verify(['ada'], '--threshold', '2')).error,
        /--threshold 2 is more than there are keys \(1\)/,
      );
      writeFileSync(at('copy.pub'), readFileSync(at('ada.pub')));
      const twice = await verify(['ada', 'copy'], '--threshold', '2');
      assert.deepEqual([twice.code, /copy\.pub:1:1 holds the key of \S+ada\.pub/.test(twice.error)], [65, true]);
      assert.equal((await capstan('verify', bundle(), '--key', bundle())).code, 65);
    });

    it('at a time that is one', async () => {
      for (const now of ['tomorrow', '2026-12-01', '2026-13-01T00:00:00Z']) {
        assert.equal((await verify(['ada'], '--now', now)).code, 64, now);
      }
    });
  });

  describe('inspect', () => {
    it('what a bundle says, and who signed it', async () => {
      await sign('ada');
      await sign('bob');
      const { code, out } = await capstan('inspect', bundle(), '--key', at('ada.pub'));
      assert.equal(code, 0);
      const hidden = out.replaceAll(/sha256:\w{64}/g, 'sha256:…').replaceAll(`${folder}/`, '');
      const signatures = hidden.split('\n').filter((line) => line.startsWith('signature by'));
      assert.deepEqual(signatures.sort(), [
        'signature by ada.pub (sha256:…), Ed25519: holds',
        'signature by sha256:…, ECDSA-P256-SHA256: was not tried: its key was not given',
      ]);
      assert.equal(
        hidden.slice(0, hidden.indexOf('signature by')),
        `corp-mesh@42
  digest    sha256:…
  valid     from 2026-11-20 00:00:00 UTC
            until 2027-01-20 00:00:00 UTC (50 days left)
            warns from 2026-12-20 00:00:00 UTC
  audience  prod-*
  owner     pki-security, pki@corp.example

RULE           CLASSES   NAMESPACES               MODE             ALLOWS
mesh-default   workload  shop, team-*, mesh=true  enforce, locked  10m to 24h, 1h unless asked; ec-p256 rsa>=3072; digitalSignature serverAuth clientAuth
no-default-sa  workload  *                        audit            not default

`,
      );
    });

    it('a bundle that nobody has signed yet, or that was signed before it changed', async () => {
      assert.match((await capstan('inspect', bundle())).out, /\nnot signed\n$/);
      await sign('ada');
      edit('sequence: 42', 'sequence: 43');
      assert.match(
        (await capstan('inspect', bundle())).out,
        /signature by sha256:\w{64}, Ed25519: is of another bundle\n$/,
      );
    });

    it('as data, for scripts', async () => {
      await sign('ada');
      const { out } = await capstan('inspect', bundle(), '--key', at('ada.pub'), '--output', 'json');
      const { rules, signatures, digest, ...rest } = JSON.parse(out) as Record<string, unknown>;
      assert.deepEqual(rest, {
        file: bundle(),
        name: 'corp-mesh',
        sequence: 42,
        validity: {
          notBefore: '2026-11-20T00:00:00.000Z',
          softExpiry: '2026-12-20T00:00:00.000Z',
          hardExpiry: '2027-01-20T00:00:00.000Z',
          renewAfterHardExpiry: false,
        },
        audience: { clusters: ['prod-*'] },
        owner: { team: 'pki-security', contact: 'pki@corp.example' },
      });
      assert.match(String(digest), /^sha256:[0-9a-f]{64}$/);
      assert.equal((rules as unknown[]).length, 2);
      const [signature] = signatures as Record<string, unknown>[];
      assert.deepEqual([signature?.['key'], signature?.['verdict']], [at('ada.pub'), 'holds']);
    });

    it('nothing that is no bundle', async () => {
      writeFileSync(bundle(), '');
      assert.equal((await capstan('inspect', bundle())).code, 65);
      rmSync(bundle());
      assert.equal((await capstan('inspect', bundle())).code, 66);
    });
  });
});

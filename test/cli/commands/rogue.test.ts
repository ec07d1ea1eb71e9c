// `capstan rogue` over files: what a person and a pipeline see, and how it ends.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCli } from '../../../src/cli/program.ts';
import { FakeClock, NOON_MS } from '../../support/fakes/fake-clock.ts';
import { tiersAt, type Tier } from '../../support/paths/tiers.ts';
import { recordTerminal } from '../support/recorded-terminal.ts';

const tier = tiersAt(NOON_MS);

interface Found {
  readonly found: readonly {
    readonly id: string;
    readonly subject: string;
    readonly privateKey: boolean;
    readonly places: readonly { readonly place: string; readonly part: string; readonly line: number }[];
  }[];
  readonly notRead: readonly { readonly why: string; readonly examples: readonly string[] }[];
  readonly known?: readonly { readonly as: string; readonly subject: string }[];
}

describe('capstan rogue', () => {
  let top: string;
  let corporate: Tier;
  let shadow: Tier;
  before(async () => {
    corporate = await tier('Corporate');
    shadow = await tier('Shadow');
  });
  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'capstan-rogue-'));
    write('root.pem', corporate.pem);
    write('estate/ours.pem', corporate.pem);
  });
  afterEach(() => rmSync(top, { recursive: true }));

  const at = (name: string): string => path.join(top, name);
  function write(name: string, text: string | Uint8Array): void {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  }
  async function rogue(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const { signal } = new AbortController();
    const clock = new FakeClock();
    const argv = ['rogue', '--root', at('root.pem'), ...words];
    return {
      code: await runCli(argv, { terminal, environment: { HOME: top }, clock, signal }),
      out: out(),
      error: error(),
    };
  }
  async function found(...words: readonly string[]): Promise<Found & { readonly code: number }> {
    const { code, out } = await rogue('--output', 'json', ...words);
    return { code, ...(JSON.parse(out) as Found) };
  }

  it('finds nothing where everything is corporate, and ends with 0', async () => {
    const { code, out } = await rogue(at('estate'));
    assert.equal(out, '1 file, 1 certificate: nothing found that should not be there.\n');
    assert.equal(code, 0);
  });

  it('finds each planted CA in whatever form it lies, and nothing else', async () => {
    const below = await tier('Below', { by: shadow });
    write('estate/istio/ca-cert.pem', shadow.pem);
    write('estate/istio/ca-key.pem', shadow.keyPem);
    write('estate/secret.yaml', `kind: Secret\ndata:\n  ca.crt: ${Buffer.from(below.pem).toString('base64')}\n`);
    const other = await tier('Other');
    write('estate/other.der', other.der);
    const { code, found: rogues } = await found(at('estate'));
    assert.deepEqual(
      rogues.map(({ id, subject, privateKey, places: [place] }) => ({
        ...{ id, subject, privateKey },
        at: `${path.relative(top, place!.place)}/${place!.part}:${place!.line}`,
      })),
      [
        { id: 'rogue/self-signed-ca', subject: 'CN=Shadow', privateKey: true, at: 'estate/istio/ca-cert.pem:1' },
        { id: 'rogue/self-signed-ca', subject: 'CN=Other', privateKey: false, at: 'estate/other.der:undefined' },
        { id: 'rogue/foreign-ca', subject: 'CN=Below', privateKey: false, at: 'estate/secret.yaml:3' },
      ],
    );
    assert.equal(code, 1);
  });

  it('says of each where, since when, why and how it comes home', async () => {
    write('estate/ca.pem', shadow.pem);
    const { out } = await rogue(at('estate'));
    const sha256 = /SHA-256 ([0-9a-f]{64})/.exec(out)?.[1];
    assert.equal(
      sha256,
      (await found(at('estate'))).found.map((one) => (one as unknown as { sha256: string }).sha256)[0],
    );
    for (const words of [
      'self-signed CA: CN=Shadow\n',
      `in      ${at('estate/ca.pem')}:1\n`,
      'until   2026-02-05 12:00:00 UTC, 30 days left\n',
      'why     it is a root of its own: ',
      'home    have the CA signed by the corporate one ',
      '2 files, 2 certificates: 1 found that should not be there.\n',
    ]) {
      assert.ok(out.includes(words), `${words} is not in\n${out}`);
    }
  });

  it('prints no byte of a private key in any form of output', async () => {
    write('estate/both.pem', shadow.pem + shadow.keyPem);
    const secret = shadow.keyPem.split('\n')[1]!;
    for (const form of ['text', 'json', 'sarif', 'junit', 'github', 'gitlab']) {
      const { out, error } = await rogue('--output', form, at('estate'));
      assert.match(out, /CN=Shadow/);
      assert.ok(!`${out}${error}`.includes(secret.slice(0, 24)), form);
    }
  });

  it('shows hostile names so that they harm nobody', async () => {
    const hostile = await tier('hostile', { subject: `CN=\u202eevil ${'x'.repeat(2_000)}` });
    write('estate/\u001b[2J\u202egnp.exe', hostile.pem);
    const { out } = await rogue(at('estate'));
    assert.doesNotMatch(out, /[\u001b\u202e]/);
    assert.match(out, /CN=\\u\{202e\}evil x+… \(\d+ characters\)/);
    assert.match(out, /estate\/\\u\{1b\}\[2J\\u\{202e\}gnp\.exe:1/);
  });

  it('says what it did not read, and with --strict ends with 1 for it', async () => {
    write('estate/store.p12', Buffer.from('3082010002010330', 'hex'));
    symlinkSync('/etc', at('estate/out'));
    const { code, notRead } = await found(at('estate'));
    assert.equal(code, 0);
    assert.deepEqual(
      notRead.map(({ examples: [first], why }) => [path.relative(top, first!), why]),
      [
        ['estate/out', 'is a symbolic link out of what was named; name its target to have it looked at'],
        ['estate/store.p12', 'is PKCS#12, which is not opened'],
      ],
    );
    assert.match(
      (await rogue(at('estate'))).out,
      /nothing found that should not be there, but not everything was looked at/,
    );
    assert.equal((await found('--strict', at('estate'))).code, 1);
  });

  it('leaves out what is named with --known, and lists it with --all', async () => {
    write('estate/cluster.crt', shadow.pem);
    write('known.pem', shadow.pem);
    const { code, found: rogues, known } = await found('--known', at('known.pem'), '--all', at('estate'));
    assert.deepEqual([code, rogues], [0, []]);
    assert.deepEqual(
      known?.map(({ as, subject }) => [as, subject]),
      [['known', 'CN=Shadow']],
    );
  });

  it('ends with 0 and a warning for what has expired', async () => {
    const old = await tier('Old', { startsInDays: -9, endsInDays: -1 });
    write('estate/old.pem', old.pem);
    const { code, out } = await rogue(at('estate'));
    assert.equal(code, 0);
    assert.match(out, /home {4}remove it/);
  });

  for (const [title, words, complaint] of [
    ['a path that is not there', ['nowhere'], /cannot look in nowhere: it does not exist/],
    [
      'no path and no cluster',
      [],
      /there is no API server to ask: .*config does not exist; name one with --kubeconfig/,
    ],
  ] as const) {
    it(`ends with 2 for ${title}`, async () => {
      const { code, error } = await rogue(...words);
      assert.equal(code, 2);
      assert.match(error, complaint);
    });
  }

  it('takes no leaf for a corporate anchor', async () => {
    const leaf = await tier('leaf', { by: corporate, ca: false, subject: 'CN=leaf' });
    write('root.pem', leaf.pem);
    const { code, error } = await rogue(at('estate'));
    assert.equal(code, 2);
    assert.match(error, /certificate CN=leaf is not a CA certificate/);
  });
});

// A server signs the heads of its journal; what is exported is proven without it, and what somebody changed in the file shows.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { status } from '@grpc/grpc-js';
import { runCli } from '../../../../src/cli/program.ts';
import { recordTerminal } from '../../../cli/support/recorded-terminal.ts';
import { buildCsr, spiffe } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { RunningServer } from '../../support/running-server.ts';
import { nested, ServerFiles } from '../../support/server-files.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const SOON = { withinMs: 30_000 };

describe('A journal that is proven', () => {
  let files: ServerFiles;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  beforeEach(async () => {
    files = await ServerFiles.create();
    files.write('heads-key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    files.write('heads.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    settings = {
      'audit.keyFile': files.path('heads-key.pem'),
      'audit.headEvery': '1s',
      'audit.witness.file': files.path('witness.jsonl'),
    };
    files.write('capstan.json', JSON.stringify(nested({ ...files.settings, ...settings })));
    server = await RunningServer.start({ files, settings });
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  async function run(...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
    const { terminal, out, error } = recordTerminal();
    const code = await runCli(words, { terminal, environment: {}, signal: new AbortController().signal });
    return { code, out: out(), error: error() };
  }
  const exportTo = async (name: string, ...more: readonly string[]) => {
    rmSync(files.path(name), { force: true });
    return run('journal', 'export', '--config', files.path('capstan.json'), '--to', files.path(name), ...more);
  };
  const verify = async (name: string, ...more: readonly string[]) =>
    run('journal', 'verify', files.path(name), '--key', files.path('heads.pem'), ...more);
  async function enrol(): Promise<void> {
    using client = server.client({});
    const { pem: csr } = await buildCsr({ names: [spiffe(DEMO)] });
    const { code } = await client.call({ csr, headers: { authorization: `Bearer ${await files.mint.token()}` } });
    assert.equal(code, status.OK);
  }
  const witnessed = (): number =>
    existsSync(files.path('witness.jsonl'))
      ? readFileSync(files.path('witness.jsonl'), 'utf8').split('\n').length - 1
      : 0;
  const keyOfLastHead = (): string => {
    const line = readFileSync(files.path('witness.jsonl'), 'utf8').trim().split('\n').at(-1) ?? '';
    return (JSON.parse(line) as { readonly keyId: string }).keyId;
  };

  it('is exported with a signed end, and proven with the public key alone, as is who had it signed', async () => {
    await enrol();
    const exported = await exportTo('journal.jsonl', '--sign');
    assert.equal(exported.code, 0, exported.error);
    const { code, out } = await verify('journal.jsonl');
    assert.equal(code, 0, out);
    assert.match(out, /^Proven: \d+ records, none added, removed or changed/m);
    const before = witnessed();
    const again = await exportTo('again.jsonl', '--sign');
    assert.equal(again.code, 0, again.error);
    await eventually('a head names what was exported later', () => witnessed() > before, SOON);
    const operation = readFileSync(files.path('again.jsonl'), 'utf8')
      .split('\n')
      .find((line) => line.includes('journal export'));
    assert.match(operation ?? '', /"actor":"local".*"role":"security"/);
    await eventually('a head names that', () => witnessed() > before, SOON);
    const [later = ''] = (await run('journal', 'head', '--config', files.path('capstan.json'))).out.split(' ');
    const expected = await verify('journal.jsonl', '--expect-head', later);
    assert.equal(expected.code, 65);
    assert.match(expected.out, /unless the head is from after the export \(missing_head\)$/m);
    assert.equal((await exportTo('again.jsonl', '--since', '1h', '--sign')).code, 0);
    assert.equal((await verify('again.jsonl')).code, 0);
  });

  it('leaves no file when its end could not be signed, so that it can be asked for again', async () => {
    await enrol();
    await server.stop();
    const failed = await exportTo('journal.jsonl', '--sign');
    assert.notEqual(failed.code, 0);
    assert.equal(existsSync(files.path('journal.jsonl')), false);
    server = await RunningServer.start({ files, settings });
    const again = await run(
      ...['journal', 'export', '--config', files.path('capstan.json'), '--sign', '--to', files.path('journal.jsonl')],
    );
    assert.equal(again.code, 0, again.error);
    const taken = await run(
      ...['journal', 'export', '--config', files.path('capstan.json'), '--to', files.path('journal.jsonl')],
    );
    assert.equal(taken.code, 73);
    assert.match(taken.error, /journal\.jsonl: it is there already, and nothing is written over$/m);
    assert.equal((await verify('journal.jsonl')).code, 0, 'and one that was there before stays');
  });

  it('is proven by heads that a witness kept, up to the last one, also of a server that has stopped', async () => {
    const before = witnessed();
    await enrol();
    await eventually('a head is witnessed', () => witnessed() > before, SOON);
    await enrol();
    await server.stop();
    const exported = await exportTo('journal.jsonl');
    assert.equal(exported.code, 0, exported.error);
    const alone = await verify('journal.jsonl');
    assert.equal(alone.code, 1, alone.out);
    assert.match(alone.out, /nothing proves the end \(unsigned_end\)$/m);
    const { code, out } = await verify('journal.jsonl', '--witness', files.path('witness.jsonl'));
    assert.equal(code, 0, out);
  });

  it('shows a certificate that somebody took out of the file, or gave to another', async () => {
    await enrol();
    await enrol();
    await enrol();
    await server.stop();
    const change = (sql: string): void => {
      using database = new DatabaseSync(files.path('journal.db'));
      database.exec(sql);
    };
    change(`UPDATE decisions SET identity = 'spiffe://cluster.local/ns/default/sa/other' WHERE identity = '${DEMO}'
      AND id = (SELECT min(id) FROM decisions WHERE identity = '${DEMO}')`);
    assert.equal((await exportTo('journal.jsonl')).code, 0);
    const { code, out } = await verify('journal.jsonl');
    assert.equal(code, 65, out);
    assert.match(out, /\(changed\)$/m);
    change(`DELETE FROM decisions WHERE identity = 'spiffe://cluster.local/ns/default/sa/other'`);
    assert.equal((await exportTo('journal.jsonl')).code, 0);
    const removed = await verify('journal.jsonl');
    assert.equal(removed.code, 65, removed.out);
    assert.match(removed.out, /\(missing\)$/m);
  });

  it('is signed on and proven by its old heads too after it was lost and restored from a backup', async () => {
    await enrol();
    const before = witnessed();
    await enrol();
    await eventually('a head is witnessed', () => witnessed() > before, SOON);
    await server.stop();
    const made = await run('backup', '--to', files.path('backup'), '--config', files.path('capstan.json'));
    assert.equal(made.code, 0, made.error);
    for (const name of readdirSync(files.directory)) {
      if (name.startsWith('journal.db')) rmSync(files.path(name), { recursive: true });
    }
    const restored = await run('restore', '--from', files.path('backup'), '--config', files.path('capstan.json'));
    assert.equal(restored.code, 0, restored.error);
    const kept = witnessed();
    server = await RunningServer.start({ files, settings });
    await eventually('heads go on', () => witnessed() > kept, SOON);
    assert.doesNotMatch(await (await server.get('/readyz')).text(), /not what was signed/);
    const exported = await exportTo('journal.jsonl', '--sign');
    assert.equal(exported.code, 0, exported.error);
    const { code, out } = await verify('journal.jsonl', '--witness', files.path('witness.jsonl'));
    assert.equal(code, 0, out);
    assert.ok(readFileSync(files.path('journal.jsonl'), 'utf8').split('"kind":"head"').length > kept);
  });

  it('has a head by a key that was replaced before anything more is recorded, and is proven by both keys', async () => {
    await enrol();
    await eventually('it is signed', async () => witnessed() > 0, SOON);
    const former = keyOfLastHead();
    const replaced = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    files.write('newer.pem', replaced.publicKey.export({ type: 'spki', format: 'pem' }));
    files.write('heads-key.pem', replaced.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await eventually('a head is by the new key', async () => keyOfLastHead() !== former, SOON);
    assert.equal((await exportTo('journal.jsonl', '--sign')).code, 0);
    const { code, out } = await verify('journal.jsonl', '--key', files.path('newer.pem'));
    assert.equal(code, 0, out);
  });

  it('names its last head and the public key to who asks', async () => {
    await enrol();
    await eventually('a head is signed', () => witnessed() > 0, SOON);
    const { code, out, error } = await run('journal', 'head', '--config', files.path('capstan.json'));
    assert.equal(code, 0, error);
    assert.match(out, /^[0-9a-f]{64} of \d{4}-\d\d-\d\d [\d:]+ UTC\n-----BEGIN PUBLIC KEY-----\n/);
    const [digest = ''] = out.split(' ');
    await exportTo('journal.jsonl');
    const expecting = await verify('journal.jsonl', '--expect-head', digest);
    assert.notEqual(expecting.code, 65, expecting.out);
    assert.equal((await verify('journal.jsonl', '--expect-head', 'ab'.repeat(32))).code, 65);
  });

  it('says in its metrics that all of it is in a head', async () => {
    await enrol();
    await eventually('a head is signed', async () => /^capstan_audit_unsigned_seconds 0$/m.test(await page()), SOON);
    assert.match(await page(), /^capstan_audit_unwitnessed_heads 0$/m);
  });
  const page = async (): Promise<string> => (await server.get('/metrics')).text();
});

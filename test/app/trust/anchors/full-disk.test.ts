// A server whose disk is full: each act of an operator, each phase of a rotation and each step of a rollover is refused as a whole, changes
// nothing, and is done when there is room again. What is issued meanwhile is on record, or is not given.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { decisionFrom } from '../../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { FakeUpstream } from '../../../support/upstream/fake-upstream.ts';
import { buildCsr } from '../../../support/certificates.ts';
import { eventually } from '../../../support/eventually.ts';
import { AnchorDrill, WITHIN, type Ran } from '../../support/anchor-drill.ts';
import { csrClient, RunningServer, type ServerOptions } from '../../support/running-server.ts';
import { serialsOf } from '../../support/several-processes.ts';
import { SmallDisk } from '../../support/small-disk.ts';

/** Of what lies in files of an issuer. */
const FULL = /CAP-X03 .*is on a disk that is full/;
const WHY = ['--reason', 'a drill'];

describe('On a disk that is full', function () {
  this.timeout(240_000);
  let drill: AnchorDrill;
  let disk: SmallDisk;
  let server: RunningServer;
  let settings: Readonly<Record<string, unknown>>;
  beforeEach(async function () {
    drill = await AnchorDrill.create();
    disk = SmallDisk.orSkip(this, drill.files.path('disk'), 8);
  });
  afterEach(async () => {
    await (server as RunningServer | undefined)?.[Symbol.asyncDispose]();
    (disk as SmallDisk | undefined)?.[Symbol.dispose]();
    drill[Symbol.dispose]();
  });

  async function start(more: Omit<ServerOptions, 'files' | 'settings'> = {}): Promise<void> {
    settings = {
      ...drill.settingsIn('disk/issuer'),
      'journal.store': drill.files.path('disk/journal.db'),
      'listen.administration.socket': drill.files.path('admin.sock'),
    };
    server = await RunningServer.start({ files: drill.files, settings, ...more });
  }
  const run = async (...argv: readonly string[]): Promise<Ran> =>
    drill.run(...argv, '--data-dir', drill.files.directory);
  /** What lies on the disk and decides: the ledgers, and the issuer with its keys. */
  function decided(): Readonly<Record<string, string>> {
    const names = [
      ...['issuers', 'anchors', 'bans'].map((kind) => `journal.db.${kind}`),
      ...readdirSync(drill.files.path('disk/issuer'), { recursive: true, encoding: 'utf8' }).map(
        (name) => `issuer/${name}`,
      ),
    ];
    const texts = names.map((name) => [name, textOf(path.join(drill.files.path('disk'), name))] as const);
    // The lock of a folder is empty.
    return Object.fromEntries(texts.filter(([, text]) => text !== ''));
  }
  /** Has a certificate, or has none. */
  async function asked(): Promise<void> {
    const { files, next } = drill;
    using client = csrClient(server.tlsPort, files.pki.root.certificatePem + next.root.certificatePem);
    const headers = { authorization: `Bearer ${await files.mint.tokenIn('default', 'web')}` };
    const outcome = await client.call({ csr: (await buildCsr()).pem, headers });
    if (outcome.code === status.OK) drill.serials.push(...serialsOf(outcome));
    else assert.match(outcome.details, /^CAP-S(?:04|14) /);
  }

  /** Nothing of it is done while the disk is full, and all of it when there is room. @returns what it says then. */
  async function refusedThenDone(what: string, act: () => Promise<Ran>, refusal = /CAP-S04 /): Promise<string> {
    const before = decided();
    disk.fill();
    const refused = await act();
    await asked();
    disk.empty();
    assert.notEqual(refused.code, 0, what);
    assert.match(refused.error, refusal, `${what}: ${refused.error}`);
    assert.deepEqual(decided(), before, what);
    // An operator asks again while what the act waits for is not known yet, such as who has renewed.
    const { output } = await eventually(
      `${what} is done`,
      async () => {
        const done = await act();
        return done.code === 0 && done;
      },
      { ...WITHIN, everyMs: 1_000 },
    );
    assert.notDeepEqual(decided(), before, what);
    return output;
  }

  async function untilNothingIsInTheWay(): Promise<void> {
    const isFree = async (): Promise<boolean> => (await drill.status()).review?.obstacles.length === 0;
    await eventually('nothing is in the way', isFree, { ...WITHIN, everyMs: 1_000 });
  }

  function allIsOnRecord(): void {
    using journal = new JournalQueries(drill.files.path('disk/journal.db'));
    const recorded = journal.list({ outcome: 'issued', limit: 10_000 }).map((row) => {
      const one = decisionFrom(row);
      return one.outcome === 'issued' ? one.serial : '';
    });
    assert.deepEqual(
      drill.serials.filter((serial) => !recorded.includes(serial)),
      [],
    );
  }

  it('no ban is made or lifted in part, and no issuer suspended', async () => {
    await start();
    await drill.ask(server.tlsPort);
    const identity = ['--identity', 'spiffe://cluster.local/ns/default/sa/late', ...WHY];
    const output = await refusedThenDone('revoke', async () => run('revoke', ...identity));
    const [id = ''] = /[0-9a-f]{16}/.exec(output) ?? [];
    await refusedThenDone('lift', async () => run('revoke', 'lift', id, ...WHY));
    await refusedThenDone('suspend', async () => run('issuer', 'suspend', 'default', ...WHY));
    assert.match((await server.ask('default', 'web')).details, /^CAP-S14 /);
    await refusedThenDone('resume', async () => run('issuer', 'resume', 'default', ...WHY));
    await drill.ask(server.tlsPort);
    allIsOnRecord();
  });

  it('no phase of a rotation begins in part, nor is the next intermediate asked for or imported', async () => {
    await start();
    const { files, next } = drill;
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    await drill.ask(server.tlsPort);
    await refusedThenDone('start', async () => drill.anchor(['start', '--new', files.path('new.pem'), ...WHY]));
    await drill.untilAll(server.tlsPort, { below: 'old', anchors: 'old,new' });
    await drill.requestNext(settings);
    await refusedThenDone('import', async () => drill.importAgain(), FULL);
    await untilNothingIsInTheWay();
    await refusedThenDone('advance', async () => drill.anchor(['advance', ...WHY]));
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'old,new' });
    await untilNothingIsInTheWay();
    await refusedThenDone('retire', async () => drill.anchor(['retire', ...WHY]));
    await drill.untilAll(server.tlsPort, { below: 'new', anchors: 'new' });
    await drill.untilPhase('done');
    allIsOnRecord();
  });

  it('a rotation is not taken back in part', async () => {
    await start();
    await drill.ask(server.tlsPort);
    await drill.start();
    await refusedThenDone('abort', async () => drill.anchor(['abort', ...WHY]));
    await drill.untilAll(server.tlsPort, { below: 'old', anchors: 'old' });
    allIsOnRecord();
  });

  it('no step of a rollover is made in part: the one in force signs on when there is room, and the next comes then', async () => {
    const upstream = new FakeUpstream(drill.files.pki.root);
    await start({ upstream, rollover: { lifetime: 30 * 86_400_000, prepareAt: 0.9, activateAt: 0.95 } });
    await drill.ask(server.tlsPort);
    await refusedThenDone('prepare', async () => run('issuer', 'rotate', 'default', ...WHY), FULL);
    await refusedThenDone('activate', async () => run('issuer', 'rotate', 'default', '--activate', ...WHY), FULL);
    await drill.ask(server.tlsPort);
    allIsOnRecord();
  });
});

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

// A rotation of the trust anchor on two servers that share a database, each with an intermediate of its own. The one that an operator
// tells what to do is killed in each phase, as soon as it has answered: the other has it from the database, and goes on.
import assert from 'node:assert/strict';
import { AnchorDrill } from '../../app/support/anchor-drill.ts';
import { ChildServer } from '../../app/support/child-server.ts';
import { testAuthority } from '../../support/certificates.ts';
import { findPostgres } from '../../support/postgres/binaries.ts';
import { PostgresCluster } from '../../support/postgres/cluster.ts';
import { peerOrSkip } from '../support/presence.ts';

const NAMES = ['one', 'other'] as const;
type Name = (typeof NAMES)[number];

describe('A rotation of the trust anchor on two servers with one database', function () {
  this.timeout(240_000);
  const ending = new AsyncDisposableStack();
  const servers = new Map<Name, ChildServer>();
  const settings = new Map<Name, Readonly<Record<string, unknown>>>();
  let cluster: PostgresCluster;
  let drill: AnchorDrill;
  before(async function () {
    peerOrSkip(this, findPostgres(), 'PostgreSQL');
    cluster = ending.use(await PostgresCluster.start());
    drill = ending.use(await AnchorDrill.create());
    const { files, next } = drill;
    files.setAnchors(files.pki.root.certificatePem + next.root.certificatePem);
    ending.defer(async () => {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
    });
    for (const name of NAMES) {
      const authority = await testAuthority({ root: files.pki.root });
      settings.set(name, {
        ...drill.settingsIn(name, authority),
        'journal.store': cluster.url(),
        'journal.postgres.caFile': cluster.caFile,
        'journal.postgres.passwordFile': cluster.passwordFile,
        'listen.administration.socket': files.path(`${name}/admin.sock`),
        'policy.bundle.stateFile': files.path(`${name}-state.json`),
        'telemetry.logFile': files.path(`${name}.log`),
      });
      await start(name);
    }
  });
  after(async () => ending.disposeAsync());

  async function start(name: Name): Promise<void> {
    servers.set(name, await ChildServer.start(drill.files, settings.get(name)));
  }
  const port = (name: Name): number => servers.get(name)?.tlsPort ?? 0;
  const dataOf = (name: Name): string => drill.files.path(name);
  const liveAt = async (name: Name) => (await drill.status(dataOf(name))).review?.progress.all.workloads;
  /** Has one of them do the step, kills it, and looks at the other meanwhile. */
  async function diesAfter(step: () => Promise<void>, name: Name, whileDead: () => Promise<void>): Promise<void> {
    await step();
    await servers.get(name)?.kill9();
    await whileDead();
    await start(name);
  }

  it('is done by whichever is left when the other is killed in each phase: no root and no leaf is lost', async () => {
    await drill.ask(port('one'), 'web');
    await drill.ask(port('other'), 'api');
    const started = async (): Promise<void> => drill.start(dataOf('one'));
    await diesAfter(started, 'one', async () => {
      await drill.untilPhase('publish', dataOf('other'));
      await drill.untilAll(port('other'), { below: 'old', anchors: 'old,new' }, 'api');
      assert.equal(await liveAt('other'), 2, 'what the dead one knew of its workloads is known');
    });
    await drill.untilAll(port('one'), { below: 'old', anchors: 'old,new' });
    for (const name of NAMES) {
      const { code, error } = await drill.importNext(settings.get(name) ?? {});
      assert.equal(code, 0, error);
    }

    const advanced = async (): Promise<void> => drill.stepDone('advance', dataOf('other'));
    await diesAfter(advanced, 'other', async () => {
      await drill.untilPhase('adopt', dataOf('one'));
      await drill.untilAll(port('one'), { below: 'new', anchors: 'old,new' });
      const { error } = await drill.anchor(['retire', '--reason', 'too early'], dataOf('one'));
      assert.match(error, /CAP-O03 .*1 live workload is below the old trust anchor: .*default\/sa\/api \(pod api-0\)/s);
    });
    await drill.untilAll(port('other'), { below: 'new', anchors: 'old,new' }, 'api');

    const retired = async (): Promise<void> => drill.stepDone('retire', dataOf('one'));
    await diesAfter(retired, 'one', async () => {
      for (const name of ['web', 'api']) await drill.untilAll(port('other'), { below: 'new', anchors: 'new' }, name);
      await drill.untilPhase('done', dataOf('other'));
    });
    await drill.untilAll(port('one'), { below: 'new', anchors: 'new' });
    assert.equal(await drill.phase(dataOf('one')), 'done');

    const recorded = (await cluster.query("SELECT serial FROM decisions WHERE outcome = 'issued'")).flat();
    assert.deepEqual(
      drill.serials.filter((serial) => !recorded.includes(serial)),
      [],
    );
    assert.deepEqual(
      await cluster.query(
        "SELECT operation, became FROM operations WHERE operation LIKE 'anchor %' AND was <> became AND became IN ('publish', 'adopt', 'retire', 'done') ORDER BY time_ms",
      ),
      [
        ['anchor start', 'publish'],
        ['anchor advance', 'adopt'],
        ['anchor retire', 'retire'],
        ['anchor finish', 'done'],
      ],
    );
  });
});
